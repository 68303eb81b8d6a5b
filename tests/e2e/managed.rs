//! The page about configuration management: what it shows is run, as it stands there.

use std::{os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use fs_err::os::unix::fs::symlink;
use packd_tests::{
    PackTree, Packd, Ran, Settings, Site,
    support::{page::Page, programs},
};
use packd_wire::{StatusView, path};
use serde_json::Value;
use tempfile::TempDir;

const PAGE: &str = "configuration-management.md";

/// The registry that the page speaks of.
fn acme() -> Site {
    Site::serving([
        &PackTree::new("slack", "2.1.0"),
        &PackTree::new("jira", "1.2.3"),
        &PackTree::new("teams", "2.0.0"),
    ])
}

/// A host of the page: a daemon, and a folder for what lies elsewhere on a real one.
struct Host<'a> {
    site: &'a Site,
    packd: Packd,
    folder: TempDir,
    /// Where `packctl` is.
    bin: PathBuf,
}

impl<'a> Host<'a> {
    fn new(site: &'a Site) -> Self {
        let settings = Settings::new().set("net.ca_file", site.authority().to_str());
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs_err::create_dir(&bin).unwrap();
        symlink(programs::packctl(), bin.join("packctl")).unwrap();
        let host = Self {
            site,
            packd: Packd::start(&settings),
            folder,
            bin,
        };
        let file = host.here(&Page::read(PAGE).block("file").text);
        host.write(&file);
        host
    }

    fn write(&self, file: &str) {
        fs_err::write(self.folder.path().join("packs.yaml"), file).unwrap();
    }

    /// A text of the page with the places of this host.
    fn here(&self, text: &str) -> String {
        let file = self.folder.path().join("packs.yaml");
        text.replace(
            "https://packs.acme.example/index.json",
            &self.site.url("index.json"),
        )
        .replace(
            "/run/packd/packd.sock",
            self.packd.socket().to_str().unwrap(),
        )
        .replace("/etc/packd/packs.yaml", file.to_str().unwrap())
    }

    fn sh(&self, text: &str) -> Ran {
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", &self.here(text)])
            .env("PATH", format!("{}:/usr/bin:/bin", self.bin.display()))
            .env("PACKD_SOCKET", self.packd.socket())
            .current_dir(self.folder.path());
        Ran::of(&mut command)
    }
}

#[test]
fn the_commands_of_the_page_do_what_it_says() {
    let site = acme();
    let page = Page::read(PAGE);
    let host = Host::new(&site);
    let ran = host.sh(&page.block("packctl").text);
    ran.success();
    ran.says("+registry acme ").says("+teams >=1, <3 (acme)");
    assert_eq!(ran.stdout().lines().last(), Some("false"));
    let all = ["jira 1.2.3", "slack 2.1.0", "teams 2.0.0"];
    assert_eq!(host.packd.active(), all);

    let other = Host::new(&site);
    host.sh(&page.block("export").text).success();
    let file = fs_err::read_to_string(host.folder.path().join("packs.yaml")).unwrap();
    other.write(&file);
    other
        .sh("packctl apply -f /etc/packd/packs.yaml --prune")
        .success();
    assert_eq!(other.packd.active(), all);
}

#[test]
fn the_requests_of_the_page_do_what_it_says() {
    let site = acme();
    let host = Host::new(&site);
    let ran = host.sh(&Page::read(PAGE).block("curl").text);
    ran.success();
    let mut answers = serde_json::Deserializer::from_str(ran.stdout()).into_iter::<Value>();
    let mut next = || answers.next().unwrap().unwrap();
    assert_eq!(next(), Value::Bool(true), "the registry is new");
    assert_eq!(next()["changed"], true);
    let plan = next();
    assert_eq!(plan["changed"], true, "{plan}");
    assert_eq!(host.packd.active(), ["slack 2.1.0"]);
}

/// A host whose other tools are run for real: what they write stays in its folder.
struct Tools<'a> {
    host: Host<'a>,
}

impl<'a> Tools<'a> {
    fn new(site: &'a Site) -> Self {
        Self {
            host: Host::new(site),
        }
    }

