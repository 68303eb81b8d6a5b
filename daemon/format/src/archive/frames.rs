//! zstd, frame by frame: what is between frames and behind the last one is seen here, which the library would skip
//! or leave unread.
//!
//! RFC 8878. Skippable frames are refused: whatever is in them is in the archive, under its digest, and in no tree.

use std::io::{self, Read};

use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use super::stream::Input;

/// What each frame begins with.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window, as a power of two: 128 MiB, what `zstd -d` takes without being told to. It bounds the memory
/// that a frame can ask for.
const WINDOW_LOG: u32 = 27;

/// Whether bytes begin a skippable frame.
pub(super) fn is_skippable(start: &[u8]) -> bool {
    matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The unpacked bytes of one or more frames.
pub(super) struct Frames<'a> {
    input: Input<'a>,
    decoder: Decoder<'static>,
    in_frame: bool,
}

impl<'a> Frames<'a> {
    pub(super) fn new(input: Input<'a>) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self {
            input,
            decoder,
            in_frame: false,
        })
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
        self.decoder.reinit()?;
        self.in_frame = true;
        Ok(true)
    }
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
