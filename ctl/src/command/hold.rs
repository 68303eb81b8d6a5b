//! `hold` and `unhold`: packs that stay in the version that they have.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use packd_wire::{Exit, HoldRequest, PackList, PackView};

use super::told::Told;
use crate::Ending;
use crate::client::Client;
use crate::output::text::moment;
use crate::output::{Failure, Output};

/// Keep packs in the version that they have
///
/// No install, no plan of other packs and no removal changes a held pack, unless with --force. It is held until
/// `packctl unhold`, or until the time that is given.
///
/// With --all nothing is updated by itself; what somebody asks for is done.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl hold --all --until 2027-01-07 --reason 'nobody is here'
  packctl hold slack --reason 'the bot breaks with 3.x'
  packctl hold slack jira --until 14d
  packctl hold slack --until 2026-12-31T18:00")]
pub(crate) struct Hold {
    /// The packs
    #[arg(
        value_name = "REF",
        required_unless_present = "all",
        conflicts_with = "all",
        add = crate::complete::packs()
    )]
    refs: Vec<String>,

    /// Freeze all updates that nobody asks for
    #[arg(long)]
    all: bool,

    /// When it is over: a span such as 12h or 14d, a day, or a time (of this host, unless it says its zone)
    #[arg(long, value_name = "TIME", value_parser = end)]
    until: Option<Timestamp>,

    /// What for, for whoever wonders
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Let held packs change again
#[derive(Debug, clap::Args)]
pub(crate) struct Unhold {
    /// The packs
    #[arg(
        value_name = "REF",
        required_unless_present = "all",
        conflicts_with = "all",
        add = crate::complete::packs()
    )]
    refs: Vec<String>,

    /// Lift the freeze of all updates; packs that are held stay so
    #[arg(long)]
    all: bool,
}

impl Hold {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let request = HoldRequest {
            until: self.until.map(|until| until.to_string()),
            reason: self.reason,
        };
        let now = Timestamp::now();
        if self.all {
            let view = client.freeze(&request).await?;
            let until = view
                .freeze
                .as_ref()
                .and_then(|freeze| freeze.until.as_deref());
            out.show(&view, || match until {
                Some(until) => {
                    format!(
                        "nothing is updated by itself until {}\n",
                        moment(until, now)
                    )
                }
                None => "nothing is updated by itself\n".to_owned(),
            });
            return Ok(Ending::Exit(Exit::Done));
        }
        let words = |pack: &PackView| {
            let held = format!("{} is held at {}", pack.pack_ref, pack.version);
            match pack.hold.as_ref().and_then(|hold| hold.until.as_ref()) {
                Some(until) => format!("{held} until {}", moment(until, now)),
                None => held,
            }
        };
        let mut told = Told::new();
        for pack_ref in &self.refs {
            told.take(out, client.hold(pack_ref, &request).await, words);
        }
        Ok(told.end(out, |packs| PackList { packs }))
    }
}

impl Unhold {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        if self.all {
            let view = client.thaw().await?;
            out.show(&view, || "updates are not frozen\n".to_owned());
            return Ok(Ending::Exit(Exit::Done));
        }
        let words = |pack: &PackView| format!("{} is not held", pack.pack_ref);
        let mut told = Told::new();
        for pack_ref in &self.refs {
            told.take(out, client.unhold(pack_ref).await, words);
        }
        Ok(told.end(out, |packs| PackList { packs }))
    }
}

/// When a hold is over.
fn end(text: &str) -> Result<Timestamp, String> {
    end_from(text, Timestamp::now(), &TimeZone::system())
}

fn end_from(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let hour = |letter: char| match letter {
        'm' => Some((1, 60)),
        'h' => Some((1, 3_600)),
        'd' => Some((24, 3_600)),
        'w' => Some((24 * 7, 3_600)),
        _ => None,
    };
    let span = text
        .char_indices()
        .next_back()
        .and_then(|(at, letter)| Some((text[..at].parse::<i64>().ok()?, hour(letter)?)))
        .filter(|(number, _)| *number > 0);
    let time = if let Some((number, (times, seconds))) = span {
        let seconds = number
            .checked_mul(times)
            .and_then(|n| n.checked_mul(seconds));
        seconds.and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok())
    } else if let Ok(time) = text.parse::<Timestamp>() {
        Some(time)
    } else if let Ok(time) = text.parse::<civil::DateTime>() {
        zone.to_timestamp(time).ok()
    } else if let Ok(day) = text.parse::<civil::Date>() {
        zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
    } else {
        None
    };
    time.ok_or_else(|| "write a span such as `12h` or `14d`, a day such as `2026-12-31`, or a time such as `2026-12-31T18:00`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_spans_days_and_times() {
        let now: Timestamp = "2026-03-01T09:30:00Z".parse().expect("a time");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        for (text, time) in [
            ("90m", "2026-03-01T11:00:00Z"),
            ("12h", "2026-03-01T21:30:00Z"),
            ("14d", "2026-03-15T09:30:00Z"),
            ("1w", "2026-03-08T09:30:00Z"),
            ("2026-04-01", "2026-03-31T22:00:00Z"),
            ("2026-04-01T18:00", "2026-04-01T16:00:00Z"),
            ("2026-04-01T18:00:00Z", "2026-04-01T18:00:00Z"),
        ] {
            let end = end_from(text, now, &zone).map(|time| time.to_string());
            assert_eq!(end, Ok(time.to_owned()), "{text}");
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "14",
            "14x",
            "tomorrow",
            "99999999999999d",
            "é",
        ] {
            assert!(end_from(text, now, &zone).is_err(), "{text}");
        }
    }
}
