//! Windows: when packd may change packs by itself.
//!
//! Only what is written. When a window is open is reckoned in `crate::update`.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::node::{Node, Value};
use super::parts::{part, table};
use super::setting::{Setting, Shown, Wrong};

/// The days of a week in their order, with the words for them.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A span of the day, on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The days on which it opens, in the order of the week; never empty.
    pub days: Vec<Weekday>,
    /// When it opens.
    pub from: Time,
    /// When it closes: on the next day unless that is later than `from`.
    pub to: Time,
    /// Whose clock counts.
    pub zone: Zone,
}

/// Whose clock counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// This host's.
    Local,
    /// That of a place.
    Named(TimeZone),
}

impl Zone {
    /// The zone itself; this host's is looked up anew each time.
    #[must_use]
    pub fn resolve(&self) -> TimeZone {
        match self {
            Self::Local => TimeZone::system(),
            Self::Named(zone) => zone.clone(),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Named(zone) => zone.iana_name().unwrap_or("UTC"),
        }
    }
}

/// Windows; any time without one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows(pub Vec<Window>);

impl Window {
    fn show(&self) -> String {
        let mut keys = Vec::new();
        if self.days.len() < DAYS.len() {
            let word = |day: &Weekday| {
                let found = DAYS.iter().find(|(_, known)| known == day);
                found.map_or("", |(word, _)| *word)
            };
            let days: Vec<_> = self.days.iter().map(word).collect();
            keys.push(format!("days: [{}]", days.join(", ")));
        }
        let time = |time: Time| format!("\"{:02}:{:02}\"", time.hour(), time.minute());
        keys.push(format!("from: {}", time(self.from)));
        keys.push(format!("to: {}", time(self.to)));
        keys.push(format!("tz: {}", self.zone.as_str()));
        format!("{{{}}}", keys.join(", "))
    }
}

/// What a window is made of.
const WINDOW: &str = "`from` and `to`, and perhaps `days` and `tz`";

fn window(node: &Node) -> Result<Window, Vec<Wrong>> {
    let keys = table(node, WINDOW, &["days", "from", "to", "tz"])?;
    let days = part(keys, "days", days);
    let from = part(keys, "from", clock);
    let to = part(keys, "to", clock);
    let zone = part(keys, "tz", zone);
    let (days, from, to, zone) = match (days, from, to, zone) {
        (Ok(days), Ok(from), Ok(to), Ok(zone)) => (days, from, to, zone),
        (days, from, to, zone) => {
            let wrongs = [days.err(), from.err(), to.err(), zone.err()];
            return Err(wrongs.into_iter().flatten().flatten().collect());
        }
    };
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Wrong::at(node, "needs both `from` and `to`"));
    };
    if from == to {
        let message = "opens and closes at the same time; without windows it is any time";
        return Err(Wrong::at(node, message));
    }
    Ok(Window {
        days: days.unwrap_or_else(|| DAYS.map(|(_, day)| day).to_vec()),
        from,
        to,
        zone: zone.unwrap_or(Zone::Local),
    })
}

fn days(node: &Node) -> Result<Vec<Weekday>, Vec<Wrong>> {
    let words = Vec::<String>::read(node)?;
    let is_known = |word: &String| DAYS.iter().any(|(known, _)| known == word);
    if words.is_empty() || !words.iter().all(is_known) {
        let message = "must be a list of `mon`, `tue`, `wed`, `thu`, `fri`, `sat` and `sun`";
        return Err(Wrong::at(node, message));
    }
    let days = DAYS
        .iter()
        .filter(|(known, _)| words.iter().any(|word| word == known));
    Ok(days.map(|(_, day)| *day).collect())
}

fn clock(node: &Node) -> Result<Time, Vec<Wrong>> {
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i8>().ok()).flatten()
    };
    let time = match &node.value {
        Value::Text { text, .. } if text == "24:00" => Some(Time::midnight()),
        Value::Text { text, .. } => text
            .split_once(':')
            .and_then(|(hour, minute)| Time::new(number(hour)?, number(minute)?, 0, 0).ok()),
        _ => None,
    };
    time.ok_or_else(|| {
        let message = format!(
            "must be a time of the day such as `02:00`, not {}",
            node.describe()
        );
        Wrong::at(node, message)
    })
}

fn zone(node: &Node) -> Result<Zone, Vec<Wrong>> {
    let zone = match &node.value {
        Value::Text { text, .. } if text == "local" => Some(Zone::Local),
        Value::Text { text, .. } if text == "UTC" => Some(Zone::Named(TimeZone::UTC)),
        Value::Text { text, .. } => TimeZone::get(text).ok().map(Zone::Named),
        _ => None,
    };
    zone.ok_or_else(|| {
        let message = format!(
            "must be `local`, or the name of a time zone such as `Europe/Berlin`; this host knows none called {}",
            node.describe()
        );
        Wrong::at(node, message)
    })
}

impl Setting for Windows {
    const SHAPE: &'static str =
        "a list of windows, each with `from` and `to`, and perhaps `days` and `tz`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let items = match &node.value {
            Value::Null => return Ok(Self::default()),
            Value::List(items) => items,
            _ => {
                let message = format!("must be {}, not {}", Self::SHAPE, node.describe());
                return Err(Wrong::at(node, message));
            }
        };
        let mut windows = Vec::new();
        let mut wrongs = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match window(item) {
                Ok(window) => windows.push(window),
                Err(more) => wrongs.extend(more.into_iter().map(|wrong| Wrong {
                    below: format!("[{position}]{}", wrong.below),
                    ..wrong
                })),
            }
        }
        if wrongs.is_empty() {
            Ok(Self(windows))
        } else {
            Err(wrongs)
        }
    }

    fn show(&self) -> Shown {
        let windows: Vec<_> = self.0.iter().map(Window::show).collect();
        Shown::Flow(format!("[{}]", windows.join(", ")))
    }
}
