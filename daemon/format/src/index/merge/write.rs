//! The merged index as text.

use std::io::{self, Write};

use jiff::Timestamp;

use super::super::document::Form;
use super::super::layout::quoted;
use super::super::word::Kind;
use super::{Head, Merged, Options, compose, join};

/// What readers of Attune's form insist on, in the order in which it is written.
const REQUIRED: [&str; 4] = ["registry_name", "registry_url", "version", "last_updated"];

/// What an index is called that nobody named.
const NAMELESS: &str = "merged";

/// The time of an index without any: no clock is asked, so that the same inputs give the same bytes.
const TIMELESS: &str = "1970-01-01T00:00:00Z";

impl Merged<'_> {
    /// Decides about the members before `packs`.
    pub(super) fn header(&mut self, heads: &[Head<'_>], options: Options<'_>) {
        for key in REQUIRED {
            let given = match key {
                "registry_name" => options.name,
                "registry_url" => options.url,
                "last_updated" => options.updated,
                _ => None,
            };
            let value = match given {
                Some(text) => quoted(text),
                None if key == "last_updated" => quoted(&newest(heads)),
                None => match first_text(heads, key) {
                    Some(value) => value.to_owned(),
                    None if key == "registry_name" => {
                        self.names_itself = false;
                        quoted(NAMELESS)
                    }
                    None if key == "version" => quoted("1.0"),
                    None => quoted(""),
                },
            };
            self.members.push((key.to_owned(), value));
        }
        let Some(first) = heads.first() else {
            return;
        };
        for member in &first.members {
            let key = &*member.key;
            // what the mere act of merging makes untrue
            let is_stale = key == "generated_at" || (key == "metadata" && first.form == Form::Map);
            if !is_stale && self.members.iter().all(|(known, _)| known != key) {
                let value = member.value.to_owned();
                self.members.push((key.to_owned(), value));
            }
        }
    }
}

/// The first text that an input has under a key, as it is written.
fn first_text<'a>(heads: &[Head<'a>], key: &str) -> Option<&'a str> {
    let mut members = heads.iter().flat_map(|head| &head.members);
    members
        .find(|member| member.key == key && Kind::of(member.value) == Kind::Text)
        .map(|member| member.value)
}

/// The newest time that an input gives, as it is written there.
fn newest(heads: &[Head<'_>]) -> String {
    let members = heads.iter().flat_map(|head| &head.members);
    let times = members.filter_map(|member| {
        let text = match &*member.key {
            "last_updated" | "generated_at" => serde_json::from_str(member.value).ok()?,
            "metadata" => generated(member.value)?,
            _ => return None,
        };
        let text: String = text;
        Some((text.parse::<Timestamp>().ok()?, text))
    });
    times
        // of times that are the same, the first as it is written
        .reduce(|newest, next| if next.0 > newest.0 { next } else { newest })
        .map_or_else(|| TIMELESS.to_owned(), |(_, text)| text)
}

/// The time that StackStorm's `metadata` gives, in seconds.
fn generated(metadata: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        generated_ts: i64,
    }
    let Metadata { generated_ts } = serde_json::from_str(metadata).ok()?;
    Timestamp::from_second(generated_ts)
        .ok()
        .map(|time| time.to_string())
}

/// Writes everything.
pub(super) fn index(merged: &Merged<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\n")?;
    for (key, value) in &merged.members {
        writeln!(out, "  {}: {value},", quoted(key))?;
    }
    out.write_all(b"  \"packs\": [")?;
    for (number, plan) in merged.plans.iter().enumerate() {
        out.write_all(if number == 0 { b"\n    " } else { b",\n    " })?;
        let top = &merged.records[plan.top as usize];
        if plan.is_joined {
            let group: Vec<_> = merged.order[plan.range()]
                .iter()
                .map(|number| &merged.records[*number as usize])
                .collect();
            // every conflict has been decided or refused before
            let joined = join::join(&group, merged.prefer, &[], &mut Vec::new())
                .expect("it was joined when it was planned");
            let (text, _) = compose::text(&joined, &group);
            out.write_all(text.as_bytes())?;
        } else {
            out.write_all(top.text.as_bytes())?;
        }
    }
    let end: &[u8] = if merged.plans.is_empty() {
        b"]\n}\n"
    } else {
        b"\n  ]\n}\n"
    };
    out.write_all(end)
}
