//! The strict tar reader: from a stream of unpacked bytes to the writer.
//!
//! Accepts regular files, folders, symlinks, PAX records and GNU long names, and one global header with a comment.
//! Everything else is an error that names the entry. After the end mark only zeros may follow, to the
//! last byte of the stream; with that, the checksum at the end of a compressed stream has been verified too.

mod extension;
mod header;

use self::extension::{Extension, LARGEST, check_global};
pub(super) use self::header::looks_like_tar;
use self::header::{BLOCK, Block, Header, Kind, is_zero};
use super::error::ArchiveError;
use super::limits::LimitKind;
use super::sniff;
use super::stream::Chunks;
use super::writer::Writer;
use crate::tree::BadPath;

/// Bytes of extension headers that an archive may have in any case, and for each member beyond that.
const EXTENSIONS: u64 = 1024 * 1024;
const EXTENSIONS_PER_MEMBER: u64 = 512;

/// Reads the whole archive into the writer.
pub(super) fn unpack(chunks: &mut Chunks, writer: &mut Writer<'_>) -> Result<(), ArchiveError> {
    let mut reader = Reader {
        chunks,
        place: Place::Start,
        scratch: Vec::new(),
        extensions: EXTENSIONS,
    };
    let result = reader.archive(writer);
    result.map_err(|error| match &reader.place {
        Place::Start => error,
        Place::At(name) => error.at_entry(name),
        Place::Behind(name) => error.behind_entry(name),
    })
}

/// Where the reader is, for errors that do not know where they happened.
enum Place {
    /// Before the first member.
    Start,
    /// At the member of this name, from its header to its last byte.
    At(String),
    /// Behind the member of this name: the next one has no name yet.
    Behind(String),
}

struct Reader<'a> {
    chunks: &'a mut Chunks,
    place: Place,
    scratch: Vec<u8>,
    /// How many more bytes of extension headers there may be.
    extensions: u64,
}