    /// A folder for what a tool keeps.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.host.folder.path().join(name);
        fs_err::create_dir_all(&folder).unwrap();
        folder
    }

    /// The place from which the tools bring the file, and where it is not yet.
    fn away(&self, folder: &str) -> PathBuf {
        let file = self.host.folder.path().join("packs.yaml");
        let away = self.folder(folder).join("packs.yaml");
        fs_err::rename(file, &away).unwrap();
        away
    }

    /// Runs a tool as the page has it run.
    fn run(&self, program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Ran {
        let mut command = Command::new(program);
        command
            .args(words)
            .env("HOME", self.folder("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("PACKD_SOCKET", self.host.packd.socket())
            .env(
                "PATH",
                format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.host.bin.display()),
            )
            .current_dir(self.host.folder.path());
        Ran::of(&mut command)
    }

    /// How many generations there were.
    fn generation(&self) -> Option<i64> {
        let status: StatusView = self.host.packd.get(path::STATUS).expect(200).json();
        status.generation
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration but the environment"
)]
fn salt_call() -> std::ffi::OsString {
    std::env::var_os("PACKD_TEST_SALT").unwrap_or_else(|| "salt-call".into())
}

#[test]
fn salt_makes_it_so_once() {
    let site = acme();
    let tools = Tools::new(&site);
    let states = tools.folder("states");
    tools.away("states/packd");
    let text = tools.host.here(&Page::read(PAGE).block("salt").text);
    fs_err::write(states.join("packs.sls"), text).unwrap();
    let config = tools.folder("salt");
    let root = config.display();
    fs_err::write(
        config.join("minion"),
        format!(
            "file_client: local\nroot_dir: {root}\npki_dir: {root}/pki\ncachedir: {root}/cache\nlog_file: {root}/log\n\
             extension_modules: {root}/extmods\nsock_dir: {root}/sock\nid: here\nfile_roots: {{base: ['{}']}}\n",
            states.display()
        ),
    )
    .unwrap();
    let salt = salt_call();
    let apply = || -> Vec<bool> {
        let words = [
            "--local",
            "--config-dir",
            config.to_str().unwrap(),
            "--out",
            "json",
            "--log-level",
            "error",
            "state.apply",
            "packs",
        ];
        let ran = tools.run(&salt, &words);
        let document: Value = serde_json::from_str(ran.success().stdout()).unwrap();
        let states = document["local"].as_object().unwrap().values();
        states
            .map(|state| {
                assert_eq!(state["result"], true, "{state:#}");
                state["changes"]
                    .as_object()
                    .is_some_and(|all| !all.is_empty())
            })
            .collect()
    };
    assert_eq!(apply(), [true, true], "the file, and the packs");
    assert_eq!(tools.host.packd.active().len(), 3);
    let generation = tools.generation();
    assert_eq!(apply(), [false, false], "nothing, the second time");
    assert_eq!(tools.generation(), generation);
}

#[test]
fn puppet_makes_it_so_once() {
    let site = acme();
    let tools = Tools::new(&site);
    let modules = tools.folder("modules");
    tools.away("modules/packd/files");
    let text = tools.host.here(&Page::read(PAGE).block("puppet").text);
    // on a real host packctl is where everything is
    let bin = format!("['{}', ", tools.host.bin.display());
    let text = text.replace("path     => [", &format!("path     => {bin}"));
    let manifest = tools.folder("puppet").join("packs.pp");
    fs_err::write(&manifest, text).unwrap();
    let kept = tools.folder("puppet/kept");
    let kept = kept.to_str().unwrap();
    let apply = || {
        let words = [
            "apply",
            "--detailed-exitcodes",
            "--modulepath",
            modules.to_str().unwrap(),
            "--vardir",
            kept,
            "--confdir",
            kept,
            "--rundir",
            kept,
            "--logdir",
            kept,
            manifest.to_str().unwrap(),
        ];
        tools.run("puppet", &words)
    };
    // two: there were changes, and none failed
    apply().failure(2);
    assert_eq!(tools.host.packd.active().len(), 3);
    let generation = tools.generation();
    apply().success();
    assert_eq!(tools.generation(), generation);
}

#[test]
fn cloud_init_makes_it_so_at_first_boot() {
    let site = acme();
    let tools = Tools::new(&site);
    let data = tools.folder("cloud").join("user-data");
    let text = tools.host.here(&Page::read(PAGE).block("cloud-init").text);
    // no data source is looked for
    fs_err::write(&data, format!("{text}datasource_list: [None]\n")).unwrap();
    let data = data.to_str().unwrap();
    let checked = tools.run("cloud-init", &["schema", "--config-file", data]);
    checked.success();

    // no service manager is told anything: what it would be told is looked at
    let told = tools.host.folder.path().join("systemctl.log");
    let systemctl = tools.host.bin.join("systemctl");
    fs_err::write(
        &systemctl,
        format!("#!/bin/sh\necho \"$@\" >>'{}'\n", told.display()),
    )
    .unwrap();
    fs_err::set_permissions(&systemctl, std::fs::Permissions::from_mode(0o755)).unwrap();
    // what it does at the first boot, without a data source, and without a trace on this machine
    let boot = tools.host.folder.path().join("boot.sh");
    fs_err::write(
        &boot,
        format!(
            "mkdir -p /var/lib/cloud\n\
             mount -t tmpfs none /var/lib/cloud\n\
             for module in write_files runcmd; do\n\
             cloud-init --force --file '{data}' single --name $module --frequency always\n\
             done\n\
             for script in /var/lib/cloud/instances/*/scripts/*; do \"$script\"; done\n"
        ),
    )
    .unwrap();
    let boot = || {
        let words = ["--mount", "sh", "-eu", boot.to_str().unwrap()];
        tools.run("unshare", &words).success();
    };
    boot();
    assert_eq!(tools.host.packd.active(), ["slack 2.1.0"]);
    assert_eq!(
        fs_err::read_to_string(&told).unwrap(),
        "enable --now packd.socket\n"
    );
    let generation = tools.generation();
    boot();
    assert_eq!(tools.generation(), generation);
}
