//! The page about configuration management: what it shows is run, as it stands there.

use std::{path::PathBuf, process::Command};

use fs_err::os::unix::fs::symlink;
use packd_tests::{
    PackTree, Packd, Ran, Settings, Site,
    support::{page::Page, programs},
};
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

#[test]
fn other_tools_are_told_commands_that_run_once() {
    let site = acme();
    let page = Page::read(PAGE);
    let salt: serde_json::Value = serde_yaml::from_str(&page.block("salt").text).unwrap();
    let of_salt = |key: &str| {
        let all = salt["packs"]["cmd.run"].as_array().unwrap();
        let one = all.iter().find_map(|one| one.get(key));
        one.unwrap().as_str().unwrap().to_owned()
    };
    let puppet = &page.block("puppet").text;
    let of_puppet = |key: &str| {
        let line = puppet
            .lines()
            .find(|line| line.trim().starts_with(key))
            .unwrap();
        let (_, rest) = line.split_once("=> '").unwrap();
        rest.trim_end_matches("',").replace("\\'", "'")
    };
    for (tool, unless, command) in [
        ("salt", of_salt("unless"), of_salt("name")),
        ("puppet", of_puppet("unless"), of_puppet("command")),
    ] {
        let host = Host::new(&site);
        let is_done = || host.sh(&unless).code() == Some(0);
        assert!(!is_done(), "{tool}: nothing is there yet");
        host.sh(&command).success();
        assert!(is_done(), "{tool}: nothing is to be done any more");
        assert_eq!(host.packd.active().len(), 3, "{tool}");
    }

    let host = Host::new(&site);
    let init: serde_json::Value = serde_yaml::from_str(&page.block("cloud-init").text).unwrap();
    let file = init["write_files"][0]["content"].as_str().unwrap();
    host.write(&host.here(file));
    let commands = init["runcmd"].as_array().unwrap();
    let ours = commands.iter().filter_map(Value::as_str);
    for command in ours.filter(|command| command.starts_with("packctl")) {
        host.sh(command).success();
    }
    assert_eq!(host.packd.active(), ["slack 2.1.0"]);
}
