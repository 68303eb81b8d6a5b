//! The only place that prints: data to standard output, talk to standard error.
//!
//! Nobody else writes to either, so that a script that reads the data never
//! meets a sentence, and `--quiet` has one place to work in. Texts carry their
//! colour always; the streams take it out where it is not wanted.

mod failure;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use packd_wire::Exit;
use serde::Serialize;

pub(crate) use failure::{Failure, in_a_line};
use progress::Progress;

use crate::args::{Color, Format, Global};

/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is odd.
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default().bold();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Headings.
pub(crate) const BOLD: Style = Style::new().bold();
/// What is read second.
pub(crate) const DIM: Style = Style::new().dimmed();

/// A text in a style, ended by its reset.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// How wide a table may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// As wide as it needs: programs read lines, not screens.
    Unlimited,
    /// As wide as the terminal is.
    Terminal,
}

type Stream = AutoStream<Box<dyn Write + Send>>;

/// Both streams, and how they are to be used.
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    width: Width,
    /// Whether talk goes to a terminal, where lines can be drawn again.
    live: bool,
    data: Stream,
    talk: Stream,
    /// The reader of the data is gone: whatever comes is dropped.
    closed: bool,
    broken: Option<io::Error>,
}

impl Output {
    /// The streams of this process.
    pub(crate) fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => None,
            Color::Always => Some(ColorChoice::Always),
            Color::Never => Some(ColorChoice::Never),
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let terminal = stdout.is_terminal();
        let live = stderr.is_terminal() && Progress::can_draw();
        let data = choice.unwrap_or_else(|| AutoStream::choice(&stdout));
        let talk = choice.unwrap_or_else(|| AutoStream::choice(&stderr));
        Self {
            format: global.format(),
            quiet: global.quiet,
            width: if terminal {
                Width::Terminal
            } else {
                Width::Unlimited
            },
            live,
            data: AutoStream::new(Box::new(stdout), data),
            talk: AutoStream::new(Box::new(stderr), talk),
            closed: false,
            broken: None,
        }
    }

    /// Whether data is written for people.
    pub(crate) fn is_human(&self) -> bool {
        self.format == Format::Human
    }

    /// The shape that data has.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How wide tables may become.
    pub(crate) fn width(&self) -> Width {
        self.width
    }

    /// Whether only data and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether nobody reads the data any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Shows one thing: as it is on the wire, or as `human` tells it.
    pub(crate) fn show<T: Serialize>(&mut self, thing: &T, human: impl FnOnce() -> String) {
        match self.format {
            Format::Human => self.data(&human()),
            Format::Json => self.encoded(&serde_json::to_string_pretty(thing), "\n"),
            Format::Yaml => self.encoded(&serde_yaml::to_string(thing), ""),
            Format::Ndjson => self.encoded(&serde_json::to_string(thing), "\n"),
        }
    }

    /// Shows a list: the object that it is on the wire, a line per item, or as `human` tells it.
    pub(crate) fn show_list<T: Serialize, I: Serialize>(
        &mut self,
        list: &T,
        items: &[I],
        human: impl FnOnce() -> String,
    ) {
        if self.format == Format::Ndjson {
            for item in items {
                self.encoded(&serde_json::to_string(item), "\n");
            }
        } else {
            self.show(list, human);
        }
    }

    /// Shows one of a stream of things as a line of JSON.
    pub(crate) fn show_line<T: Serialize>(&mut self, thing: &T) {
        self.encoded(&serde_json::to_string(thing), "\n");
    }

    /// Writes data as it is.
    pub(crate) fn data(&mut self, text: &str) {
        if self.closed || self.broken.is_some() {
            return;
        }
        if let Err(error) = self
            .data
            .write_all(text.as_bytes())
            .and_then(|()| self.data.flush())
        {
            if error.kind() == io::ErrorKind::BrokenPipe {
                self.closed = true;
            } else {
                self.broken = Some(error);
            }
        }
    }

    fn encoded<E: std::fmt::Display>(&mut self, text: &Result<String, E>, end: &str) {
        match text {
            Ok(text) => self.data(&format!("{text}{end}")),
            Err(error) => self.broken = Some(io::Error::other(error.to_string())),
        }
    }

    /// Says what became of a change: data, but nothing that `--quiet` wants to see.
    pub(crate) fn done(&mut self, text: &str) {
        if self.is_human() && !self.quiet {
            self.data(&format!("{text}\n"));
        }
    }

    /// Says something on the side.
    pub(crate) fn say(&mut self, text: &str) {
        if !self.quiet {
            self.talk(&format!("{text}\n"));
        }
    }

    /// Says that something is odd.
    pub(crate) fn warn(&mut self, message: &str) {
        self.say(&warning(message));
    }

    /// Says what could be tried.
    pub(crate) fn hint(&mut self, text: &str) {
        self.say(&format!("{} {}", styled(GOOD, "hint:"), text::clean(text)));
    }

    /// Says why something failed; also when quiet.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        self.talk(&failure.render());
    }

    /// What shows how jobs go on.
    pub(crate) fn progress(&self) -> Progress {
        if self.quiet {
            return Progress::silent();
        }
        let choice = self.talk.current_choice();
        if self.live {
            return Progress::live(choice);
        }
        Progress::lines(AutoStream::new(Box::new(io::stderr()), choice))
    }

    /// Whether everything that was shown has really been written.
    ///
    /// # Errors
    /// When it has not, for another reason than a reader that had enough.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        match self.broken.take() {
            Some(error) => Err(Failure::of(
                Exit::Failed,
                "cannot write to standard output",
                &error,
            )),
            None => Ok(()),
        }
    }

    fn talk(&mut self, text: &str) {
        // nobody can be told that nobody can be told
        let told = self
            .talk
            .write_all(text.as_bytes())
            .and_then(|()| self.talk.flush());
        drop(told);
    }
}

/// A line that says that something is odd.
pub(crate) fn warning(message: &str) -> String {
    format!("{} {}", styled(ODD, "warning:"), text::clean(message))
}

#[cfg(test)]
pub(crate) mod tests;
