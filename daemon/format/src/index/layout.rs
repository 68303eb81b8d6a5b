//! How a JSON text is laid out, and new text laid out like it.
//!
//! What is looked at is a sample: the entry beside which, or in place of which, the new text will stand. Tokens
//! are never read as values, so numbers and escapes stay as they are written.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use super::document::Container;

#[cfg(test)]
pub(in crate::index) mod tests;

/// The ways of a text. What is not said by the sample is as JSON is written mostly: two spaces, `": "`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// The end of a line: `\n` or `\r\n`.
    newline: &'static str,
    /// What one level of indentation is; nothing where everything is on one line.
    unit: Option<String>,
    /// What is between a key and its value.
    colon: String,
    /// What follows a comma within a line.
    comma: String,
    /// What is within the brackets of an object on one line.
    pad: String,
    /// Whether lists of nothing but scalars are on one line.
    short_lists: bool,
    /// Whether objects of nothing but scalars are on one line.
    short_objects: bool,
    /// Whether everything beyond ASCII is escaped.
    ascii: bool,
}

/// Where a text is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread<'s> {
    /// On one line.
    Line,
    /// On lines of its own after the first, the last of them indented like this.
    Lines(&'s str),
}

impl Style {
    /// The style of an index: that of its last pack, or of what stands before the packs.
    pub(super) fn of_document(text: &str, top: &Container, packs: &Container) -> Self {
        let head = &text[top.span.start..packs.span.start];
        let crlf = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
        let first_key = top.items.first().map(|item| item.span().start);
        let mut style = Self {
            newline: if crlf { "\r\n" } else { "\n" },
            unit: None,
            colon: ": ".to_owned(),
            comma: " ".to_owned(),
            pad: String::new(),
            short_lists: false,
            short_objects: false,
            ascii: is_escaped(text),
        };
        if head.contains('\n') {
            let unit = first_key.map_or("", |at| indent_of(text, at));
            style.unit = Some(unit_or_default(unit).to_owned());
        }
        style.look_at(head);
        match packs.items.last() {
            Some(pack) => style.of_sample(text, pack.value.clone()),
            None => style,
        }
    }

    /// The style of a text on one line, where this is between a key and its value, and that follows a comma.
    pub(super) fn of_line(colon: &str, comma: &str) -> Self {
        Self {
            newline: "\n",
            unit: None,
            colon: colon.to_owned(),
            comma: comma.to_owned(),
            pad: String::new(),
            short_lists: false,
            short_objects: false,
            ascii: false,
        }
    }

    /// The same, with what another part of the text does otherwise.
    #[must_use]
    pub(super) fn of_sample(&self, text: &str, sample: Range<usize>) -> Self {
        let mut style = self.clone();
        let body = &text[sample.clone()];
        if body.len() <= "{}".len() {
            return style;
        }
        style.unit = body.contains('\n').then(|| {
            let outer = indent_of(text, sample.end - 1);
            let inner = body
                .find('"')
                .map_or("", |at| indent_of(text, sample.start + at));
            unit_or_default(inner.strip_prefix(outer).unwrap_or_default()).to_owned()
        });
        style.look_at(body);
        style
    }

    /// Learns what is between tokens.
    fn look_at(&mut self, sample: &str) {
        let (mut colon, mut comma, mut pad) = (None, None, None);
        let (mut lists, mut objects) = (None, None);
        let mut before = 0;
        for token in Tokens::of(sample) {
            let gap = &sample[before..token.start];
            before = token.end;
            let rest = &sample[token.end..];
            let space = &rest[..rest.len() - rest.trim_start().len()];
            let ends_line = space.contains('\n');
            match sample.as_bytes()[token.start] {
                b':' if colon.is_none() => colon = Some(format!("{gap}:{space}")),
                b',' if comma.is_none() && !ends_line && !gap.contains('\n') => comma = Some(space),
                b'{' | b'[' => {
                    let object = sample.as_bytes()[token.start] == b'{';
                    let Some(leaf) = leaf(&sample[token.start..]) else {
                        continue;
                    };
                    let short = Some(!leaf.contains('\n'));
                    if object {
                        objects = objects.or(short);
                        pad = pad.or((!ends_line).then_some(space));
                    } else {
                        lists = lists.or(short);
                    }
                }
                _ => {}
            }
        }
        if let Some(colon) = colon.filter(|colon| !colon.contains('\n')) {
            // a text that spares this space spares the others too
            if comma.is_none() && colon == ":" {
                self.comma.clear();
            }
            self.colon = colon;
        }
        for (known, seen) in [(&mut self.comma, comma), (&mut self.pad, pad)] {
            if let Some(seen) = seen {
                seen.clone_into(known);
            }
        }
        self.short_lists = lists.unwrap_or(self.short_lists);
        self.short_objects = objects.unwrap_or(self.short_objects);
    }

    /// Whether new text is spread over lines.
    pub(super) fn is_spread(&self) -> bool {
        self.unit.is_some()
    }

    /// An indentation one level deeper than `outer`.
    pub(super) fn deeper(&self, outer: &str) -> String {
        format!("{outer}{}", self.unit.as_deref().unwrap_or_default())
    }

