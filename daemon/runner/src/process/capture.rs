//! What a process writes, kept in bounds: its beginning and its end.

use std::collections::VecDeque;

/// The longest line that is looked at, in bytes.
const MAX_LINE: usize = 4096;

/// One stream. All of it is read, line by line too; only so much of it is kept.
#[derive(Debug)]
pub(crate) struct Capture<L> {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
    line: Vec<u8>,
    lines: L,
}

/// Looks at every line of a stream, however much there is.
pub(crate) trait Lines {
    /// Looks at a line, without colours and without its end.
    fn line(&mut self, line: &str);
}

/// A stream that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Captured<L> {
    /// What was kept. Where something is missing, a line in the middle says so.
    pub(crate) text: String,
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
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let ends = part.ends_with(b"\n") || part.ends_with(b"\r");
            let text = if ends { &part[..part.len() - 1] } else { part };
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.end_line();
            }
        }

        let room = (self.limit / 2).saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let most = self.limit - self.limit / 2;
        let excess = self.tail.len().saturating_sub(most);
        self.tail.drain(..excess);
        self.dropped += excess as u64;
    }

    fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        self.lines
            .line(&anstream::adapter::strip_str(&text).to_string());
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
        let text = String::from_utf8_lossy(&bytes);
        Captured {
            text: anstream::adapter::strip_str(&text).to_string(),
            cut: self.dropped > 0,
            limit: self.limit,
            lines: self.lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Seen(Vec<String>);

    impl Lines for Seen {
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
            [9, 0, MAX_LINE, 3],
            "a carriage return ends a line too"
        );
    }
}
