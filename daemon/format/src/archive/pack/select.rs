//! Which files of a folder are the pack: what is not ignored, is no debris of building and running it, and can be
//! unpacked again.
//!
//! One walk for everything that is made of a folder: the archive that is built, the one that is sent, the digest that
//! is printed. So they are of the same tree.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use semver::Version;

use super::ignored::{FILE_NAMES, Ignored, PACKIGNORE, Verdict};
use super::original::{is_executable, open};
use super::tracked::Tracked;
use super::{FileId, IgnoreFiles, LeftOut, PackError, PackOptions, unreadable};
use crate::archive::error::ArchiveError;
use crate::archive::ledger::{Kind, Ledger};
use crate::archive::sniff::Format;
use crate::manifest::{self, Manifest};
use crate::name::PackRef;
use crate::tree::BadPath;

/// What makes a folder a git repository: a folder, or a file that names one.
const GIT: &str = ".git";
/// How a file of that name begins.
const GIT_FILE: &[u8; 8] = b"gitdir: ";
/// Folders that programs leave behind, and that no pack means to have.
const DEBRIS_FOLDERS: [&str; 2] = ["__pycache__", ".venv"];
/// The end of the names of files that programs leave behind.
const DEBRIS_FILE: &str = ".pyc";

/// Something in the folder that belongs to the pack.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::archive) struct Member {
    /// Relative to the folder.
    pub(in crate::archive) path: String,
    pub(in crate::archive) kind: Kind,
    state: State,
}

/// What tells whether something is still what it was: which inode, and of all but folders when it changed. A folder
/// changes also with what is left out of the pack.
#[derive(Debug, PartialEq, Eq)]
struct State {
    inode: (u64, u64),
    changed: Option<[i64; 4]>,
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: (metadata.dev(), metadata.ino()),
            changed: (!metadata.is_dir()).then(|| {
                [
                    metadata.mtime(),
                    metadata.mtime_nsec(),
                    metadata.ctime(),
                    metadata.ctime_nsec(),
                ]
            }),
        }
    }
}

/// Goes through the folder and judges what it finds. Parents come before what is in them, sorted by path.
pub(super) fn select(root: &Path, options: &PackOptions) -> Result<(Ledger, Found), PackError> {
    let found = walk_past(root, options, &mut Err)?;
    let mut ledger = Ledger::new(&options.limits_inside());
    let refused = |source| PackError::Refused {
        path: root.to_owned(),
        source,
    };
    for member in &found.items {
        let admitted = ledger.admit(&member.path, member.kind.clone());
        admitted.map_err(refused)?;
    }
    ledger.check_links().map_err(refused)?;
    if ledger.items().is_empty() {
        return Err(PackError::Empty {
            path: root.to_owned(),
        });
    }
    Ok((ledger, found))
}

/// Fails unless the folder still has just what was found: then what was read since is how all of it was at one moment,
/// and not a file of before beside one of after.
pub(super) fn check_unchanged(
    root: &Path,
    options: &PackOptions,
    before: &[Member],
) -> Result<(), PackError> {
    let after = walk_past(root, options, &mut Err)?.items;
    let differs = |at: &usize| before.get(*at) != after.get(*at);
    let Some(at) = (0..before.len().max(after.len())).find(differs) else {
        return Ok(());
    };
    // of two that are sorted, the one that comes first is there in one of them only
    let paths = [before.get(at), after.get(at)];
    let path = paths.into_iter().flatten().map(|member| &member.path).min();
    Err(PackError::Changed {
        path: path.map_or_else(|| root.to_owned(), |path| root.join(path)),
    })
}

/// What a walk found.
#[derive(Debug, Default)]
pub(in crate::archive) struct Found {
    /// What is not left out, sorted by path.
    pub(in crate::archive) items: Vec<Member>,
    /// What is, and might be missed.
    pub(in crate::archive) left_out: LeftOut,
}

/// What is in the folder and not left out. `refused` decides of each thing that cannot be packed
/// whether that is the end.
pub(in crate::archive) fn walk_past(
    root: &Path,
    options: &PackOptions,
    refused: &mut dyn FnMut(PackError) -> Result<(), PackError>,
) -> Result<Found, PackError> {
    let (rules, within) = Rules::of(root, options)?;
    let mut walk = Walk {
        root,
        rules,
        found: Found::default(),
        passed_over: 0,
        refused,
    };
    walk.folder(root, "", within)?;
    let Found { items, left_out } = &mut walk.found;
    items.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    left_out.repositories.sort_unstable();
    left_out.outputs.sort_unstable();
    Ok(walk.found)
}

/// What is left out.
struct Rules<'a> {
    /// None: everything is packed.
    ignored: Option<Ignored>,
    /// Whose archives are left out where they lie beside its `pack.yaml`: who builds a pack in its own folder does
    /// not mean to have the archive in the next one.
    own: Option<PackRef>,
    also: Option<&'a str>,
    outputs: &'a [FileId],
    /// What git has of the folder. None: it lies in no work tree, or everything is packed.
    tracked: Option<&'a Tracked>,
}

