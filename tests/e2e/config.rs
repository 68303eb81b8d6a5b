//! The configuration: checked, explained, reloaded.

use std::process::Command;

use packd_tests::{PATIENCE, PackTree, Packd, Ran, Request, Settings, Site, support::watch};
use packd_wire::{ErrorKind, RegistryList, ReloadView, StatusView, path};
use serde_json::json;

fn check(packd: &Packd) -> Ran {
    let mut line = packd.command_line();
    line.push("--check-config".into());
    Ran::of(&mut packd.bare(&line))
}

fn registries(packd: &Packd) -> Vec<String> {
    let list: RegistryList = packd.get(path::REGISTRIES).expect(200).json();
    list.registries
        .into_iter()
        .map(|registry| registry.name)
        .collect()
}

#[test]
fn a_good_configuration_is_shown_with_the_origin_of_each_value() {
    let packd = Packd::prepare(&Settings::new().set("queue.workers", 3));
    let drop_ins = packd.config_file().with_file_name("conf.d");
    fs_err::create_dir(&drop_ins).unwrap();
    fs_err::write(drop_ins.join("50-more.yaml"), "queue:\n  retries: 7\n").unwrap();
    let ran = check(&packd);
    ran.success();
    let origin = |key: &str| {
        let line = ran.stdout().lines().find(|line| line.contains(key));
        line.unwrap_or_else(|| panic!("no line for `{key}`: {ran:#?}"))
            .to_owned()
    };
    assert!(origin("workers").contains("packd.yaml"), "{ran:#?}");
    assert!(origin("retries").contains("50-more.yaml"), "{ran:#?}");
    assert!(origin("history").contains("default"), "{ran:#?}");
}

#[test]
fn every_error_is_listed_with_file_line_and_key_and_the_nearest_name() {
    let packd = Packd::prepare(&Settings::new());
    packd.configure_text("queue:\n  wrokers: 2\nnet:\n  connect_timeout: 10 seconds\nacess: {}\n");
    let ran = check(&packd);
    assert_ne!(ran.code(), Some(0));
    let said = format!("{}{}", ran.stdout(), ran.stderr());
    for (line, word) in [(2, "workers"), (4, "connect_timeout"), (5, "access")] {
        let place = format!("packd.yaml:{line}");
        let found = said
            .lines()
            .any(|text| text.contains(&place) && text.contains(word));
        assert!(found, "nothing about `{word}` at {place}:\n{said}");
    }
}

#[test]
fn what_a_start_would_trip_over_is_found_by_the_check_too() {
    let packd = Packd::prepare(&Settings::new());
    packd.configure_text("queue: {}\nnet:\n  ca_file: /nowhere/ca.pem\n");
    let ran = check(&packd);
    assert_eq!(ran.code(), Some(1), "{ran:#?}");
    let said = ran.stdout();
    assert!(
        said.contains("packd.yaml:3")
            && said.contains("`net.ca_file`")
            && said.contains("/nowhere/ca.pem"),
        "{said}"
    );

    packd.configure_text(
        "registries:\n  - name: acme\n    url: https://packs.example.org/index.json\n    headers:\n      \
         X-Key: '${env:PACKD_TEST_NOPE}'\n      X-Other: 'secret ${file:/nowhere/token}'\n",
    );
    let ran = check(&packd);
    ran.success();
    let warnings: Vec<_> = ran
        .stdout()
        .lines()
        .filter(|line| line.contains("warning: "))
        .collect();
    assert_eq!(warnings.len(), 2, "{ran:#?}");
    assert!(
        warnings[0].contains("headers.X-Key")
            && warnings[0].contains("PACKD_TEST_NOPE")
            && warnings[1].contains("headers.X-Other")
            && warnings[1].contains("/nowhere/token"),
        "each is named: {warnings:#?}"
    );
    assert!(
        !ran.stdout().contains("'secret"),
        "and no secret printed: {ran:#?}"
    );
}

#[test]
fn a_daemon_with_a_wrong_configuration_does_not_start() {
    let mut packd = Packd::prepare(&Settings::new());
    packd.configure_text("registries:\n  - nmae: x\n");
    let status = packd.begin_in_vain();
    assert!(!status.success());
    assert!(packd.log().contains("packd.yaml:2"), "{}", packd.log());
}

