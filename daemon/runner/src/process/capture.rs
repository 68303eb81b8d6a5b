//! What a process writes, kept in bounds: its beginning and its end.
//!
//! A test may write gigabytes, and few of its lines count. So whole blocks are searched for what a line that counts has in
//! it, and only such lines are cut out, freed of colours and looked at.

use std::borrow::Cow;
use std::collections::VecDeque;

use memchr::{memchr2, memrchr2};

/// The longest line that is looked at, in bytes.
const MAX_LINE: usize = 4096;

/// One stream. All of it is searched for lines that count; only so much of it is kept.
#[derive(Debug)]
pub(crate) struct Capture<L> {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
    /// The line that has not ended yet.
    line: Vec<u8>,
    lines: L,
}

/// Looks at the lines of a stream that may count, however much there is.
pub(crate) trait Lines {
    /// Where in these bytes, of one or many lines with their colours and ends, the first is that a line which counts has
    /// in it.
    fn find(&self, bytes: &[u8]) -> Option<usize>;

    /// Looks at a line, without colours and without its end.
    fn line(&mut self, line: &str);
}

/// A stream that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Captured<L> {
    /// What was kept. Where something is missing, a line in the middle says so.
    pub(crate) text: String,
    /// The same with its colours, where it is whole and not UTF-8: a document may say what it is.
    pub(crate) undecoded: Option<Vec<u8>>,
    /// Whether something is missing.
    pub(crate) cut: bool,
    /// How many bytes are kept at most.
    pub(crate) limit: usize,
    /// What looked at the lines.
    pub(crate) lines: L,
}

impl<L: Lines> Capture<L> {
    /// Keeps at most `limit` bytes.
    pub(crate) fn new(limit: usize, lines: L) -> Self {
        Self {
            limit,
            head: Vec::new(),
            tail: VecDeque::new(),
            dropped: 0,
            line: Vec::new(),
            lines,
        }
    }

    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.search(bytes);

        let room = (self.limit / 2).saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let most = self.limit - self.limit / 2;
        let excess = self.tail.len().saturating_sub(most);
        self.tail.drain(..excess);
        self.dropped += excess as u64;
    }

    /// Looks at the lines that end in these bytes, and keeps the beginning of the one that does not.
    fn search(&mut self, bytes: &[u8]) {
        let Some(first) = memchr2(b'\n', b'\r', bytes) else {
            return self.go_on(bytes);
        };
        self.go_on(&bytes[..first]);
        self.end_line();
        let last = memrchr2(b'\n', b'\r', bytes).unwrap_or(first);
        let mut rest = &bytes[first..=last];
        while let Some(at) = self.lines.find(rest) {
            let start = memrchr2(b'\n', b'\r', &rest[..at]).map_or(0, |end| end + 1);
            let end = memchr2(b'\n', b'\r', &rest[at..]).map_or(rest.len(), |length| at + length);
            look(&mut self.lines, &rest[start..end.min(start + MAX_LINE)]);
            rest = &rest[end..];
        }
        self.go_on(&bytes[last + 1..]);
    }

    fn go_on(&mut self, text: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&text[..text.len().min(room)]);
    }

    fn end_line(&mut self) {
        if self.lines.find(&self.line).is_some() {
            look(&mut self.lines, &self.line);
        }
        self.line.clear();
    }

    /// What there was.
    pub(crate) fn finish(mut self) -> Captured<L> {
        if !self.line.is_empty() {
            self.end_line();
        }
        let mut bytes = self.head;
        if self.dropped > 0 {
            let note = format!("\n[… {} bytes are left out here …]\n", self.dropped);
            bytes.extend_from_slice(note.as_bytes());
        }
        bytes.extend(self.tail);
        let cut = self.dropped > 0;
        let text = String::from_utf8_lossy(&bytes);
        let is_utf8 = matches!(text, Cow::Borrowed(_));
        let text = anstream::adapter::strip_str(&text).to_string();
        Captured {
            text,
            undecoded: (!is_utf8 && !cut).then_some(bytes),
            cut,
            limit: self.limit,
            lines: self.lines,
        }
    }
}

fn look(lines: &mut impl Lines, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    lines.line(&anstream::adapter::strip_str(&text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Seen(Vec<String>);

    impl Lines for Seen {
        fn find(&self, bytes: &[u8]) -> Option<usize> {
            bytes.iter().position(|byte| !matches!(byte, b'\n' | b'\r'))
        }

        fn line(&mut self, line: &str) {
            self.0.push(line.to_owned());
        }
    }

    fn captured(limit: usize, parts: &[&str]) -> Captured<Seen> {
        let mut capture = Capture::new(limit, Seen::default());
        for part in parts {
            capture.push(part.as_bytes());
        }
        capture.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let captured = captured(10, &["abc", "de\n", "fghi"]);
        assert_eq!(captured.text, "abcde\nfghi");
        assert!(!captured.cut, "ten bytes fit into ten");
        assert_eq!(captured.lines.0, ["abcde", "fghi"]);
    }

    #[test]
    fn of_what_does_not_fit_the_beginning_and_the_end_are_kept() {
        let captured = captured(8, &["0123456789", "ab", "cdef"]);
        assert_eq!(captured.text, "0123\n[… 8 bytes are left out here …]\ncdef");
        assert!(captured.cut, "something is missing");
        assert_eq!(
            captured.lines.0,
            ["0123456789abcdef"],
            "every line is looked at"
        );
    }

    #[test]
    fn only_lines_that_may_count_are_looked_at_wherever_blocks_end() {
        #[derive(Debug, Default)]
        struct Marked(Vec<String>);

        impl Lines for Marked {
            fn find(&self, bytes: &[u8]) -> Option<usize> {
                bytes.iter().position(|byte| *byte == b'!')
            }

            fn line(&mut self, line: &str) {
                self.0.push(line.to_owned());
            }
        }

        let text = b"a\n!\nb ! c\r\n\nno\n\xff!\n!end";
        for size in 1..=text.len() {
            let mut capture = Capture::new(4, Marked::default());
            text.chunks(size).for_each(|block| capture.push(block));
            assert_eq!(
                capture.finish().lines.0,
                ["!", "b ! c", "\u{fffd}!", "!end"],
                "in blocks of {size} bytes"
            );
        }
    }

    #[test]
    fn colours_are_taken_out_and_long_lines_cut() {
        let long = "x".repeat(3 * MAX_LINE);
        let captured = captured(
            100,
            &["\u{1b}[32mPassed:\u{1b}[0m 3\r\n", &long, &long, "\nend"],
        );
        assert!(captured.text.starts_with("Passed: 3"), "{}", captured.text);
        let lengths: Vec<_> = captured.lines.0.iter().map(String::len).collect();
        assert_eq!(
            lengths,
            [9, MAX_LINE, 3],
            "a carriage return ends a line too"
        );
    }
}