impl Reader<'_> {
    fn archive(&mut self, writer: &mut Writer<'_>) -> Result<(), ArchiveError> {
        let mut first = true;
        let mut global = false;
        let mut extension = Extension::default();
        loop {
            let block = self.block()?.ok_or_else(|| {
                ArchiveError::damaged(if first {
                    "it is empty"
                } else {
                    "it ends without the mark of its end"
                })
            })?;
            if is_zero(&block) {
                break;
            }
            if first && !looks_like_tar(&block) {
                let content = sniff::looks_like(&block);
                return Err(ArchiveError::UnsupportedFormat {
                    looks_like: match self.chunks.format().compression() {
                        Some(compression) => format!("{compression} of {content}").into(),
                        None => content.into(),
                    },
                });
            }
            first = false;
            if let Some(name) = extension.path.clone().or_else(|| header::name_of(&block)) {
                self.place = Place::At(name);
            }
            let header = Header::parse(&block).map_err(ArchiveError::damaged)?;
            match header.kind {
                Kind::Pax | Kind::GnuName | Kind::GnuLink => {
                    self.extension(&header)?;
                    let taken = match header.kind {
                        Kind::Pax => extension.pax(&self.scratch),
                        Kind::GnuName => extension.gnu_name(&self.scratch),
                        _ => extension.gnu_link(&self.scratch),
                    };
                    if let Err(reason) = taken {
                        self.look_ahead();
                        return Err(ArchiveError::damaged(reason));
                    }
                }
                Kind::PaxGlobal => {
                    if extension.is_there() {
                        return Err(ArchiveError::damaged("an extension header has no member"));
                    }
                    if std::mem::replace(&mut global, true) {
                        return Err(ArchiveError::damaged("it has two global PAX headers"));
                    }
                    self.extension(&header)?;
                    check_global(&self.scratch).map_err(ArchiveError::damaged)?;
                }
                Kind::File | Kind::Dir | Kind::Symlink | Kind::Refused(_) => {
                    self.extensions += EXTENSIONS_PER_MEMBER;
                    self.member(header, std::mem::take(&mut extension), writer)?;
                    if let Place::At(name) = &mut self.place {
                        self.place = Place::Behind(std::mem::take(name));
                    }
                }
            }
        }
        if extension.is_there() {
            return Err(ArchiveError::damaged("an extension header has no member"));
        }
        self.end()
    }

    /// A block, or nothing at the end of the input.
    fn block(&mut self) -> Result<Option<Block>, ArchiveError> {
        let bytes = self.chunks.take(BLOCK as u64)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        // buffers hold whole blocks, so a shorter one is the last of the input
        let block =
            Block::try_from(bytes).map_err(|_| ArchiveError::damaged("it ends within a block"))?;
        Ok(Some(block))
    }

    /// Finds the name of the member that an extension header is for, for the error in it.
    fn look_ahead(&mut self) {
        let next = self.block().ok().flatten();
        if let Some(name) = next.and_then(|block| header::name_of(&block)) {
            self.place = Place::At(name);
        }
    }

    /// Reads the body of an extension header.
    fn extension(&mut self, header: &Header) -> Result<(), ArchiveError> {
        let allowed = self.extensions.min(LARGEST);
        if header.size > allowed {
            let limit = if header.size > LARGEST {
                LARGEST
            } else {
                EXTENSIONS
            };
            // whose it is stands behind it, and is worth the way as long as it is short
            if header.size <= EXTENSIONS
                && self
                    .skip(header.size.next_multiple_of(BLOCK as u64))
                    .is_ok()
            {
                self.look_ahead();
            }
            return Err(ArchiveError::Limit {
                what: LimitKind::ExtensionBytes,
                limit,
                entry: None,
            });
        }
        self.extensions -= header.size;
        self.scratch.clear();
        self.chunks.read(&mut self.scratch, header.size)?;
        if self.scratch.len() as u64 != header.size {
            return Err(ArchiveError::damaged("it ends within an extension header"));
        }
        self.padding(header.size)
    }

    fn member(
        &mut self,
        header: Header,
        extension: Extension,
        writer: &mut Writer<'_>,
    ) -> Result<(), ArchiveError> {
        let name = match extension.path {
            Some(path) => path,
            None => String::from_utf8(header.name)
                .map_err(|error| ArchiveError::bad_path(error.as_bytes(), BadPath::NotUtf8))?,
        };
        self.place = Place::At(name.clone());
        let damaged = |reason: &'static str| ArchiveError::damaged_at(&name, reason);
        if extension.size.is_some_and(|size| size != header.size) {
            return Err(damaged(
                "its header and its PAX header state different sizes",
            ));
        }
        if extension.link.is_some() && header.kind != Kind::Symlink {
            return Err(damaged("it has a link target and is no link"));
        }
        // one `./` in front is how `tar` writes the content of the current folder
        let path = name.strip_prefix("./").unwrap_or(&name);
        match header.kind {
            Kind::File => {
                if name.ends_with('/') {
                    return Err(damaged("it is a file with the name of a folder"));
                }
                let mut file = writer.file(path, header.executable, header.size)?;
                let mut left = header.size;
                while left > 0 {
                    let bytes = self.chunks.take(left)?;
                    if bytes.is_empty() {
                        return Err(damaged("the archive ends within it"));
                    }
                    left -= bytes.len() as u64;
                    file.write(bytes)?;
                }
                file.finish()?;
                self.padding(header.size)
            }
            Kind::Dir | Kind::Symlink if header.size != 0 => {
                Err(damaged("it has content and is not a file"))
            }
            Kind::Dir => {
                if name == "." || name == "./" {
                    // the folder itself: it is there already
                    return Ok(());
                }
                // a lone `/` stays one, and is refused as an absolute name
                let path = path
                    .strip_suffix('/')
                    .filter(|path| !path.is_empty())
                    .unwrap_or(path);
                writer.folder_again(path)
            }
            Kind::Symlink => {
                if name.ends_with('/') {
                    return Err(damaged("it is a link with the name of a folder"));
                }
                let target = match extension.link {
                    Some(link) => link,
                    None => String::from_utf8(header.link)
                        .map_err(|_| ArchiveError::refused(&name, "its target is not UTF-8"))?,
                };
                writer.link(path, &target)
            }
            Kind::Refused(reason) => Err(ArchiveError::refused(&name, reason)),
            Kind::Pax | Kind::PaxGlobal | Kind::GnuName | Kind::GnuLink => {
                unreachable!("extension headers are no members")
            }
        }
    }

    /// Skips what fills up the last block of a body.
    fn padding(&mut self, size: u64) -> Result<(), ArchiveError> {
        self.skip(size.next_multiple_of(BLOCK as u64) - size)
    }

    fn skip(&mut self, mut left: u64) -> Result<(), ArchiveError> {
        while left > 0 {
            let bytes = self.chunks.take(left)?;
            if bytes.is_empty() {
                return Err(ArchiveError::damaged("it ends within a block"));
            }
            left -= bytes.len() as u64;
        }
        Ok(())
    }

    /// After the first block of zeros: a second, then zeros to the end of the input.
    fn end(&mut self) -> Result<(), ArchiveError> {
        match self.block()? {
            Some(block) if is_zero(&block) => {}
            Some(_) => {
                return Err(ArchiveError::damaged(
                    "the mark of its end is only half there",
                ));
            }
            None => return Err(ArchiveError::damaged("it ends without the mark of its end")),
        }
        loop {
            let bytes = self.chunks.take(u64::MAX)?;
            if bytes.is_empty() {
                return Ok(());
            }
            if !is_zero(bytes) {
                self.place = Place::Start;
                return Err(ArchiveError::damaged("there is more after its end"));
            }
        }
    }
}
