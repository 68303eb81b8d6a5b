//! What is watched: registries of this host, folders of packs, and the files of the configuration.

use std::path::{Path, PathBuf};

use packd_tests::{Format, PATIENCE, PackTree, Packd, Settings, Site, support::watch};
use packd_wire::{
    ErrorKind, EventKind, RegistryList, RegistryState, RegistryView, SearchList, StatusView, path,
};
use serde_json::json;

fn registry(packd: &Packd, name: &str) -> Option<RegistryView> {
    let list: RegistryList = packd.get(path::REGISTRIES).expect(200).json();
    list.registries
        .into_iter()
        .find(|registry| registry.name == name)
}

/// What a search for everything finds, without asking for anything to be read again.
fn offered(packd: &Packd) -> Vec<String> {
    let found: SearchList = packd.get("/v1/search?q=").expect(200).json();
    let mut offered: Vec<_> = found
        .packs
        .iter()
        .map(|hit| format!("{} {}", hit.pack_ref, hit.version))
        .collect();
    offered.sort();
    offered
}

/// Does something, and waits until the index of a registry was taken over because of it, as often as it takes.
fn until_refreshed(packd: &Packd, act: impl FnOnce(), is_there: impl Fn() -> bool) {
    let mut events = packd.events("");
    act();
    while !is_there() {
        events.until(|event| event.kind == EventKind::RegistryRefreshed);
    }
}

/// A folder of packs, and a daemon whose registry it is.
fn shelf() -> (tempfile::TempDir, PathBuf, Packd) {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    fs_err::create_dir(&packs).unwrap();
    PackTree::new("slack", "1.0.0").write_to(&packs.join("slack"));
    let url = format!("dir:{}", packs.display());
    let packd = Packd::start(&Settings::new().registry("shelf", &url, &json!({})));
    packd.ctl(["registry", "refresh"]).success();
    (folder, packs, packd)
}

#[test]
fn a_folder_of_packs_is_a_registry() {
    let (_folder, packs, packd) = shelf();
    PackTree::new("jira", "2.0.0")
        .archive(Format::TarGz)
        .write_to(&packs);
    PackTree::new("jira", "1.0.0")
        .archive(Format::Zip)
        .write_to(&packs);
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
    let job = packd.ctl(["-j", "install", "jira@1.0.0"]).success().job();
    assert_eq!(job.warnings, Vec::<String>::new());
    assert_eq!(packd.active(), ["jira 1.0.0", "slack 1.0.0"]);
    packd.ctl(["install", "jira@2"]).success();
    packd.ctl(["show", "slack"]).success().says("dir:");
    packd.ctl(["verify"]).success();
    assert_eq!(
        packd.staging(),
        Vec::<String>::new(),
        "nothing is left behind"
    );
    assert!(
        packs.join("slack/pack.yaml").exists(),
        "the folder is read, and nothing of it taken"
    );
}

#[test]
fn a_pack_that_comes_into_the_folder_is_offered_without_a_refresh() {
    let (_folder, packs, packd) = shelf();
    let archive = PackTree::new("jira", "1.0.0").archive(Format::TarGz);
    until_refreshed(
        &packd,
        || archive.write_to(&packs),
        || offered(&packd) == ["jira 1.0.0", "slack 1.0.0"],
    );
    until_refreshed(
        &packd,
        || {
            // as a copy does it: elsewhere first, then with one rename
            let beside = packs.join(".coming");
            PackTree::new("slack", "1.1.0").write_to(&beside);
            fs_err::rename(packs.join("slack"), packs.join(".going")).unwrap();
            fs_err::rename(&beside, packs.join("slack")).unwrap();
        },
        || offered(&packd) == ["jira 1.0.0", "slack 1.1.0"],
    );
    until_refreshed(
        &packd,
        || fs_err::remove_dir_all(packs.join("slack")).unwrap(),
        || offered(&packd) == ["jira 1.0.0"],
    );
}

#[test]
fn what_is_no_pack_is_told_and_takes_nothing_with_it() {
    let (_folder, packs, packd) = shelf();
    let evil = PackTree::new("evil", "1.0.0").link("secret", "/etc/passwd");
    until_refreshed(
        &packd,
        || {
            evil.write_to(&packs.join("evil"));
            fs_err::write(packs.join("broken.tgz"), "no archive").unwrap();
            PackTree::new("jira", "1.0.0").write_to(&packs.join("jira"));
        },
        || offered(&packd) == ["jira 1.0.0", "slack 1.0.0"],
    );
    packd.ctl(["registry", "refresh"]).success();
    let problems = registry(&packd, "shelf").unwrap().problems;
    for (name, why) in [("evil", "secret"), ("broken.tgz", "unpack")] {
        let found = problems
            .iter()
            .any(|problem| problem.contains(&format!("`{name}`")) && problem.contains(why));
        assert!(found, "`{name}` is told: {problems:#?}");
    }
    packd.ctl(["install", "evil"]).failure(3);
    packd.ctl(["install", "jira"]).success();
}

