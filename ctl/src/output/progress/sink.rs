//! Where progress is shown: nowhere, as lines, or moving on a terminal.

use std::io::Write as _;

use anstream::ColorChoice;
use indicatif::MultiProgress;

use crate::output::{BAD, Stream, styled};

/// Where progress is shown.
pub(super) enum Sink {
    /// Nowhere.
    Silent,
    /// Line by line; what is written stays.
    Lines(Stream),
    /// On a terminal, below lines that stay.
    Live {
        /// The moving lines.
        bars: MultiProgress,
        /// Whether the lines have colour.
        choice: ColorChoice,
    },
}

impl Sink {
    /// Writes a line that stays.
    pub(super) fn line(&mut self, text: &str) {
        match self {
            Self::Silent => {}
            Self::Lines(stream) => {
                // nobody can be told that nobody can be told
                drop(writeln!(stream, "{text}").and_then(|()| stream.flush()));
            }
            Self::Live { bars, choice } => {
                let told = if *choice == ColorChoice::Never {
                    bars.println(anstream::adapter::strip_str(text).to_string())
                } else {
                    bars.println(text)
                };
                drop(told);
            }
        }
    }

    /// Writes which step failed, when one did.
    pub(super) fn failed_step(&mut self, label: &str, width: usize, step: Option<String>) {
        if let Some(step) = step {
            let mark = styled(BAD, "✗");
            self.line(&format!("{mark} {label:width$}  {step}"));
        }
    }
}
