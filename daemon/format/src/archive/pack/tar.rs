//! Writing a tar archive in which everything is fixed that does not come from the content.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use super::original::Original;
use super::{PackError, Packing};
use crate::archive::ledger::{Item, Kind};
use crate::digest::Digest;

/// Writes everything that was selected, and gives back the digests of the files, each with its place in the ledger,
/// and what was written to.
pub(super) fn write<W: Write>(
    packing: &Packing,
    out: W,
) -> Result<(Vec<(usize, Digest)>, W), PackError> {
    let mut builder = Builder::new(out);
    let top = packing.top();
    if !top.is_empty() {
        append(&mut builder, &header(EntryType::Directory, 0, true), top)?;
    }
    let mut digests = Vec::new();
    for (at, item) in packing.ledger.items().iter().enumerate() {
        if let Some(digest) =
            append_item(&mut builder, packing, &format!("{top}{}", item.path), item)?
        {
            digests.push((at, digest));
        }
    }
    let out = builder
        .into_inner()
        .map_err(|source| PackError::Write { source })?;
    Ok((digests, out))
}

fn append_item<W: Write>(
    builder: &mut Builder<W>,
    packing: &Packing,
    name: &str,
    item: &Item,
) -> Result<Option<Digest>, PackError> {
    match &item.kind {
        Kind::Dir => append(
            builder,
            &header(EntryType::Directory, 0, true),
            &format!("{name}/"),
        )
        .map(|()| None),
        Kind::Symlink { target } => {
            let mut header = header(EntryType::Symlink, 0, true);
            builder
                .append_link(&mut header, name, target)
                .map_err(|source| PackError::Write { source })?;
            Ok(None)
        }
        Kind::File { executable, size } => {
            let mut file = Original::open(packing.place(item), *executable, *size)?;
            let mut header = header(EntryType::Regular, *size, *executable);
            let appended = builder.append_data(&mut header, name, &mut file);
            file.finish(appended).map(Some)
        }
    }
}

fn append<W: Write>(
    builder: &mut Builder<W>,
    header: &Header,
    name: &str,
) -> Result<(), PackError> {
    builder
        .append_data(&mut header.clone(), name, io::empty())
        .map_err(|source| PackError::Write { source })
}

fn header(kind: EntryType, size: u64, executable: bool) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
