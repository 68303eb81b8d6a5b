//! Where something lies in a text: offsets, and the lines and columns that people are told.

/// The line and the column of an offset, both from 1; columns are characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    Lines::new(text).place(offset.min(text.len()))
}

/// Where a part lies in the text that it is a part of.
pub(super) fn offset_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The first byte from `from` on that is no white space of JSON; the end if there is none.
pub(super) fn past_space(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let spaces = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r'))
        .count();
    from + spaces
}

/// Turns offsets that only grow into lines and columns.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Lines<'a> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// The line and the column of an offset, both from 1; columns are characters.
    pub(super) fn place(&mut self, offset: usize) -> (usize, usize) {
        if let Some(between) = self.text.as_bytes().get(self.offset..offset) {
            let mut lines = between.rsplit(|byte| *byte == b'\n');
            let rest = lines.next().unwrap_or_default();
            let newlines = lines.count();
            if newlines > 0 {
                self.line += newlines;
                self.column = 1;
            }
            // every byte but those that go on with a character
            self.column += rest.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
            self.offset = offset;
        }
        (self.line, self.column)
    }

    /// The line of an offset.
    pub(super) fn at(&mut self, offset: usize) -> usize {
        self.place(offset).0
    }

    /// The line of a part of the text.
    pub(super) fn of(&mut self, part: &str) -> usize {
        self.at(offset_in(self.text, part))
    }
}

/// Where an error shows in the text that was read, in bytes.
pub(super) fn offset_of(error: &serde_json::Error, text: &str) -> usize {
    if error.line() == 0 {
        return 0;
    }
    let mut start = 0;
    for _ in 1..error.line() {
        start += text[start..].find('\n').map_or(0, |newline| newline + 1);
    }
    // columns of the library are bytes, and the last one read
    let mut offset = (start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