#[test]
fn a_folder_that_goes_and_comes_again_is_a_registry_again() {
    let (_folder, packs, packd) = shelf();
    let mut events = packd.events("");
    fs_err::remove_dir_all(&packs).unwrap();
    events.until(|event| event.kind == EventKind::RegistryFailed);
    let health = registry(&packd, "shelf").unwrap().health;
    assert_eq!(health.state, RegistryState::Stale, "{health:#?}");
    assert!(health.next_refresh.is_some() && health.consecutive_failures > 0);
    packd.ctl(["install", "slack"]).failure(1);

    until_refreshed(
        &packd,
        || PackTree::new("jira", "1.0.0").write_to(&packs.join("jira")),
        || offered(&packd) == ["jira 1.0.0"],
    );
    packd.ctl(["install", "jira"]).success();
}

#[test]
fn an_index_in_a_file_that_is_replaced_is_read_again() {
    let folder = packd_tests::support::site::folder_with([&PackTree::new("slack", "1.0.0")]);
    let other = packd_tests::support::site::folder_with([&PackTree::new("jira", "1.0.0")]);
    let url = format!("file://{}/index.json", folder.path().display());
    let packd = Packd::start(&Settings::new().registry("files", &url, &json!({})));
    packd.ctl(["registry", "refresh"]).success();
    assert_eq!(offered(&packd), ["slack 1.0.0"]);
    let index = |folder: &Path| folder.join("index.json");
    until_refreshed(
        &packd,
        || {
            let beside = folder.path().join(".index.json.new");
            fs_err::copy(index(other.path()), &beside).unwrap();
            fs_err::rename(beside, index(folder.path())).unwrap();
        },
        || offered(&packd) == ["jira 1.0.0"],
    );
}

#[test]
fn a_drop_in_is_in_force_as_soon_as_it_is_written_and_a_wrong_one_is_told() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::new());
    let drop_ins = packd.config_file().with_file_name("conf.d");
    let log = packd.config_file().parent().unwrap().to_owned();
    let problems = || -> Vec<String> {
        let status: StatusView = packd.get(path::STATUS).expect(200).json();
        status.problems
    };

    // the folder was not there when packd was started
    fs_err::create_dir(&drop_ins).unwrap();
    let text = Settings::for_site(&site).text();
    fs_err::write(drop_ins.join("10-site.yaml"), &text).unwrap();
    let is_there = watch::until(&log, PATIENCE, || registry(&packd, "demo").is_some());
    assert!(is_there, "the registry is there:\n{}", packd.log());
    packd.ctl(["install", "slack"]).success();

    fs_err::write(drop_ins.join("20-wrong.yaml"), "queue: {wrokers: 7}\n").unwrap();
    let is_told = watch::until(&log, PATIENCE, || {
        problems().iter().any(|problem| problem.contains("wrokers"))
    });
    assert!(is_told, "status says so: {:#?}", problems());
    assert!(packd.log().contains("20-wrong.yaml"), "and so does the log");
    assert!(
        registry(&packd, "demo").is_some(),
        "the old one stays in force"
    );

    fs_err::remove_file(drop_ins.join("20-wrong.yaml")).unwrap();
    let is_over = watch::until(&log, PATIENCE, || problems().is_empty());
    assert!(is_over, "that is over: {:#?}", problems());

    fs_err::remove_file(drop_ins.join("10-site.yaml")).unwrap();
    let is_gone = watch::until(&log, PATIENCE, || registry(&packd, "demo").is_none());
    assert!(is_gone, "what is not configured any more is gone");
}

