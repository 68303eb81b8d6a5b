//! Where log lines go: the journal when systemd started us, else lines for people on stderr, or JSON.
//!
//! What the levels mean to the reader is in `config::Level`. Text in a log line can come from a pack or a
//! server, so nothing in it may end the line or move the cursor: JSON escapes by itself, the journal frames
//! each field by its length, and lines for people are escaped here.

use std::error::Error;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::OnceLock;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, reload};

use crate::config::{ConfigError, Environment, Level, LogFormat};

pub use packd_format::error::chain;

/// Before the names of our fields in the journal: `journalctl PACKD_JOB=17`.
const JOURNAL_PREFIX: &str = "PACKD";

/// The running log's filter. The log belongs to the process, and so does this.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts the log of this process; panics go there too. Without a format it is the journal if stderr is a
/// stream to it, else lines on stderr, which also serve when the journal does not answer.
pub fn start(format: Option<LogFormat>, level: Level) {
    let format = format.unwrap_or_else(|| default_format(&Environment::of_process()));
    let (filter, handle) = reload::Layer::new(filter(level));
    let (output, failure) = match output(format, io::stderr) {
        Ok(output) => (output, None),
        Err(error) => (lines(io::stderr), Some(error)),
    };
    let log = tracing_subscriber::registry().with(filter).with(output);
    // a second log in one process is a test's; the first one stays
    if log.try_init().is_ok() {
        FILTER.set(handle).ok();
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let message = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(place, "a defect in packd: {message}");
        }));
    }
    if let Some(error) = failure {
        tracing::warn!(error = %chain(&error), "cannot log to the journal");
    }
}

/// Logs from now on what this level says; for a reload.
pub fn set_level(level: Level) {
    if let Some(handle) = FILTER.get() {
        // fails only when the log is gone, and then there is nobody to tell
        handle.reload(filter(level)).ok();
    }
}

/// Prints data to stdout and passes the exit code on. A reader that has gone is no failure.
#[must_use]
pub fn print(text: &str, code: ExitCode) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => code,
    }
}

/// Says on stderr why the daemon does not run, and what can be done.
#[must_use]
pub fn refuse(error: &(dyn Error + 'static), hint: Option<String>) -> ExitCode {
    // the last words: where they cannot be said, the exit code remains
    io::stderr().write_all(refusal(error, hint).as_bytes()).ok();
    ExitCode::FAILURE
}

fn refusal(error: &(dyn Error + 'static), hint: Option<String>) -> String {
    let lines = match error.downcast_ref::<ConfigError>() {
        Some(error) => error
            .problems()
            .iter()
            .map(|problem| format!("packd: {problem}"))
            .collect(),
        None => vec![format!("packd: {}", chain(error))],
    };
    let lines = lines
        .into_iter()
        .chain(hint.map(|hint| format!("hint: {hint}")));
    lines.map(|line| escape(&line) + "\n").collect()
}

/// What is used when the command line says nothing: the journal if stderr is a stream to it.
fn default_format(environment: &Environment) -> LogFormat {
    let stderr = rustix::fs::fstat(io::stderr().as_fd());
    let stderr = stderr.ok().map(|stat| (stat.st_dev, stat.st_ino));
    match environment.get("JOURNAL_STREAM") {
        Some(stream) if stderr.is_some_and(|file| is_stream(stream, file)) => LogFormat::Journald,
        _ => LogFormat::Human,
    }
}

/// Whether `JOURNAL_STREAM`, which is inherited by children whose stderr may be another, names this file
/// (systemd.exec(5)).
fn is_stream(stream: &str, (device, inode): (u64, u64)) -> bool {
    stream
        .split_once(':')
        .is_some_and(|(stream_device, stream_inode)| {
            stream_device.parse() == Ok(device) && stream_inode.parse() == Ok(inode)
        })
}

/// Our own messages at the level that was asked for; of the libraries only what an operator can need.
fn filter(level: Level) -> Targets {
    let (own, others) = match level {
        Level::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        Level::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        Level::Info => (LevelFilter::INFO, LevelFilter::WARN),
        Level::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        Level::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    Targets::new()
        .with_target("packd", own)
        .with_default(others)
}

/// A layer of any kind.
type Output<S> = Box<dyn Layer<S> + Send + Sync>;

/// Fails only for the journal.
fn output<S, W>(format: LogFormat, writer: W) -> io::Result<Output<S>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    match format {
        LogFormat::Human => Ok(lines(writer)),
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::layer().json().with_ansi(false);
            Ok(json.flatten_event(true).with_writer(writer).boxed())
        }
        LogFormat::Journald => {
            let journal = tracing_journald::layer()?;
            let journal = journal.with_field_prefix(Some(JOURNAL_PREFIX.to_owned()));
            Ok(journal.with_syslog_identifier("packd".to_owned()).boxed())
        }
    }
}

/// Lines for people.
fn lines<S, W>(writer: W) -> Output<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    layer.with_writer(Escaping(writer)).boxed()
}