#[test]
fn a_reload_takes_what_is_new_and_says_what_changed() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    // otherwise it would be in force by itself, before or after
    let asked_only = |settings: Settings| settings.set("service.watch_configuration", false);
    let packd = Packd::start(&asked_only(Settings::new()));
    packd.configure(&asked_only(Settings::for_site(&site)));

    let answer = packd.ask(&Request::new("POST", path::RELOAD));

    let view: ReloadView = answer.expect(200).json();
    for key in ["registries.demo", "net.ca_file"] {
        assert!(
            view.changed.iter().any(|changed| changed == key),
            "{view:#?}"
        );
    }
    assert_eq!(registries(&packd), ["demo"]);
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn a_wrong_reload_is_refused_and_the_old_configuration_kept() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.configure_text("queue:\n  wrokers: 2\n");

    let answer = packd.ask(&Request::new("POST", path::RELOAD));

    let problem = answer.expect(422).problem();
    assert_eq!(problem.kind, ErrorKind::InvalidConfig);
    assert_eq!(problem.causes.len(), 1, "{problem:#?}");
    let cause = &problem.causes[0];
    assert!(
        cause.contains("packd.yaml:2") && cause.contains("workers"),
        "{problem:#?}"
    );
    assert!(
        !problem.detail.contains("workers"),
        "it is said once: {problem:#?}"
    );
    assert_eq!(registries(&packd), ["demo"]);
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn sighup_reloads_and_a_wrong_file_is_only_reported() {
    let registry = packd_tests::support::site::folder_with([&PackTree::new("slack", "1.0.0")]);
    let url = format!("file://{}/index.json", registry.path().display());
    let mut packd = Packd::start(&Settings::new());
    let log = packd.config_file().with_file_name("packd.log");
    let folder = log.parent().unwrap().to_owned();

    packd.configure_text("queue:\n  wrokers: 2\n");
    packd.signal(rustix::process::Signal::HUP);
    let reported = watch::until(&folder, PATIENCE, || packd.log().contains("wrokers"));
    assert!(
        reported,
        "the log says nothing of the wrong file:\n{}",
        packd.log()
    );
    let told = packd.notifies("STATUS=configuration not reloaded");
    assert!(told.contains("wrokers"), "systemd is told why: {told}");
    let problems = |packd: &Packd| -> Vec<String> {
        packd
            .get(path::STATUS)
            .expect(200)
            .json::<StatusView>()
            .problems
    };
    assert!(
        problems(&packd)
            .iter()
            .any(|problem| problem.contains("was refused") && problem.contains("wrokers")),
        "who looks later is told too: {:?}",
        problems(&packd)
    );
    assert_eq!(registries(&packd), Vec::<String>::new());

    packd.configure(&Settings::new().registry("local", &url, &json!({})));
    packd.signal(rustix::process::Signal::HUP);
    let reloaded = watch::until(&folder, PATIENCE, || registries(&packd) == ["local"]);
    assert!(reloaded, "the new registry is not there:\n{}", packd.log());
    assert_eq!(problems(&packd), Vec::<String>::new(), "that is over");
}

#[test]
fn the_environment_goes_before_the_file() {
    let mut packd = Packd::prepare(&Settings::new().set("queue.workers", 3));
    packd.with_environment("PACKD__QUEUE__WORKERS", "5");
    let mut command: Command = packd.bare(&packd.command_line());
    command
        .arg("--check-config")
        .env("PACKD__QUEUE__WORKERS", "5");
    let ran = Ran::of(&mut command);
    ran.success();
    let line = ran
        .stdout()
        .lines()
        .find(|line| line.contains("workers"))
        .unwrap();
    assert!(
        line.contains('5') && line.contains("PACKD__QUEUE__WORKERS"),
        "{line}"
    );
}

#[test]
fn a_pipe_and_a_path_that_no_socket_can_have_are_refused_and_not_waited_for() {
    let packd = Packd::prepare(&Settings::new());
    let drop_ins = packd.config_file().with_file_name("conf.d");
    fs_err::create_dir(&drop_ins).unwrap();
    let pipe = drop_ins.join("pipe.yaml");
    Ran::of(Command::new("mkfifo").arg(&pipe)).success();
    check(&packd)
        .failure(1)
        .says("pipe.yaml`: it is no regular file");
    fs_err::remove_file(&pipe).unwrap();

    let long = format!("/run/{}/packd.sock", "x".repeat(100));
    let mut line = packd.command_line();
    line.extend(["--check-config".into(), "--socket".into(), long.into()]);
    let at = line.iter().position(|word| word == "--socket").unwrap();
    line.drain(at..at + 2);
    Ran::of(&mut packd.bare(&line))
        .failure(1)
        .says("is too long for a socket: at most 107 bytes");
}