#[test]
fn a_registry_that_was_away_is_asked_again_on_a_signal() {
    let mut site = Site::serving([&PackTree::new("slack", "2.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["registry", "refresh"]).success();
    site.stop();
    packd.ctl(["registry", "refresh"]).failure(6);
    let health = registry(&packd, "demo").unwrap().health;
    assert_eq!(health.error_kind, Some(ErrorKind::RegistryUnreachable));
    assert_eq!(health.consecutive_failures, 1);
    let metrics = packd.get(path::METRICS).expect(200).text();
    for line in [
        "packd_registry_up{registry=\"demo\"} 0",
        "packd_registry_error{registry=\"demo\",kind=\"registry_unreachable\"} 1",
        "packd_registry_unverified{registry=\"demo\"} 0",
    ] {
        assert!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }

    site.offer(&PackTree::new("slack", "2.1.0"));
    site.resume();
    until_refreshed(
        &packd,
        || packd.signal(rustix::process::Signal::USR1),
        || offered(&packd) == ["slack 2.1.0"],
    );
    let health = registry(&packd, "demo").unwrap().health;
    assert_eq!(
        (health.state, health.consecutive_failures),
        (RegistryState::Ok, 0)
    );
    let found: SearchList = packd.get("/v1/search?q=slack").expect(200).json();
    assert_eq!(found.registries[0].health.state, RegistryState::Ok);
}

/// Nobody asks for it, and nobody waits for the half minute until it is tried again: that is brought forward while packd does
/// not run.
#[test]
fn a_registry_that_was_away_is_asked_again_by_itself_when_its_time_has_come() {
    let mut site = Site::serving([&PackTree::new("slack", "2.0.0")]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["registry", "refresh"]).success();
    site.stop();
    for (failures, pause) in [(1, 30), (2, 60), (3, 120)] {
        let before = jiff::Timestamp::now();
        packd.ctl(["registry", "refresh"]).failure(6);
        let health = registry(&packd, "demo").unwrap().health;
        assert_eq!(health.consecutive_failures, failures);
        let next: jiff::Timestamp = health.next_refresh.unwrap().parse().unwrap();
        let least = jiff::SignedDuration::from_secs(pause) - jiff::SignedDuration::from_millis(1);
        assert!(next.duration_since(before) >= least, "{before} {next}");
    }
    packd
        .ctl(["registry", "show", "demo"])
        .success()
        .says("next read");

    packd.terminate();
    let database = rusqlite::Connection::open(packd.state_dir().join("packd.db")).unwrap();
    database
        .execute(
            "UPDATE registry_index SET next_refresh = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
            [],
        )
        .unwrap();
    database.close().unwrap();
    site.offer(&PackTree::new("slack", "2.1.0"));
    site.resume();
    packd.begin();
    until_refreshed(&packd, || {}, || offered(&packd) == ["slack 2.1.0"]);
    let health = registry(&packd, "demo").unwrap().health;
    assert_eq!(
        (health.state, health.consecutive_failures),
        (RegistryState::Ok, 0)
    );
}

/// How often the threads of a process went to sleep of their own accord: each wake-up is followed by that.
fn sleeps(pid: u32) -> Vec<(String, String)> {
    let tasks = fs_err::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut found: Vec<_> = tasks
        .filter_map(|task| {
            let task = task.ok()?.path();
            // a thread may end in between
            let status = fs_err::read_to_string(task.join("status")).ok()?;
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"))?;
            Some((task.display().to_string(), line.to_owned()))
        })
        .collect();
    found.sort();
    found
}

/// With nothing to do, packd does nothing: for as long as this looks, no thread of it wakes up.
#[test]
fn with_ten_registries_and_nothing_due_nothing_wakes_up() {
    const LOOK: std::time::Duration = std::time::Duration::from_secs(3);
    let site = Site::serving([&PackTree::new("slack", "2.0.0")]);
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    fs_err::create_dir(&packs).unwrap();
    PackTree::new("teams", "1.0.0").write_to(&packs.join("teams"));
    let mut settings = Settings::for_site(&site).registry(
        "shelf",
        &format!("dir:{}", packs.display()),
        &json!({}),
    );
    for number in 0..8 {
        let name = format!("more-{number}");
        settings = settings.registry(&name, &site.url("index.json"), &json!({}));
    }
    let packd = Packd::start(&settings.set("updates.mode", "auto"));
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
    // threads of the work that was done end after a while without any
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let before = sleeps(packd.pid());
        std::thread::park_timeout(LOOK);
        let after = sleeps(packd.pid());
        if before == after {
            break;
        }
        assert!(
            std::time::Instant::now() < end,
            "{before:#?}\n{after:#?}\n{}",
            packd.log()
        );
    }
}

#[test]
fn nothing_is_verified_is_said_wherever_one_looks() {
    let site = Site::serving([&PackTree::new("slack", "2.0.0")]);
    let loose = json!({"trust": "unverified"});
    let settings = Settings::new()
        .registry("loose", &site.url("index.json"), &loose)
        .set("net.ca_file", site.authority().to_str());
    let packd = Packd::start(&settings);
    for verb in [
        &["registry", "list"][..],
        &["registry", "show", "loose"],
        &["search", "slack"],
        &["status"],
    ] {
        packd
            .ctl(verb)
            .says("registry `loose`: nothing that comes from it is verified");
    }
}