/// What is said of something by what is said of the folder it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Nothing.
    Heard,
    /// The folder is ignored, and gone into for what git tracks in it.
    Ignored,
}

impl<'a> Rules<'a> {
    /// The rules, and what they say of the root itself.
    fn of(root: &Path, options: &'a PackOptions) -> Result<(Self, Within), PackError> {
        let also = options.leave_out.as_deref();
        let outputs = options.outputs.as_slice();
        if options.ignore_files == IgnoreFiles::Disregard {
            let rules = Self {
                ignored: None,
                own: None,
                also,
                outputs,
                tracked: None,
            };
            return Ok((rules, Within::Heard));
        }
        let mut ignored = Ignored::default();
        let mut within = Within::Heard;
        if let Some(work_tree) = &options.work_tree
            && ignored.read_above(work_tree)?
        {
            match options.tracked {
                Some(_) => within = Within::Ignored,
                // made by a build, say: none of the repository's
                None => ignored.forget(),
            }
        }
        let rules = Self {
            ignored: Some(ignored),
            own: own_ref(root)?,
            also,
            outputs,
            tracked: options.tracked.as_ref(),
        };
        Ok((rules, within))
    }

    /// Whether something is packed: nothing if not, else what is said of what lies in it.
    fn takes(&self, path: &str, is_dir: bool, within: Within) -> Option<Within> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        if name == GIT || self.also == Some(path) {
            return None;
        }
        let Some(ignored) = &self.ignored else {
            return Some(Within::Heard);
        };
        let leaves_out = match (ignored.verdict(path, is_dir), within) {
            (Some((PACKIGNORE, Verdict::Ignored)), _) => return None,
            // who asks for debris by name, with a `!`, gets it
            (Some((PACKIGNORE, Verdict::Kept)), _) => return Some(Within::Heard),
            // as git has it, nothing in an ignored folder can be asked for
            (_, Within::Ignored) | (Some((_, Verdict::Ignored)), _) => true,
            (Some((_, Verdict::Kept)), Within::Heard) => false,
            (None, Within::Heard) => self.is_debris(path, name, is_dir),
        };
        if !leaves_out {
            return Some(Within::Heard);
        }
        // git never ignores what it tracks
        let is_tracked = self.tracked.is_some_and(|tracked| tracked.has(path));
        is_tracked.then_some(Within::Ignored)
    }

    /// Whether a folder, of which nothing else is packed, is none that a checkout of the pack would have.
    fn drops_empty(&self, path: &str, passed_over: bool) -> bool {
        match self.tracked {
            Some(tracked) => !tracked.is_submodule(path),
            None => self.ignored.is_some() && passed_over,
        }
    }

    /// Whether a folder is a repository that git would not look into.
    fn is_foreign(&self, path: &str, is_repository: bool) -> bool {
        if self.ignored.is_none() {
            return false;
        }
        match self.tracked {
            Some(tracked) if tracked.is_submodule(path) => true,
            Some(tracked) => is_repository && !tracked.has(path),
            None => is_repository,
        }
    }

    fn is_debris(&self, path: &str, name: &str, is_dir: bool) -> bool {
        if is_dir {
            return DEBRIS_FOLDERS.contains(&name);
        }
        name.ends_with(DEBRIS_FILE)
            || (name == path
                && self
                    .own
                    .as_ref()
                    .is_some_and(|own| is_archive_of(own, name)))
    }
}

/// Whether a file is called as archives of this pack are.
fn is_archive_of(own: &PackRef, name: &str) -> bool {
    let version = name
        .strip_prefix(own.as_str())
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(Format::split_name);
    version.is_some_and(|(version, _)| Version::parse(&version.replacen('_', "+", 1)).is_ok())
}

/// The ref of the pack in this folder, if there is a readable `pack.yaml`. Whether it is a good one is for others to say.
fn own_ref(root: &Path) -> Result<Option<PackRef>, PackError> {
    let place = root.join(manifest::FILE_NAME);
    let failed = |error| unreadable(&place, &error);
    match fs_err::symlink_metadata(&place) {
        Ok(metadata) if metadata.is_file() => {}
        // whatever else it is, is found on the way
        Ok(_) | Err(_) => return Ok(None),
    }
    let mut text = Vec::new();
    open(&place)
        .and_then(|file| {
            file.take(manifest::MAX_BYTES as u64 + 1)
                .read_to_end(&mut text)
        })
        .map_err(failed)?;
    Ok(Manifest::parse(&text)
        .ok()
        .map(|manifest| manifest.pack_ref))
}

