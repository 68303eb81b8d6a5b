//! Putting text that is written elsewhere into an entry, indented as the entry is.
//!
//! Only the beginning and the end of the entry are looked at, and what is put in keeps whatever is within its
//! lines: most of what is merged passes here, so its tokens are not read as [`Style`] does, unless several lines
//! become one. A newline is never part of a JSON text, where it is written `\n`; so lines can be indented anew
//! without reading what is on them.

use super::super::layout::{Spread, Style, quoted};

/// How an object is indented and spaced, so that what is added looks like the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indentation<'t> {
    /// What ends a line; empty if everything is on one.
    newline: &'static str,
    /// What is before a member.
    member: &'t str,
    /// What one level adds.
    unit: &'t str,
    /// What is behind a key.
    colon: &'static str,
}

impl<'t> Indentation<'t> {
    /// That of an object's text.
    pub(super) fn of(object: &'t str) -> Self {
        let inside = object.get(1..).unwrap_or_default();
        let colon = match inside.find("\":") {
            Some(at) if !inside[at + 2..].starts_with(' ') => ":",
            Some(_) | None => ": ",
        };
        let first = inside.len() - inside.trim_start().len();
        let Some((line, member)) = inside[..first].rsplit_once('\n') else {
            return Self {
                newline: "",
                member: "",
                unit: "",
                colon,
            };
        };
        let close = last_indent(object);
        let unit = member.strip_prefix(close).filter(|unit| !unit.is_empty());
        Self {
            newline: if line.ends_with('\r') { "\r\n" } else { "\n" },
            member,
            unit: unit.unwrap_or("  "),
            colon,
        }
    }

    /// The most that is before anything two levels below the members, in bytes.
    pub(super) fn widest(&self) -> usize {
        self.newline.len() + self.member.len() + 2 * self.unit.len()
    }

    /// Begins a line so many levels below the members; on one line, nothing.
    pub(super) fn line(&self, level: usize, out: &mut String) {
        if !self.newline.is_empty() {
            out.push_str(self.newline);
            out.push_str(self.member);
            for _ in 0..level {
                out.push_str(self.unit);
            }
        }
    }

    /// What parts two elements, before the line of the second.
    pub(super) fn comma(&self, out: &mut String) {
        out.push(',');
        if self.newline.is_empty() && self.colon.ends_with(' ') {
            out.push(' ');
        }
    }

    /// A key and what is behind it.
    pub(super) fn key(&self, key: &str, out: &mut String) {
        out.push_str(&quoted(key));
        out.push_str(self.colon);
    }

    /// A value as it is written elsewhere, so many levels below the members.
    pub(super) fn value(&self, raw: &str, level: usize, out: &mut String) {
        if self.newline.is_empty() && raw.contains('\n') {
            let comma = self.colon.strip_prefix(':').unwrap_or_default();
            let style = Style::of_line(self.colon, comma);
            out.push_str(&style.value(raw, Spread::Line));
            return;
        }
        let base = last_indent(raw);
        for (number, line) in raw.split('\n').enumerate() {
            if number == 0 {
                out.push_str(line);
                continue;
            }
            out.push('\n');
            out.push_str(self.member);
            for _ in 0..level {
                out.push_str(self.unit);
            }
            let deeper = line.strip_prefix(base);
            out.push_str(deeper.unwrap_or_else(|| line.trim_start_matches([' ', '\t'])));
        }
    }
}

/// The white space before what ends a value of several lines.
fn last_indent(raw: &str) -> &str {
    let last = raw.rsplit_once('\n').map_or("", |(_, line)| line);
    let text = last.trim_start_matches([' ', '\t']);
    &last[..last.len() - text.len()]
}
