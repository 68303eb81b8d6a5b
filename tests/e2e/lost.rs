//! Whatever becomes of a file of the state folder, packd starts, says what is wrong, and gets all of it back.

use std::path::{Path, PathBuf};
use std::process::Command;

use packd_tests::support::process::Ran;
use packd_tests::{PackTree, Packd, Settings, Site};
use packd_wire::{HealthView, PackState, StatusView, path};

/// What can happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Truncate,
    Zero,
    Flip,
    Delete,
}

impl Harm {
    fn happens_to(self, file: &Path) {
        let is_link = file.is_symlink();
        if self == Harm::Delete {
            return fs_err::remove_file(file).unwrap();
        }
        let mut bytes = if is_link {
            let target = fs_err::read_link(file).unwrap();
            target.into_os_string().into_encoded_bytes()
        } else {
            fs_err::read(file).unwrap()
        };
        let half = bytes.len() / 2;
        match self {
            Harm::Truncate => bytes.truncate(half),
            Harm::Zero => bytes.fill(if is_link { b'0' } else { 0 }),
            Harm::Flip | Harm::Delete => {
                if let Some(byte) = bytes.get_mut(half) {
                    *byte ^= 1;
                }
            }
        }
        if is_link {
            fs_err::remove_file(file).unwrap();
            let target: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
            fs_err::os::unix::fs::symlink(target, file).unwrap();
        } else {
            let mode = fs_err::metadata(file).unwrap().permissions();
            fs_err::remove_file(file).unwrap();
            fs_err::write(file, bytes).unwrap();
            fs_err::set_permissions(file, mode).unwrap();
        }
    }
}

/// The files and links below a folder, relative to it.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        fs_err::remove_dir_all(to).unwrap();
    }
    Ran::of(Command::new("cp").arg("-a").arg(from).arg(to)).success();
}

fn status(packd: &Packd) -> StatusView {
    packd.get(path::STATUS).expect(200).json()
}

/// What `verify` does not tell of: it is made again at the start, or not needed.
fn is_quiet(file: &str, harm: Harm) -> bool {
    if harm == Harm::Delete && file.ends_with(".record.json") {
        return true;
    }
    let others = ["cache/", ".lock", "packd.db", "generations/", "current"];
    others.iter().any(|begin| file.starts_with(begin))
}

#[test]
fn any_file_may_be_damaged_or_gone() {
    let site = Site::serving([
        &PackTree::new("slack", "2.1.0").file("version", "2.1.0"),
        &PackTree::new("teams", "1.0.0").file("version", "1.0.0"),
    ]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "teams"]).success();
    let originals = ["slack", "teams"].map(|name| packd.tree(name).unwrap());
    packd.kill();
    let good = tempfile::tempdir().unwrap();
    let good = good.path().join("state");
    copy(&packd.state_dir(), &good);
    let all = files(&good);
    assert!(
        all.iter().any(|file| file == Path::new("packd.db-wal")),
        "{all:#?}"
    );

    for file in &all {
        for harm in [Harm::Truncate, Harm::Zero, Harm::Flip, Harm::Delete] {
            let name = file.display().to_string();
            let case = format!("{harm:?} of {name}");
            copy(&good, &packd.state_dir());
            harm.happens_to(&packd.state_dir().join(file));
            packd.begin();

            let refs: Vec<_> = packd.packs().into_iter().map(|one| one.pack_ref).collect();
            assert_eq!(refs, ["slack", "teams"], "{case}");
            let looked = packd.ctl(["verify"]);
            if !is_quiet(&name, harm) {
                assert_eq!(looked.code(), Some(1), "{case} is told: {looked:#?}");
            }
            packd.ctl(["verify", "--repair"]).success();
            for (name, original) in ["slack", "teams"].iter().zip(&originals) {
                assert_eq!(&packd.tree(name).unwrap(), original, "{case}");
            }
            assert!(
                packd.packs().iter().all(|one| one.state == PackState::Ok),
                "{case}"
            );
            packd.kill();
        }
    }
}

#[test]
fn a_lost_database_is_told_until_it_is_acknowledged() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    let before = packd.ctl(["-j", "install", "slack"]).success().job();
    let last = status(&packd).last_event;
    packd.terminate();
    fs_err::write(packd.state_dir().join("packd.db"), vec![7; 9000]).unwrap();
    packd.begin();

    let told = |packd: &Packd| {
        let health: HealthView = packd.get(path::HEALTH).expect(200).json();
        let metrics = packd.get(path::METRICS).expect(200).text();
        (
            health.status,
            status(packd).degraded.is_some(),
            metrics.contains("packd_degraded 1"),
        )
    };
    assert_eq!(told(&packd), ("degraded".to_owned(), true, true));
    let view = status(&packd).degraded.unwrap();
    let kept = Path::new(view.quarantine.as_ref().unwrap()).join("packd.db");
    assert_eq!(fs_err::read(kept).unwrap(), vec![7; 9000]);
    assert!(
        packd.log().contains("rebuilt from the store"),
        "{}",
        packd.log()
    );
    packd.ctl(["status"]).success().says("degraded");
    let pack = packd.packs().remove(0);
    assert_eq!(pack.registry.as_deref(), Some("demo"), "{pack:#?}");
    assert_eq!(pack.job, before.id);
    let after = packd.ctl(["-j", "remove", "slack"]).success().job();
    assert!(after.id > before.id);
    assert_eq!(after.generation, Some(2));
    assert!(status(&packd).last_event > last);

    packd.restart();
    assert_eq!(told(&packd), ("degraded".to_owned(), true, true));
    packd.ctl(["status", "--acknowledge"]).success();
    packd.restart();
    assert_eq!(told(&packd), ("ok".to_owned(), false, false));
}
