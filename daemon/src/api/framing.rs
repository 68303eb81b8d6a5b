//! Watches the bytes of a connection for where requests begin and end.
//!
//! Two things are seen only here: a head that trickles in (hyper's own timer cannot tell it from an
//! idle connection), and a head with both `Content-Length` and `Transfer-Encoding` (hyper drops the
//! former before anybody can object). Nothing is changed on the way; parsing is hyper's.

/// Longer heads are not watched any further; hyper refuses them.
const LONGEST_HEAD: usize = 16 * 1024;

/// Where in the sequence of requests a connection is.
#[derive(Debug)]
pub(crate) struct Framing {
    place: Place,
    /// The part of a head that has come so far.
    head: Vec<u8>,
    conflict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a request, or within its head.
    Head,
    /// Within a body, this many bytes before its end.
    Body(u64),
    /// Somewhere behind a head whose body has no announced length: the last request on its connection.
    Unknown,
}

impl Default for Framing {
    fn default() -> Self {
        Self {
            place: Place::Head,
            head: Vec::new(),
            conflict: false,
        }
    }
}

impl Framing {
    /// Takes note of bytes that arrived.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.place {
                Place::Unknown => return,
                Place::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[here..];
                    let left = left - u64::try_from(here).unwrap_or_default();
                    self.place = if left == 0 {
                        Place::Head
                    } else {
                        Place::Body(left)
                    };
                }
                Place::Head => bytes = self.feed_head(bytes),
            }
        }
    }

    /// Whether a head has begun and not ended.
    pub(crate) fn in_head(&self) -> bool {
        self.place == Place::Head && !self.head.is_empty()
    }

    /// Whether no request has begun that has not ended.
    pub(crate) fn is_between(&self) -> bool {
        self.place == Place::Head && self.head.is_empty()
    }

    /// Whether some head had both ways to give a body's length.
    pub(crate) fn has_conflict(&self) -> bool {
        self.conflict
    }

    /// Takes bytes up to the end of the head and answers the rest.
    fn feed_head<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.head.is_empty() {
            // empty lines before a request are allowed, and are not a beginning
            let skipped = bytes
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            let bytes = &bytes[skipped..];
            if let Some(end) = end_of_head(bytes, 0) {
                self.finish(&bytes[..end]);
                return &bytes[end..];
            }
            self.head.extend_from_slice(bytes);
            self.give_up_if_long();
            return &[];
        }
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        if let Some(end) = end_of_head(&self.head, before.saturating_sub(3)) {
            let head = std::mem::take(&mut self.head);
            self.finish(&head[..end]);
            return &bytes[end - before..];
        }
        self.give_up_if_long();
        &[]
    }

    fn give_up_if_long(&mut self) {
        if self.head.len() > LONGEST_HEAD {
            self.head = Vec::new();
            self.place = Place::Unknown;
        }
    }

    fn finish(&mut self, head: &[u8]) {
        let mut length = None;
        let mut encoded = false;
        for line in head.split(|byte| *byte == b'\n').skip(1) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            if name.eq_ignore_ascii_case(b"content-length") {
                length = Some(
                    str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.trim().parse().ok()),
                );
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                encoded = true;
            }
        }
        self.conflict |= encoded && length.is_some();
        self.place = match length {
            _ if encoded => Place::Unknown,
            None | Some(Some(0)) => Place::Head,
            Some(Some(length)) => Place::Body(length),
            // not a number: hyper refuses it
            Some(None) => Place::Unknown,
        };
    }
}

/// The index behind the empty line that ends a head.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let mut index = from;
    while let Some(newline) = bytes.get(index..)?.iter().position(|byte| *byte == b'\n') {
        let next = index + newline + 1;
        match bytes.get(next..)? {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => index = next,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GET: &str = "GET /v1/packs HTTP/1.1\r\nHost: packd\r\n\r\n";
    const POST: &str =
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    const BOTH: &str = "POST / HTTP/1.1\r\nHost: packd\r\ncontent-length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

    fn framing_of(text: &str) -> Framing {
        let mut framing = Framing::default();
        framing.feed(text.as_bytes());
        framing
    }

    #[test]
    fn a_head_has_a_beginning_and_an_end() {
        assert!(!framing_of("").in_head(), "nothing has come");
        assert!(!framing_of("\r\n\r\n").in_head(), "empty lines are nothing");
        assert!(framing_of("G").in_head(), "one byte is a beginning");
        assert!(
            framing_of(&GET[..GET.len() - 1]).in_head(),
            "all but one byte is no end"
        );
        assert!(!framing_of(GET).in_head(), "a whole head is");
        assert!(
            framing_of(&format!("{POST}G")).in_head(),
            "the next one begins behind the body"
        );
        assert!(
            !framing_of(&POST[..POST.len() - 2]).in_head(),
            "a body is not a head"
        );
        let endless = framing_of(&"x".repeat(LONGEST_HEAD + 1));
        assert!(!endless.in_head(), "one without end is given up");
        assert!(!endless.is_between(), "and does not end");
        for whole in ["", "\r\n", GET, POST] {
            assert!(framing_of(whole).is_between(), "nothing is open: {whole:?}");
            let begun = format!("{whole}{}", &POST[..POST.len() - 1]);
            assert!(!framing_of(&begun).is_between(), "one byte is missing");
        }
    }

    #[test]
    fn two_ways_to_give_a_length_are_a_conflict() {
        assert!(framing_of(BOTH).has_conflict(), "both headers");
        assert!(
            framing_of(&format!("{GET}{POST}{BOTH}")).has_conflict(),
            "in a later request too"
        );
        for fine in [
            GET,
            POST,
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(!framing_of(fine).has_conflict(), "{fine}");
        }
    }

    proptest! {
        /// However the bytes are cut into reads, the same is seen.
        #[test]
        fn cuts_do_not_matter(order in prop::collection::vec(0_usize..3, 1..6), cuts in prop::collection::vec(1_usize..40, 1..40)) {
            let mut text: String = order.iter().map(|which| [GET, POST, "\r\n"][*which]).collect();
            text.push_str(BOTH);
            let mut framing = Framing::default();
            let mut bytes = text.as_bytes();
            for cut in cuts.iter().cycle() {
                let (now, later) = bytes.split_at((*cut).min(bytes.len()));
                framing.feed(now);
                bytes = later;
                if bytes.is_empty() {
                    break;
                }
            }
            prop_assert!(framing.has_conflict(), "the conflict at the end is found");
            prop_assert!(!framing.in_head(), "and every head has ended");
        }
    }
}
