use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::*;

/// What was written, readable while it is written.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn stream(&self) -> Stream {
        AutoStream::never(Box::new(self.clone()))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer whose reader fails in one way.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An output without a terminal, and what it writes: data, talk.
pub(crate) fn output(format: Format, quiet: bool) -> (Output, Written, Written) {
    let (data, talk) = (Written::default(), Written::default());
    let output = Output {
        format,
        quiet,
        width: Width::Unlimited,
        live: false,
        data: data.stream(),
        talk: talk.stream(),
        closed: false,
        broken: None,
    };
    (output, data, talk)
}

fn shown(format: Format) -> String {
    let (mut out, data, _) = output(format, false);
    let list = json!({"packs": [{"ref": "slack"}, {"ref": "http"}]});
    let items = [json!({"ref": "slack"}), json!({"ref": "http"})];
    out.show_list(&list, &items, || "two packs\n".to_owned());
    data.text()
}

#[test]
fn a_list_has_the_shape_that_was_asked_for() {
    assert_eq!(shown(Format::Human), "two packs\n");
    assert_eq!(
        shown(Format::Ndjson),
        "{\"ref\":\"slack\"}\n{\"ref\":\"http\"}\n"
    );
    assert_eq!(shown(Format::Yaml), "packs:\n- ref: slack\n- ref: http\n");
    let read: serde_json::Value = serde_json::from_str(&shown(Format::Json)).expect("JSON");
    assert_eq!(read["packs"][1]["ref"], "http");
}

#[test]
fn quiet_leaves_data_and_errors() {
    let (mut out, data, talk) = output(Format::Human, true);
    out.say("talk");
    out.warn("odd");
    out.hint("try this");
    out.done("slack installed");
    out.show(&1, || "data\n".to_owned());
    out.failure(&Failure::new(Exit::Failed, "it broke"));
    assert_eq!(data.text(), "data\n");
    assert_eq!(talk.text(), "error: it broke\n");
}

#[test]
fn a_reader_that_had_enough_is_no_error() {
    let (mut out, _, _) = output(Format::Human, false);
    out.data = AutoStream::never(Box::new(Broken(io::ErrorKind::BrokenPipe)));
    out.data("one\n");
    assert!(out.is_closed(), "whoever streams must learn of it");
    assert!(out.finish().is_ok(), "the rest is dropped quietly");
}

#[test]
fn data_that_cannot_be_written_is_an_error() {
    let (mut out, _, _) = output(Format::Human, false);
    out.data = AutoStream::never(Box::new(Broken(io::ErrorKind::StorageFull)));
    out.data("one\n");
    assert!(
        out.finish().is_err(),
        "a script must not take a part for the whole"
    );
}