    /// The end of a line, and an indentation.
    pub(super) fn line(&self, indent: &str) -> String {
        format!("{}{indent}", self.newline)
    }

    /// A comma, and what follows it within a line.
    pub(super) fn comma(&self) -> String {
        format!(",{}", self.comma)
    }

    /// What is within the brackets of an object on one line.
    pub(super) fn pad(&self) -> &str {
        &self.pad
    }

    /// A member: a key and a value of any layout.
    pub(super) fn member(&self, key: &str, json: &str, spread: Spread<'_>) -> String {
        format!(
            "{}{}{}",
            self.token(&quoted(key)),
            self.colon,
            self.value(json, spread)
        )
    }

    /// A value of any layout, in this one. `json` must be JSON.
    pub(super) fn value(&self, json: &str, spread: Spread<'_>) -> String {
        let mut out = String::with_capacity(json.len() * 2);
        let base = match spread {
            Spread::Lines(base) if self.is_spread() => Some(base),
            Spread::Lines(_) | Spread::Line => None,
        };
        // of each open bracket: whether what is in it has lines of its own
        let mut open: Vec<bool> = Vec::new();
        let mut empty = false;
        for token in Tokens::of(json) {
            let text = &json[token.clone()];
            match text {
                "{" | "[" => {
                    out.push_str(text);
                    let within_line = open.last().is_some_and(|lines| !lines);
                    empty = json[token.end..].trim_start().starts_with(['}', ']']);
                    let short = if text == "{" {
                        self.short_objects
                    } else {
                        self.short_lists
                    };
                    let one_line = short && leaf(&json[token.start..]).is_some();
                    let lines = base.is_some() && !within_line && !empty && !one_line;
                    open.push(lines);
                    let padded = text == "{" && !empty;
                    self.gap(&mut out, &open, base, if padded { &self.pad } else { "" });
                }
                "}" | "]" => {
                    if open.pop() == Some(true) {
                        self.indent(&mut out, open.len(), base);
                    } else if text == "}" && !empty {
                        out.push_str(&self.pad);
                    }
                    empty = false;
                    out.push_str(text);
                }
                "," => {
                    out.push(',');
                    self.gap(&mut out, &open, base, &self.comma);
                }
                ":" => out.push_str(&self.colon),
                _ => out.push_str(&self.token(text)),
            }
        }
        out
    }

    /// What stands before an item of the innermost open bracket: a new line, or `space`.
    fn gap(&self, out: &mut String, open: &[bool], base: Option<&str>, space: &str) {
        if open.last() == Some(&true) {
            self.indent(out, open.len(), base);
        } else {
            out.push_str(space);
        }
    }

    fn indent(&self, out: &mut String, depth: usize, base: Option<&str>) {
        out.push_str(self.newline);
        out.push_str(base.unwrap_or_default());
        for _ in 0..depth {
            out.push_str(self.unit.as_deref().unwrap_or_default());
        }
    }

    /// A string or another scalar, escaped where the text escapes.
    fn token<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let mut escaped = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            if c.is_ascii() {
                escaped.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                let written = write!(escaped, "\\u{unit:04x}");
                debug_assert!(written.is_ok(), "a String takes every write");
            }
        }
        Cow::Owned(escaped)
    }
}

/// A text as JSON writes it, with whatever is beyond ASCII as it is.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The white space that the line of a byte begins with.
pub(super) fn indent_of(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start().len()]
}

fn unit_or_default(unit: &str) -> &str {
    if unit.is_empty() { "  " } else { unit }
}

/// Whether a text has something beyond ASCII, and escapes all of it.
fn is_escaped(text: &str) -> bool {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut escapes = body.match_indices("\\u");
    body.is_ascii()
        && escapes.any(|(at, _)| {
            let digits = body.get(at + 2..at + 6);
            digits.is_some_and(|hex| u16::from_str_radix(hex, 16).is_ok_and(|unit| unit > 0x7f))
        })
}

/// The text of the list or object that `json` begins with, if it holds scalars and nothing else.
fn leaf(json: &str) -> Option<&str> {
    let mut tokens = Tokens::of(json);
    let open = tokens.next()?;
    let mut holds = false;
    for token in tokens {
        match json.as_bytes()[token.start] {
            b'{' | b'[' => return None,
            b'}' | b']' => return holds.then(|| &json[open.start..token.end]),
            _ => holds = true,
        }
    }
    None
}

/// The tokens of a JSON text, or of the beginning of one: brackets, `:`, `,`, strings, other scalars.
struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let space = bytes[self.at..]
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())?;
        let start = self.at + space;
        let rest = &bytes[start..];
        let length = match rest[0] {
            b'{' | b'}' | b'[' | b']' | b':' | b',' => 1,
            b'"' => {
                let mut escaped = false;
                let end = rest[1..].iter().position(|&byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            _ => rest
                .iter()
                .position(|byte| byte.is_ascii_whitespace() || b"{}[]:,\"".contains(byte))
                .unwrap_or(rest.len()),
        };
        self.at = start + length;
        Some(start..self.at)
    }
}