/// Makes writers that let through one line per event and no control character within it.
struct Escaping<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Escaping<W> {
    type Writer = EscapingWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapingWriter(self.0.make_writer())
    }
}

/// Expects one whole event per call of `write`, which is what the formatting layer does.
struct EscapingWriter<W>(W);

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut escaped = escape(line);
        escaped.push('\n');
        self.0.write_all(escaped.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with every control character, and what reverses the direction of text, made visible.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        let reverses = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || reverses || matches!(c, '\u{2028}' | '\u{2029}') {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::config::{self, Args, SecretError};

    /// What was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: Level, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let output = output(format, move || writer.clone()).unwrap();
        let subscriber = tracing_subscriber::registry()
            .with(filter(level))
            .with(output);
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let hostile = "a\nINFO forged\u{1b}[2J\r\u{9b}1m\u{202e}\u{7}";
        let text = logged(LogFormat::Human, Level::Info, || {
            tracing::info!(pack = hostile, "unpacked {hostile}");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            !text.trim_end_matches('\n').contains(char::is_control) && !text.contains('\u{202e}'),
            "{text:?}"
        );
        let text = logged(LogFormat::Json, Level::Info, || {
            tracing::info!(pack = hostile, "unpacked");
        });
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["pack"], hostile, "JSON keeps the text and escapes it");
        assert_eq!(json["message"], "unpacked");
    }

    #[test]
    fn the_level_is_for_our_own_messages() {
        let log = || {
            tracing::info!(target: "packd::queue", "ours");
            tracing::debug!(target: "packd::queue", "ours in detail");
            tracing::info!(target: "rustls", "theirs");
            tracing::warn!(target: "rustls", "their warning");
        };
        let words = |level| {
            let text = logged(LogFormat::Human, level, log);
            text.lines()
                .map(|line| line.rsplit(": ").next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(words(Level::Error), Vec::<String>::new());
        assert_eq!(words(Level::Warn), ["their warning"]);
        assert_eq!(words(Level::Info), ["ours", "their warning"]);
        assert_eq!(
            words(Level::Debug),
            ["ours", "ours in detail", "theirs", "their warning"]
        );
    }

    #[test]
    fn the_journal_is_used_only_when_stderr_is_its_stream() {
        for (stream, expected) in [
            ("8:31415", true),
            ("8:31416", false),
            ("9:31415", false),
            ("8", false),
            ("", false),
            ("8:x", false),
        ] {
            assert_eq!(is_stream(stream, (8, 31415)), expected, "`{stream}`");
        }
        assert_eq!(default_format(&Environment::default()), LogFormat::Human);
        let inherited = Environment::from_iter([("JOURNAL_STREAM", "0:0")]);
        assert_eq!(
            default_format(&inherited),
            LogFormat::Human,
            "stderr was redirected since"
        );
    }

    #[test]
    fn the_level_can_change_while_running() {
        let lines = Lines::default();
        let writer = lines.clone();
        let (layer, handle) = reload::Layer::new(filter(Level::Warn));
        let output = output(LogFormat::Human, move || writer.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(layer).with(output);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "packd", "before");
            handle.reload(filter(Level::Info)).unwrap();
            tracing::info!(target: "packd", "after");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("after") && !text.contains("before"), "{text}");
    }

    #[test]
    fn a_refusal_says_everything_once() {
        let source = io::Error::other("the\ncause");
        let error = SecretError::Read {
            path: "/x".into(),
            source,
        };
        assert_eq!(
            refusal(&error, Some("try".to_owned())),
            "packd: cannot read the secret in /x: the\\ncause\nhint: try\n"
        );
        let args = Args {
            log_level: Some("loud".to_owned()),
            ..Args::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packd.yaml");
        fs_err::write(&file, "colour: blue\n").unwrap();
        let args = Args {
            config: Some(file),
            ..args
        };
        let error = config::load(&config::Inputs::new(&args, Environment::default())).unwrap_err();
        assert_eq!(
            refusal(&error, None).lines().count(),
            2,
            "a problem to a line"
        );
    }
}