struct Walk<'a> {
    root: &'a Path,
    rules: Rules<'a>,
    found: Found,
    /// How many things were left out.
    passed_over: u64,
    refused: &'a mut dyn FnMut(PackError) -> Result<(), PackError>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, within: Within) -> Result<(), PackError> {
        let failed = |error| unreadable(folder, &error);
        let mut entries = Vec::new();
        for entry in fs_err::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            entries.push((entry.file_name(), entry));
        }
        // of several things that are wrong, the same is told each time
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mark = self.rules.ignored.as_ref().map(Ignored::mark);
        let mut unheard = Vec::new();
        for (name, entry) in &entries {
            if let Err(error) = self.hear(name, entry, prefix) {
                (self.refused)(error)?;
                unheard.push(name);
            }
        }
        for (name, entry) in &entries {
            // what is refused already is not refused for another reason, too
            if unheard.contains(&name) {
                continue;
            }
            if let Err(error) = self.entry(name, entry, prefix, within) {
                (self.refused)(error)?;
            }
        }
        if let (Some(ignored), Some(mark)) = (&mut self.rules.ignored, mark) {
            ignored.leave(mark);
        }
        Ok(())
    }

    /// Reads it if it is an ignore file.
    fn hear(
        &mut self,
        name: &OsStr,
        entry: &fs_err::DirEntry,
        prefix: &str,
    ) -> Result<(), PackError> {
        let Some(ignored) = &mut self.rules.ignored else {
            return Ok(());
        };
        let Some(which) = FILE_NAMES.iter().position(|known| name == *known) else {
            return Ok(());
        };
        let place = entry.path();
        let metadata = entry
            .metadata()
            .map_err(|error| unreadable(&place, &error))?;
        ignored.read(which, &place, &metadata, prefix)
    }

    fn entry(
        &mut self,
        name: &OsStr,
        entry: &fs_err::DirEntry,
        prefix: &str,
        within: Within,
    ) -> Result<(), PackError> {
        let place = entry.path();
        let Some(name) = name.to_str() else {
            let path = [prefix.as_bytes(), name.as_encoded_bytes()].concat();
            return Err(PackError::Refused {
                path: self.root.to_owned(),
                source: ArchiveError::bad_path(path, BadPath::NotUtf8),
            });
        };
        let path = format!("{prefix}{name}");
        let metadata = entry
            .metadata()
            .map_err(|error| unreadable(&place, &error))?;
        let Some(within) = self.rules.takes(&path, metadata.is_dir(), within) else {
            self.passed_over += 1;
            return Ok(());
        };
        if self.rules.outputs.contains(&FileId::of(&metadata)) {
            self.passed_over += 1;
            self.found.left_out.outputs.push(path);
            return Ok(());
        }
        let kind = kind_of(&place, &metadata)?;
        let is_folder = kind == Kind::Dir;
        let state = State::of(&metadata);
        let member = Member {
            path: path.clone(),
            kind,
            state,
        };
        self.found.items.push(member);
        if !is_folder {
            return Ok(());
        }
        let (members, passed_over) = (self.found.items.len(), self.passed_over);
        let is_repository = is_repository(&place);
        if self.rules.is_foreign(&path, is_repository) {
            self.passed_over += 1;
            if is_repository {
                self.found.left_out.repositories.push(path.clone());
            }
        } else {
            self.folder(&place, &format!("{path}/"), within)?;
        }
        let is_empty = self.found.items.len() == members;
        if is_empty
            && self
                .rules
                .drops_empty(&path, self.passed_over > passed_over)
        {
            self.found.items.pop();
            self.passed_over += 1;
        }
        Ok(())
    }
}

/// Whether a folder has a `.git` that is one: a folder with a `HEAD`, or a file that names such a folder, as those of
/// submodules and worktrees do.
fn is_repository(folder: &Path) -> bool {
    let git = folder.join(GIT);
    let mut head = [0; GIT_FILE.len()];
    git.join("HEAD").is_file()
        || open(&git)
            .and_then(|mut file| file.read_exact(&mut head))
            .is_ok_and(|()| head == *GIT_FILE)
}

fn kind_of(place: &Path, metadata: &Metadata) -> Result<Kind, PackError> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        Ok(Kind::Dir)
    } else if kind.is_file() {
        Ok(Kind::File {
            executable: is_executable(metadata),
            size: metadata.len(),
        })
    } else if kind.is_symlink() {
        let target = fs_err::read_link(place)
            .map_err(|error| unreadable(place, &error))?
            .into_os_string()
            .into_string()
            .map_err(|target| PackError::Refused {
                path: place.to_owned(),
                source: ArchiveError::refused(
                    target.as_encoded_bytes(),
                    "a link's target is not UTF-8",
                ),
            })?;
        Ok(Kind::Symlink { target })
    } else {
        let what = crate::tree::name_of(rustix::fs::FileType::from_raw_mode(metadata.mode()));
        Err(PackError::Special {
            path: place.to_owned(),
            what,
        })
    }
}
