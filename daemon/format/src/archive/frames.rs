//! zstd, frame by frame: what is between frames and behind the last one is seen here, which the library would skip
//! or leave unread.
//!
//! RFC 8878. Skippable frames are refused: whatever is in them is in the archive, under its digest, and in no tree.

use std::io::{self, Read};

use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use super::stream::Input;

/// What each frame begins with.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window, as a power of two: 64 MiB. It bounds the memory that a frame can ask for, and is as large as
/// any level of `zstd` makes it but the very last.
const WINDOW_LOG: u32 = 26;
/// The same in bytes.
pub(super) const MAX_WINDOW: u64 = 1 << WINDOW_LOG;
/// Bytes of the largest frame header: magic number, descriptor, window, dictionary, size.
const MAX_HEADER: usize = 18;

/// Whether bytes begin a skippable frame.
pub(super) fn is_skippable(start: &[u8]) -> bool {
    matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The unpacked bytes of one or more frames.
pub(super) struct Frames<'a> {
    input: Input<'a>,
    decoder: Decoder<'static>,
    in_frame: bool,
    /// A frame asked for a larger window than [`MAX_WINDOW`].
    too_wide: bool,
}

impl<'a> Frames<'a> {
    pub(super) fn new(input: Input<'a>) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self {
            input,
            decoder,
            in_frame: false,
            too_wide: false,
        })
    }

    /// Whether reading failed because a frame asked for too much memory.
    pub(super) fn is_too_wide(&self) -> bool {
        self.too_wide
    }

    pub(super) fn input(&mut self) -> &mut Input<'a> {
        &mut self.input
    }

    /// Begins the next frame; whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        let start = self.input.peek(MAGIC.len())?;
        let start = &start[..start.len().min(MAGIC.len())];
        if start.is_empty() {
            return Ok(false);
        }
        if is_skippable(start) {
            return Err(invalid(
                "it has a skippable frame, which could hide anything",
            ));
        }
        if start.len() < MAGIC.len() && MAGIC.starts_with(start) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if start != MAGIC {
            return Err(invalid("something else follows the last frame"));
        }
        let header = self.input.peek(MAX_HEADER)?;
        if window(&header[MAGIC.len()..]).is_some_and(|bytes| bytes > MAX_WINDOW) {
            self.too_wide = true;
            return Err(invalid("a frame asks for too large a window"));
        }
        self.decoder.reinit()?;
        self.in_frame = true;
        Ok(true)
    }
}

/// How many bytes of what was unpacked a frame looks back at (RFC 8878, 3.1.1.1), from its header without the magic
/// number. Nothing of one that is cut off: the decoder says so.
fn window(header: &[u8]) -> Option<u64> {
    // with the reserved bit set it is something that the decoder does not read
    let descriptor = *header.first().filter(|byte| **byte & 0x08 == 0)?;
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let window = *header.get(1)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // all of it in one piece: the window is the content
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let field = header.get(1 + dictionary..1 + dictionary + length)?;
    let mut bytes = [0; 8];
    bytes[..length].copy_from_slice(field);
    let size = u64::from_le_bytes(bytes);
    // two bytes begin where one ends
    Some(if length == 2 { size + 256 } else { size })
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl Read for Frames<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.begin()? {
                return Ok(0);
            }
            let packed = self.input.peek(1)?;
            let status = self.decoder.run_on_buffers(packed, into)?;
            let is_stuck = status.bytes_read == 0 && status.bytes_written == 0;
            let at_end = packed.is_empty();
            self.input.skip(status.bytes_read);
            self.in_frame = status.remaining > 0;
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if is_stuck && self.in_frame {
                return Err(if at_end {
                    io::ErrorKind::UnexpectedEof.into()
                } else {
                    invalid("it cannot be read on")
                });
            }
        }
    }
}
