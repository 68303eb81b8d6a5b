//! Whatever becomes of a file of the state folder, packd starts, says what is wrong, and gets all of it back.

use std::path::{Path, PathBuf};
use std::process::Command;

use packd_tests::support::process::Ran;
use packd_tests::{PackTree, Packd, Settings, Site};
use packd_wire::{HealthView, PackState, StatusView, path};

/// What can happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Nothing is left of it.
    Empty,
    /// Half of it is left.
    Truncate,
    Zero,
    Flip,
    Delete,
    /// A folder lies in its place.
    Folder,
}

impl Harm {
    fn happens_to(self, file: &Path) {
        let is_link = file.is_symlink();
        if matches!(self, Harm::Delete | Harm::Folder) {
            fs_err::remove_file(file).unwrap();
            if self == Harm::Folder {
                fs_err::create_dir(file).unwrap();
                fs_err::write(file.join("mine"), "somebody's").unwrap();
            }
            return;
        }
        let mut bytes = if is_link {
            let target = fs_err::read_link(file).unwrap();
            target.into_os_string().into_encoded_bytes()
        } else {
            fs_err::read(file).unwrap()
        };
        let half = bytes.len() / 2;
        match self {
            Harm::Empty => bytes.clear(),
            Harm::Truncate => bytes.truncate(half),
            Harm::Zero => bytes.fill(if is_link { b'0' } else { 0 }),
            Harm::Flip | Harm::Delete | Harm::Folder => {
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
    let others = [
        "cache/",
        ".lock",
        "packd.db",
        "generations/",
        "current",
        "numbers",
        "reserve",
        "quarantine/",
    ];
    others.iter().any(|begin| file.starts_with(begin))
}

/// Whether what only the database knew is lost by this for sure, so that packd has to call itself degraded.
fn is_a_loss(file: &str, harm: Harm) -> bool {
    match file {
        // what was cut off may be in the log still
        "packd.db" => matches!(harm, Harm::Empty | Harm::Delete | Harm::Folder),
        // what came last is in it and nowhere else
        "packd.db-wal" => true,
        _ => false,
    }
}

/// Whether somebody's own files, as a [`Harm::Folder`] has one, lie below a folder.
fn has_mine(folder: &Path) -> bool {
    files(folder).iter().any(|file| file.ends_with("mine"))
}

/// Whatever happens to one file of the state folder, packd starts and says what is wrong, `verify --repair` brings
/// everything again, and the next install works.
fn each_file_may_be(harms: &[Harm]) {
    let site = Site::serving([
        &PackTree::new("slack", "2.1.0").file("version", "2.1.0"),
        &PackTree::new("teams", "1.0.0").file("version", "1.0.0"),
        &PackTree::new("vault", "1.0.0"),
    ]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "teams"]).success();
    let originals = ["slack", "teams"].map(|name| packd.tree(name).unwrap());
    packd.kill();
    let state = packd.state_dir();
    // a copy of before a migration, and what was put away
    fs_err::copy(state.join("packd.db"), state.join("packd.db.schema-1")).unwrap();
    fs_err::create_dir_all(state.join("quarantine/old")).unwrap();
    fs_err::write(state.join("quarantine/old/file"), "old").unwrap();
    let good = tempfile::tempdir().unwrap();
    let good = good.path().join("state");
    copy(&state, &good);
    let all = files(&good);
    for name in [
        "packd.db-wal",
        "packd.db-shm",
        "numbers",
        "reserve",
        "current",
    ] {
        assert!(all.iter().any(|file| file == Path::new(name)), "{all:#?}");
    }

    for (file, harm) in all
        .iter()
        .flat_map(|file| harms.iter().map(move |harm| (file, *harm)))
    {
        let name = file.display().to_string();
        let case = format!("{harm:?} of {name}");
        copy(&good, &state);
        if harm == Harm::Empty && good.join(file).is_symlink() {
            // there is no such link
            continue;
        }
        harm.happens_to(&state.join(file));
        assert!(packd.begins(), "{case}: {}", packd.log());

        let refs: Vec<_> = packd.packs().into_iter().map(|one| one.pack_ref).collect();
        assert_eq!(refs, ["slack", "teams"], "{case}");
        let degraded = status(&packd).degraded;
        assert!(degraded.is_some() || !is_a_loss(&name, harm), "{case}");
        let looked = packd.ctl(["verify"]);
        if !is_quiet(&name, harm) {
            assert_eq!(looked.code(), Some(1), "{case} is told: {looked:#?}");
        }
        let repaired = packd.ctl(["verify", "--repair"]);
        assert_eq!(repaired.code(), Some(0), "{case}: {repaired:#?}");
        for (name, original) in ["slack", "teams"].iter().zip(&originals) {
            assert_eq!(&packd.tree(name).unwrap(), original, "{case}");
        }
        assert!(
            packd.packs().iter().all(|one| one.state == PackState::Ok),
            "{case}"
        );
        let installed = packd.ctl(["install", "vault"]);
        assert_eq!(installed.code(), Some(0), "{case}: {installed:#?}");
        let problems = status(&packd).problems;
        let told = problems.iter().filter(|line| !line.starts_with("degraded"));
        assert_eq!(told.count(), 0, "{case}: {problems:#?}");
        packd.kill();
        // what somebody has put there is theirs
        assert!(harm != Harm::Folder || has_mine(&state), "{case}");
    }
}

#[test]
fn each_file_may_be_cut_or_emptied() {
    each_file_may_be(&[Harm::Truncate, Harm::Zero]);
}

#[test]
fn each_file_may_have_nothing_in_it() {
    each_file_may_be(&[Harm::Empty]);
}

#[test]
fn each_file_may_be_changed_or_gone() {
    each_file_may_be(&[Harm::Flip, Harm::Delete]);
}

#[test]
fn a_folder_may_lie_in_the_place_of_each_file() {
    each_file_may_be(&[Harm::Folder]);
}

#[test]
fn what_says_that_packd_is_degraded_may_be_damaged_too() {
    let mut packd = Packd::start(&Settings::new());
    for harm in [
        Harm::Empty,
        Harm::Truncate,
        Harm::Zero,
        Harm::Flip,
        Harm::Folder,
    ] {
        packd.terminate();
        let state = packd.state_dir();
        // the work of one install, and nothing that knows of it
        fs_err::create_dir_all(state.join("store/slack/1.0.0-0123456789ab")).unwrap();
        fs_err::remove_file(state.join("packd.db")).unwrap();
        packd.begin();
        assert!(status(&packd).degraded.is_some());
        packd.terminate();
        harm.happens_to(&state.join("degraded.json"));
        packd.begin();
        let told = status(&packd).degraded.is_some();
        // a letter more or less is another text
        assert!(told, "{harm:?}");
        packd.ctl(["status", "--acknowledge"]).success();
        packd.restart();
        assert!(status(&packd).degraded.is_none(), "{harm:?}");
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

#[test]
fn jobs_that_the_log_of_the_database_has_lost_are_told_and_their_numbers_stay_theirs() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    // everything so far is in the database itself
    packd.restart();
    let before = status(&packd).last_event;
    let jobs: Vec<i64> = (0..5)
        .map(|_| packd.ctl(["-j", "gc", "--dry-run"]).success().job().id)
        .collect();
    let (job, event) = (jobs[4], status(&packd).last_event);
    assert!(event > before);
    packd.kill();
    let state = packd.state_dir();
    let good = tempfile::tempdir().unwrap();
    let good = good.path().join("state");
    copy(&state, &good);
    for harm in [
        Harm::Empty,
        Harm::Truncate,
        Harm::Zero,
        Harm::Flip,
        Harm::Delete,
    ] {
        copy(&good, &state);
        harm.happens_to(&state.join("packd.db-wal"));
        packd.begin();
        let now = status(&packd);
        let told = now.degraded.expect("it is told").reason;
        assert!(told.contains("lost what was written last, job"), "{told}");
        assert!(told.contains(&format!("to {event}")), "{harm:?}: {told}");
        assert!(packd.log().contains(&told), "the journal has it");
        let health: HealthView = packd.get(path::HEALTH).expect(200).json();
        assert_eq!(health.status, "degraded");
        assert!(now.last_event > event, "{harm:?}: {}", now.last_event);
        let next = packd.ctl(["-j", "gc", "--dry-run"]).success().job().id;
        assert!(next > job, "{harm:?}: {next} after {job}");
        assert_eq!(packd.active(), ["slack 2.1.0"], "{harm:?}");
        packd.kill();
    }
}
