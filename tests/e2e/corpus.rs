//! Archives that no host should trust, sent to a daemon and offered to it: each is refused for what it is, and leaves nothing.

use packd_tests::support::hostile::{self, Case};
use packd_tests::{Answer, Format, PackTree, Packd, Request, Settings, Site, Tree};
use packd_wire::{ErrorKind, JobStatus, JobView, Problem, path};
use serde_json::json;

/// How much memory a daemon may take, in bytes, beyond what it had before anything hostile came. It reads zstd with the
/// largest window that is allowed (128 MiB) until the bomb in it is noticed, and has other jobs beside that.
const MEMORY: u64 = 160 << 20;

/// How many uploads are under way at once.
const AT_ONCE: usize = 3;

fn upload(packd: &Packd, bytes: Vec<u8>) -> Answer {
    let target = format!("{}?wait=60", path::UPLOAD);
    packd.ask(&Request::new("POST", &target).body("application/octet-stream", bytes))
}

/// A daemon with one good pack.
fn with_a_pack(settings: &Settings) -> Packd {
    let packd = Packd::start(settings);
    let good = PackTree::new("slack", "2.1.0").archive(Format::TarGz);
    let job: JobView = upload(&packd, good.bytes).json();
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    packd
}

/// Everything in the state folder but what the database consists of, and the downloads that were kept: an archive
/// that could be unpacked stays there, whatever its `pack.yaml` says.
fn state(packd: &Packd) -> Vec<String> {
    let mut tree = Tree::of(&packd.state_dir());
    let kept = ["packd.db", "cache/archives/"];
    tree.0
        .retain(|path, _| !kept.iter().any(|kept| path.starts_with(kept)));
    tree.0.into_keys().collect()
}

/// The most memory that a process had so far, in bytes.
fn most_memory(process: u32) -> u64 {
    let status = fs_err::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}

/// What is wrong with a refusal, if anything is.
fn complaint(case: &Case, problem: &Problem) -> Option<String> {
    let hint = problem.hint.as_deref().unwrap_or_default();
    let said = format!("{} {} {hint}", problem.detail, problem.causes.join(" "));
    let is_right = problem.kind == case.kind
        && said.contains(&case.names)
        && problem.hint.is_some()
        && !problem.retryable;
    (!is_right).then(|| format!("{} ({}): {problem:?}", case.id, case.what))
}

#[test]
fn every_hostile_upload_is_refused_for_what_it_is_and_leaves_nothing() {
    let entries = hostile::limits_of_bombs().entries;
    let packd = with_a_pack(&Settings::new().set("limits.pack_entries", entries));
    let (before, process) = (state(&packd), packd.pid());
    let memory = most_memory(process);
    let cases = [hostile::small_cases(), hostile::bombs()].concat();

    let mut complaints = Vec::new();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..AT_ONCE)
            .map(|sender| {
                let (packd, cases) = (&packd, &cases);
                scope.spawn(move || {
                    let own = cases.iter().enumerate().skip(sender).step_by(AT_ONCE);
                    own.filter_map(|(number, case)| {
                        let bytes = case.bytes.form(number);
                        complaint(case, &upload(packd, bytes).failure())
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        for sender in senders {
            complaints.extend(sender.join().unwrap());
        }
    });

    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(packd.pid(), process);
    assert_eq!(state(&packd), before);
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    packd.staging_is_empty();
    let taken = most_memory(process) - memory;
    assert!(taken <= MEMORY, "{} MiB were taken", taken >> 20);
    let next = PackTree::new("teams", "1.0.0").archive(Format::Zip);
    let job: JobView = upload(&packd, next.bytes).json();
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
}

#[test]
fn hostile_downloads_are_refused_as_uploads_are() {
    let mut site = Site::serving([]);
    let packs = site.root().join("packs");
    let cases: Vec<Case> = hostile::small_cases().into_iter().step_by(12).collect();
    for (number, case) in cases.iter().enumerate() {
        fs_err::write(packs.join(&case.id), case.bytes.form(number)).unwrap();
    }
    // another pack, and another version, than the index says
    for (offered, comes) in [
        (
            PackTree::new("jira", "2.2.0"),
            PackTree::new("teams", "2.2.0"),
        ),
        (
            PackTree::new("zoom", "2.2.0"),
            PackTree::new("zoom", "2.2.1"),
        ),
    ] {
        let archive = comes.archive(Format::TarGz);
        site.offer_with_checksum(&offered, &archive.sha256());
        let name = offered.archive(Format::TarGz).name;
        fs_err::write(packs.join(name), &archive.bytes).unwrap();
    }
    let packd = with_a_pack(&Settings::for_site(&site));
    let before = state(&packd);
    let install = |request: &serde_json::Value| {
        let target = format!("{}?wait=60", path::INSTALL);
        packd.post(&target, request).failure()
    };

    let complaints: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let source = site.url(&format!("packs/{}", case.id));
            complaint(case, &install(&json!({"source": source})))
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert_eq!(state(&packd), before);
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    let downloads = fs_err::read_dir(packd.state_dir().join("cache/archives")).unwrap();
    let beginnings: Vec<_> = downloads
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().ends_with(".part"))
        .collect();
    assert!(beginnings.is_empty(), "{beginnings:?}");

    for source in ["jira@2.2.0", "zoom@2.2.0"] {
        let problem = install(&json!({"source": source}));
        assert_eq!(problem.kind, ErrorKind::ContentMismatch, "{problem:#?}");
    }
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    packd.staging_is_empty();
}
