//! A folder of this machine as every verb packs it, so that the archive that is built, the one that is sent and the
//! digest that is printed are of the same files; and what is said of files that are left out.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use packd_format::archive::{FileId, LeftOut, PackOptions};
use packd_format::error::chain;

use crate::checkout::Checkout;
use crate::output::Output;
use crate::output::text::count;

/// How many folders are named before the rest is only counted.
const NAMED: usize = 3;

/// What every verb packs `folder` with: what this run is writing at the moment is left out, and what git tracks is not.
/// A repository that cannot be read counts as none: the files are there all the same.
pub(super) fn options(folder: &Path) -> PackOptions {
    let outputs = [
        file_of(std::io::stdout().as_fd()),
        file_of(std::io::stderr().as_fd()),
    ];
    let checkout = Checkout::of(folder).ok().flatten();
    let checkout = checkout.as_ref();
    PackOptions {
        outputs: outputs.into_iter().flatten().collect(),
        tracked: checkout.and_then(|checkout| checkout.tracked().ok().flatten()),
        work_tree: checkout.and_then(Checkout::work_tree),
        ..PackOptions::default()
    }
}

/// The regular file that is written to; none for a terminal or a pipe.
fn file_of(output: BorrowedFd<'_>) -> Option<FileId> {
    let file = std::fs::File::from(output.try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(FileId::of(&metadata))
}

/// Says what of a folder was left out and might be missed, and when git could not be asked.
pub(super) fn tell(packed: &Path, left_out: &LeftOut, out: &mut Output) {
    let tracked = Checkout::of(packed).and_then(|checkout| match checkout {
        Some(checkout) => checkout.tracked(),
        None => Ok(None),
    });
    if let Err(error) = tracked {
        out.warn(&format!(
            "{}; files that git tracks and an ignore file names are left out",
            chain(&error)
        ));
        if let Some(hint) = error.hint() {
            out.hint(hint);
        }
    }
    let repositories = &left_out.repositories;
    for folder in repositories.iter().take(NAMED) {
        out.warn(&format!(
            "`{folder}` is a git repository of its own: its files are no part of the pack"
        ));
    }
    if repositories.len() > NAMED {
        let more = (repositories.len() - NAMED) as u64;
        out.warn(&format!(
            "so it is with {}",
            count(more, "more folder", "more folders")
        ));
    }
    for file in &left_out.outputs {
        out.warn(&format!(
            "`{file}`, which this is written to, lies in the pack: it is left out now, and the next digest will count it"
        ));
        out.hint(&format!("name `/{file}` in `.packignore`"));
    }
}

#[cfg(test)]
mod tests;
