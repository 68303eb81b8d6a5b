//! The order in which sources are sent: a pack of this machine after the others of the same command that it needs.
//!
//! Each source becomes a job of its own, and a job waits for earlier ones only. So what was typed first is not
//! always what has to go first.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err::File;
use packd_format::archive::{self, Format, Limits};
use packd_format::tree::find_pack_root;
use packd_format::{Manifest, PackRef, manifest};

/// What a source is, as far as can be seen from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// The pack.
    pub pack_ref: PackRef,
    /// The packs it needs.
    pub needs: Vec<PackRef>,
}

impl Seen {
    fn of(manifest: Manifest) -> Self {
        let needs = manifest.dependencies.into_iter();
        Self {
            pack_ref: manifest.pack_ref,
            needs: needs.map(|need| need.pack_ref).collect(),
        }
    }

    /// The pack in a folder. What cannot be read here, the daemon has the better words for.
    pub(super) fn in_folder(folder: &Path, inner: Option<&str>) -> Option<Self> {
        let root = match inner {
            Some(inner) => folder.join(inner),
            None if folder.join(manifest::FILE_NAME).is_file() => folder.to_owned(),
            None => {
                let entries = fs_err::read_dir(folder).ok()?.flatten();
                let mut roots = entries
                    .map(|entry| entry.path())
                    .filter(|path| path.join(manifest::FILE_NAME).is_file());
                roots.next()?
            }
        };
        Self::in_root(&root)
    }

    /// The pack in an archive, which is unpacked for it and removed again.
    pub(super) fn in_archive(file: &mut File, format: Format, inner: Option<&str>) -> Option<Self> {
        let scratch = tempfile::Builder::new().prefix("packctl-").tempdir().ok()?;
        let limits = Limits::default();
        let files = match format {
            Format::Zip => {
                let source = archive::Source::Zip(file.file());
                archive::unpack(source, scratch.path(), &limits, &mut ())
            }
            format => {
                let source = archive::Source::Stream(format, file);
                archive::unpack(source, scratch.path(), &limits, &mut ())
            }
        };
        let root = find_pack_root(&files.ok()?, inner).ok()?;
        Self::in_root(&scratch.path().join(root))
    }

    fn in_root(root: &Path) -> Option<Self> {
        let text = fs_err::read(root.join(manifest::FILE_NAME)).ok()?;
        Manifest::parse(&text).ok().map(Self::of)
    }
}

/// The places of sources in the order to send them: as they were given, but each after those that it needs. Of a
/// circle the first one goes first.
pub(super) fn order(seen: &[Option<Seen>]) -> Vec<usize> {
    let by_name: BTreeMap<&PackRef, usize> = seen
        .iter()
        .enumerate()
        .filter_map(|(place, seen)| Some((&seen.as_ref()?.pack_ref, place)))
        .collect();
    let needs = |place: usize| -> Vec<usize> {
        let seen = seen[place].iter();
        let needed = seen.flat_map(|seen| &seen.needs);
        needed
            .filter_map(|need| by_name.get(need).copied())
            .collect()
    };
    let mut order = Vec::with_capacity(seen.len());
    let mut is_begun = vec![false; seen.len()];
    for first in 0..seen.len() {
        // each source on the way, with those that it needs and that were not looked at yet
        let mut way = vec![(first, needs(first))];
        if std::mem::replace(&mut is_begun[first], true) {
            continue;
        }
        while let Some((place, open)) = way.last_mut() {
            match open.pop() {
                Some(needed) if !is_begun[needed] => {
                    is_begun[needed] = true;
                    let more = needs(needed);
                    way.push((needed, more));
                }
                Some(_) => {}
                None => {
                    order.push(*place);
                    way.pop();
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    #![expect(
        clippy::unnecessary_wraps,
        reason = "the lists that are ordered have gaps"
    )]

    use super::*;

    fn seen(name: &str, needs: &[&str]) -> Option<Seen> {
        Some(Seen {
            pack_ref: name.parse().unwrap(),
            needs: needs.iter().map(|need| need.parse().unwrap()).collect(),
        })
    }

    #[test]
    fn what_is_needed_goes_first() {
        let table = [
            (vec![seen("a", &[]), seen("b", &["a"])], vec![0, 1]),
            (vec![seen("b", &["a"]), seen("a", &[])], vec![1, 0]),
            (
                vec![
                    seen("c", &["b"]),
                    None,
                    seen("b", &["a", "lost"]),
                    seen("a", &[]),
                ],
                vec![3, 2, 0, 1],
            ),
            (vec![seen("a", &["b"]), seen("b", &["a"])], vec![1, 0]),
            (vec![None, None], vec![0, 1]),
            (vec![seen("a", &["a"])], vec![0]),
        ];
        for (sources, expected) in table {
            assert_eq!(order(&sources), expected, "{sources:?}");
        }
    }

    #[test]
    fn a_pack_is_seen_in_a_folder_and_in_a_folder_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("b");
        fs_err::create_dir(&inner).unwrap();
        let text = "ref: b\nversion: 1.0.0\ndependencies: [a]\n";
        fs_err::write(inner.join("pack.yaml"), text).unwrap();
        let expected = seen("b", &["a"]);
        assert_eq!(Seen::in_folder(&inner, None), expected);
        assert_eq!(Seen::in_folder(folder.path(), None), expected);
        assert_eq!(Seen::in_folder(folder.path(), Some("b")), expected);
        assert_eq!(Seen::in_folder(folder.path(), Some("c")), None);
    }
}
