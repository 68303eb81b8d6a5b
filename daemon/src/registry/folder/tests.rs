#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::PathBuf;

use packd_format::archive::{Limits, Packing};
use packd_format::{Index, Source};

use super::*;
use crate::registry::scene::Scene;
use crate::source::packing;

/// A folder of packs, and a place to look at them.
struct Shelf {
    _folder: tempfile::TempDir,
    path: PathBuf,
    scratch: tempfile::TempDir,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packs");
        fs_err::create_dir(&path).unwrap();
        Self {
            _folder: folder,
            path,
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    fn pack(&self, folder: &str, name: &str, version: &str) -> PathBuf {
        let path = self.path.join(folder);
        fs_err::create_dir_all(&path).unwrap();
        let text = format!("ref: {name}\nlabel: The {name}\ndescription: d\nversion: {version}\n");
        fs_err::write(path.join("pack.yaml"), text).unwrap();
        path
    }

    /// The same as an archive.
    fn archive(&self, file: &str, name: &str, version: &str) {
        let folder = self.pack(".making", name, version);
        let out = fs_err::File::create(self.path.join(file)).unwrap();
        let format = Format::of_name(file).unwrap();
        let packing = Packing::select(&folder, &packing(&Limits::default())).unwrap();
        packing.write(format, out).unwrap();
        fs_err::remove_dir_all(folder).unwrap();
    }

    fn make(&self, before: Known) -> Made {
        let look = Look {
            limits: &Limits::default(),
            scratch: self.scratch.path(),
            stop: &CancellationToken::new(),
        };
        make("shelf", &self.path, look, before).unwrap()
    }

    fn registry(&self) -> Registry {
        let url = format!("dir:{}", self.path.display()).parse().unwrap();
        Registry::new("shelf", url)
    }
}

fn nothing() -> Known {
    Known::new(&Limits::default())
}

/// The packs of an index with their versions, newest first.
fn offered(made: &Made) -> Vec<String> {
    let index = Index::parse(&made.bytes).unwrap();
    assert!(
        index.problems.is_empty(),
        "what is made can be read: {:?}",
        index.problems
    );
    let packs = index.entries.iter().map(|entry| {
        let versions = entry.releases.iter().map(|one| one.version.to_string());
        format!(
            "{} {}",
            entry.pack_ref,
            versions.collect::<Vec<_>>().join(" ")
        )
    });
    packs.collect()
}

#[test]
fn folders_and_archives_are_packs_and_what_is_none_is_told() {
    let shelf = Shelf::new();
    shelf.pack("slack", "slack", "2.0.0");
    shelf.archive("slack-1.0.0.tar.gz", "slack", "1.0.0");
    shelf.archive("slack-1.10.0.zip", "slack", "1.10.0");
    shelf.archive("my jira #1.tar.zst", "jira", "0.1.0");
    shelf.pack("slack-again", "slack", "1.0.0");
    fs_err::create_dir(shelf.path.join("empty")).unwrap();
    fs_err::write(shelf.path.join("broken.tgz"), "no archive").unwrap();
    fs_err::write(shelf.path.join("README.md"), "is no pack").unwrap();
    let leaves = shelf.pack("leaves", "leaves", "1.0.0");
    fs_err::os::unix::fs::symlink("/etc/passwd", leaves.join("secret")).unwrap();
    fs_err::os::unix::fs::symlink("/etc", shelf.path.join("linked")).unwrap();

    let made = shelf.make(nothing());
    assert_eq!(offered(&made), ["jira 0.1.0", "slack 2.0.0 1.10.0 1.0.0"]);
    let told = |name: &str| {
        let start = format!("`{name}`: ");
        let found = made
            .problems
            .iter()
            .find(|problem| problem.starts_with(&start));
        found
            .unwrap_or_else(|| panic!("{name} is told: {:#?}", made.problems))
            .clone()
    };
    assert!(told("linked").contains("links are not followed"));
    assert!(told("slack-again").contains("as is `slack-1.0.0.tar.gz`"));
    assert!(told("leaves").contains("secret"));
    told("empty");
    told("broken.tgz");
    assert_eq!(
        made.problems.len(),
        5,
        "and nothing else: {:#?}",
        made.problems
    );
    assert_eq!(
        fs_err::read_dir(shelf.scratch.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
}

#[test]
fn what_is_as_it_was_is_not_read_again_and_what_changed_is() {
    let shelf = Shelf::new();
    shelf.pack("slack", "slack", "1.0.0");
    let jira = shelf.pack("jira", "jira", "1.0.0");
    let first = shelf.make(nothing());
    let kept = shelf.scratch.path().join("kept/shelf.json");
    first.known.write(&kept);
    let again = shelf.make(Known::read(&kept, &Limits::default()));
    fs_err::remove_dir_all(kept.parent().unwrap()).unwrap();
    assert_eq!(
        first.bytes, again.bytes,
        "the same files are the same index"
    );

    let mut known = again.known;
    // if it were looked at again, it would be another one
    known.packs.get_mut("slack").unwrap().entry = Err("not looked at".to_owned());
    fs_err::write(jira.join("run.sh"), "echo").unwrap();
    let next = shelf.make(known);
    assert_eq!(next.problems, ["`slack`: not looked at"]);
    assert_ne!(next.bytes, again.bytes, "a file more is another pack");
}

#[test]
fn what_is_known_by_other_limits_or_is_damaged_is_nothing() {
    let shelf = Shelf::new();
    shelf.pack("slack", "slack", "1.0.0");
    let file = shelf.scratch.path().join("shelf.json");
    shelf.make(nothing()).known.write(&file);
    let limits = Limits::default();
    assert_eq!(Known::read(&file, &limits).packs.len(), 1);
    let smaller = Limits {
        pack_bytes: 1,
        ..Limits::default()
    };
    assert_eq!(Known::read(&file, &smaller).packs.len(), 0);
    fs_err::write(&file, "{").unwrap();
    assert_eq!(Known::read(&file, &limits).packs.len(), 0);
}

#[test]
fn only_what_lies_in_the_folder_itself_is_a_source() {
    let shelf = Shelf::new();
    let registry = shelf.registry();
    let name = "my jira #1%.tar.zst";
    for (is_folder, slash) in [(false, ""), (true, "/")] {
        let (location, shown) = locate(&registry, &item::url_of(name, is_folder)).unwrap();
        assert_eq!(
            shown,
            format!("dir:{}", shelf.path.join(name).display()),
            "{slash}"
        );
        let is_one = matches!(location, Location::Folder { .. });
        assert_eq!(is_one, is_folder);
    }
    for odd in [
        "../etc/",
        "./..%2fetc/",
        "%2e%2e/",
        "/etc/",
        "./",
        "",
        ".hidden",
        "a/b",
        "https://x/a.tgz",
        "a%00",
    ] {
        assert!(locate(&registry, odd).is_err(), "`{odd}` is no source");
    }
}

#[tokio::test]
async fn it_is_a_registry_like_others() {
    let shelf = Shelf::new();
    shelf.pack("slack", "slack", "1.0.0");
    let scene = Scene::new(vec![shelf.registry()]);
    assert!(scene.registries.refresh(&[]).await.unwrap().is_empty());
    let offer = scene.find("slack").await.unwrap();
    let source = &offer.sources[0];
    assert!(
        source.checksum.is_some() && source.tree.is_some(),
        "{source:?}"
    );
    assert!(scene.registries.distrust("shelf"), "it can be read anew");
    assert!(!scene.registries.distrust("other"));

    fs_err::remove_dir_all(&shelf.path).unwrap();
    let failed = scene.registries.refresh(&[]).await.unwrap();
    assert_eq!(failed[0].kind(), packd_wire::ErrorKind::FetchRefused);
    let view = scene.view("shelf").await;
    assert_eq!(
        (view.packs, view.health.consecutive_failures),
        (1, 1),
        "the last index stays"
    );
    scene.end();
}

#[test]
fn a_source_of_an_entry_is_an_archive_with_what_proves_it() {
    let shelf = Shelf::new();
    shelf.pack("slack", "slack", "1.0.0");
    let index = Index::parse(&shelf.make(nothing()).bytes).unwrap();
    let source = &index.entries[0].releases[0].sources[0];
    assert!(
        matches!(source, Source::Archive { url, checksum: Some(_), size: Some(_), tree: Some(_) } if url == "./slack/"),
        "{source:?}"
    );
}
