//! `events`: what happened, in order, and what happens from now on.

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use packd_wire::{EventKind, EventList, EventView, EventsQuery, Exit};
use serde_json::Value;

use super::interrupt::Interrupt;
use crate::Ending;
use crate::args::Format;
use crate::client::Client;
use crate::client::events::{AtFirst, EventStream, Frame, Item};
use crate::output::text::{bytes, clean, duration};
use crate::output::{BAD, DIM, Failure, GOOD, ODD, Output, in_a_line, styled};

/// How many events are asked for at once: as many as the daemon gives.
const PAGE: u32 = 1000;

/// Show what happened, and follow what happens
///
/// Without --follow: the stored events, as JSON or YAML in one document. With it: those from now on,
/// or after --since, without an end, so that JSON has one event per line and YAML one document per
/// event; the stream survives restarts of packd.
#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    /// Go on with what happens from now on
    #[arg(long, short)]
    follow: bool,

    /// Only events after this sequence number; 0 begins with the first
    #[arg(long, value_name = "SEQ")]
    since: Option<i64>,

    /// Only events of this job
    #[arg(long, value_name = "JOB", value_parser = super::job::number)]
    #[arg(add = crate::complete::jobs())]
    job: Option<i64>,

    /// Only events about this pack
    #[arg(long = "ref", value_name = "REF", add = crate::complete::packs())]
    pack_ref: Option<String>,

    /// Only events of these kinds
    #[arg(
        long,
        value_name = "KIND",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    #[arg(value_parser = kinds())]
    kind: Vec<String>,
}

fn kinds() -> PossibleValuesParser {
    EventKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect::<Vec<_>>()
        .into()
}

impl Events {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let wanted = EventsQuery {
            since: self.since,
            job: self.job,
            pack_ref: self.pack_ref,
            kind: (!self.kind.is_empty()).then(|| self.kind.join(",")),
            follow: None,
            limit: None,
        };
        if self.follow {
            follow(client, out, wanted).await
        } else {
            list(client, out, wanted).await
        }
    }
}

/// Shows the stored events: as lines page by page, so that many need no memory, and as one document
/// when all of them have come, so that a part is never taken for the whole.
async fn list(
    client: &Client,
    out: &mut Output,
    mut wanted: EventsQuery,
) -> Result<Ending, Failure> {
    wanted.limit = Some(PAGE);
    let mut document = match out.format() {
        Format::Json | Format::Yaml => Some(Vec::new()),
        Format::Human | Format::Ndjson => None,
    };
    loop {
        let page = client.events(&wanted).await?;
        match &mut document {
            Some(events) => events.extend(page.events),
            None => page.events.iter().for_each(|event| show(out, event)),
        }
        match page.next {
            next @ Some(_) if next > wanted.since && !out.is_closed() => wanted.since = next,
            Some(_) | None => break,
        }
    }
    if let Some(events) = document {
        out.show(&EventList { events, next: None }, String::new);
    }
    Ok(Ending::Exit(Exit::Done))
}

/// Shows events as they come, until Ctrl-C or until nobody reads them any more.
async fn follow(
    client: &Client,
    out: &mut Output,
    mut wanted: EventsQuery,
) -> Result<Ending, Failure> {
    if wanted.since.is_none() {
        // said once, so that a stream that is cut resumes from here and not from a later now
        wanted.since = Some(client.status().await?.last_event);
    }
    let mut interrupt = Interrupt::new()?;
    let mut stream = EventStream::new(client, wanted, AtFirst::Fail);
    while !out.is_closed() {
        let item = tokio::select! {
            item = stream.next() => item?,
            () = interrupt.comes() => return Ok(Ending::Detached),
        };
        match item {
            Item::Event(Frame { raw, .. })
                if matches!(out.format(), Format::Json | Format::Ndjson) =>
            {
                out.data(&format!("{raw}\n"));
            }
            Item::Event(Frame {
                event: Some(event), ..
            }) => show(out, &event),
            // a kind of a newer daemon, which has no words here
            Item::Event(Frame { event: None, .. }) => {}
            Item::Interrupted => out.say("packd is away; waiting for it to return"),
        }
    }
    Ok(Ending::Exit(Exit::Done))
}

/// Shows one event of several. A stream has no end, so that as JSON it is a line, not part of an array.
fn show(out: &mut Output, event: &EventView) {
    match out.format() {
        Format::Human => out.data(&line(event)),
        Format::Json | Format::Ndjson => out.show_line(event),
        Format::Yaml => {
            out.data("---\n");
            out.show(event, String::new);
        }
    }
}

/// `12:04:11  117  job 12  slack  step_completed  fetch, 1.20 MiB, 0.84 s`
pub(super) fn line(event: &EventView) -> String {
    let time = event.at.parse::<Timestamp>().map_or_else(
        |_| clean(&event.at).into_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    );
    let seq = event.seq.map(|seq| seq.to_string()).unwrap_or_default();
    let style = match event.kind {
        EventKind::JobFailed
        | EventKind::RegistryFailed
        | EventKind::PackDamaged
        | EventKind::HealthFailed
        | EventKind::HookFailed => BAD,
        EventKind::Warning | EventKind::JobCancelled => ODD,
        EventKind::JobSucceeded
        | EventKind::PackInstalled
        | EventKind::PackUpdated
        | EventKind::PackRemoved
        | EventKind::PackRepaired
        | EventKind::UpdateAvailable => GOOD,
        EventKind::JobQueued
        | EventKind::JobStarted
        | EventKind::StepStarted
        | EventKind::StepCompleted
        | EventKind::Downloading
        | EventKind::Extracting
        | EventKind::Testing
        | EventKind::Verifying
        | EventKind::Info
        | EventKind::GenerationActivated
        | EventKind::HookSucceeded
        | EventKind::RegistryRefreshed => anstyle::Style::new(),
    };
    let kind = styled(style, &format!("{:20}", event.kind.as_str()));
    let mut about = Vec::new();
    about.extend(event.job.map(|job| format!("job {job}")));
    about.extend(
        event
            .pack_ref
            .as_deref()
            .map(|name| clean(name).into_owned()),
    );
    about.extend(details(&event.data));
    let text = format!(
        "{}  {seq:>6}  {kind}  {}",
        styled(DIM, &time),
        about.join("  ")
    );
    format!("{}\n", text.trim_end())
}

/// What an event says, in words: the message alone where there is one, else names with values.
fn details(data: &Value) -> Option<String> {
    let fields = data.as_object()?;
    let mut words = Vec::new();
    for (name, value) in fields {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => clean(text).into_owned(),
            Value::Number(number) => match (name.as_str(), number.as_u64()) {
                ("duration_ms", Some(milliseconds)) => duration(milliseconds),
                ("downloaded_bytes" | "total_bytes" | "bytes", Some(count)) => bytes(count),
                _ => number.to_string(),
            },
            Value::Object(_) => {
                let text = in_a_line(value).unwrap_or_else(|| value.to_string());
                clean(&text).into_owned()
            }
            Value::Bool(_) | Value::Array(_) => clean(&value.to_string()).into_owned(),
        };
        match name.as_str() {
            // these say what they are
            "step" | "message" | "summary" | "duration_ms" | "error" | "url" | "file" => {
                words.push(text);
            }
            name => words.push(format!("{}: {text}", clean(name).replace('_', " "))),
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests;
