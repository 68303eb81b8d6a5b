//! gzip, member by member: what follows the last one is seen here.
//!
//! RFC 1952. A file may have several members, one behind the other. Zeros behind the last one fill up a block of a
//! tape, and `gzip` passes over them as well; anything else there is in the archive, under its digest, and in no tree.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

use super::stream::Input;

/// The unpacked bytes of one or more members.
pub(super) struct Members<'a> {
    /// Nothing only while one member gives way to the next.
    decoder: Option<GzDecoder<Input<'a>>>,
    ended: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        Self {
            decoder: Some(GzDecoder::new(input)),
            ended: false,
        }
    }

    pub(super) fn input(&mut self) -> &mut Input<'a> {
        self.decoder
            .as_mut()
            .expect("a decoder is there between two reads")
            .get_mut()
    }

    /// Goes on to the next member, or finds that there is none.
    fn next(&mut self) -> io::Result<()> {
        match self.input().peek(1)?.first() {
            None => self.ended = true,
            Some(0) => {
                self.padding()?;
                self.ended = true;
            }
            Some(_) => {
                self.decoder = self
                    .decoder
                    .take()
                    .map(|done| GzDecoder::new(done.into_inner()));
            }
        }
        Ok(())
    }

    fn padding(&mut self) -> io::Result<()> {
        let input = self.input();
        loop {
            let rest = input.peek(1)?;
            if rest.is_empty() {
                return Ok(());
            }
            if rest.iter().any(|byte| *byte != 0) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "something else follows the last gzip member",
                ));
            }
            let count = rest.len();
            input.skip(count);
        }
    }
}

impl Read for Members<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let decoder = self
                .decoder
                .as_mut()
                .expect("a decoder is there between two reads");
            let count = decoder.read(into)?;
            if count > 0 {
                return Ok(count);
            }
            self.next()?;
        }
        Ok(0)
    }
}
