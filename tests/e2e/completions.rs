//! Words that shells complete, asked of the shells themselves.

use std::path::PathBuf;
use std::process::Command;

use packd_tests::support::process::Ran;
use packd_tests::support::programs;
use packd_tests::{PackTree, Packd, Settings, Site};

/// A folder in which the program has its name.
fn bin(folder: &tempfile::TempDir) -> PathBuf {
    let bin = folder.path().to_owned();
    fs_err::os::unix::fs::symlink(programs::packctl(), bin.join("packctl")).unwrap();
    bin
}

/// What a shell says to a script of its own, with the program in its `PATH` and its socket known.
fn said(shell: &[&str], script: &str, socket: &std::path::Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin(&folder).display());
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(script)
        .env("PATH", path)
        .env("HOME", folder.path())
        .env("PACKD_SOCKET", socket);
    let ran = Ran::of(&mut command);
    ran.success();
    assert_eq!(ran.stderr(), "", "nothing is said while somebody types");
    ran.stdout().lines().map(ToOwned::to_owned).collect()
}

/// What bash offers for the last of these words.
fn bash(words: &[&str], socket: &std::path::Path) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source <(packctl completions bash); COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; \
         complete -p packctl >/dev/null; _clap_complete_packctl packctl '{}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1,
        words[words.len() - 1],
    );
    said(&["bash", "--norc", "-c"], &script, socket)
}

fn fish(line: &str, socket: &std::path::Path) -> Vec<String> {
    let script = format!("packctl completions fish | source; complete -C '{line}'");
    let offered = said(&["fish", "--no-config", "-c"], &script, socket).into_iter();
    // what it is stands behind a tabulator
    offered
        .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
        .collect()
}

/// What zsh is told to offer; what `_describe` makes of it on the screen is zsh's.
fn zsh(words: &[&str], socket: &std::path::Path) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "compdef() {{ :; }}; _describe() {{ print -l -- ${{(P)${{@[3]}}}}; }}; eval \"$(packctl completions zsh)\"; \
         words=({}); CURRENT={}; _clap_dynamic_completer_packctl",
        quoted.join(" "),
        words.len(),
    );
    let offered = said(&["zsh", "-f", "-c"], &script, socket).into_iter();
    offered
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

fn scene() -> (Site, Packd) {
    let packs = ["slack", "slash", "teams"].map(|name| PackTree::new(name, "1.0.0"));
    let site = Site::serving(&packs);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "teams"]).success();
    (site, packd)
}

#[test]
fn bash_completes_names_from_the_running_packd() {
    let (_site, packd) = scene();
    let socket = packd.socket();
    assert_eq!(
        bash(&["packctl", "show", ""], &socket)[..2],
        ["slack", "teams"]
    );
    assert_eq!(bash(&["packctl", "show", "te"], &socket), ["teams"]);
    assert_eq!(
        bash(&["packctl", "registry", "refresh", "de"], &socket),
        ["demo"]
    );
    let jobs = bash(&["packctl", "job", "show", ""], &socket);
    assert!(
        jobs.starts_with(&["2".to_owned(), "1".to_owned()]),
        "the newest first: {jobs:?}"
    );
    let offered = bash(&["packctl", "install", "sla"], &socket);
    assert_eq!(offered, ["slack", "slash"], "what registries offer");
    assert!(bash(&["packctl", "st"], &socket).contains(&"status".to_owned()));
    let elsewhere = bash(
        &["packctl", "--socket", socket.to_str().unwrap(), "show", "s"],
        std::path::Path::new("/nowhere/packd.sock"),
    );
    assert_eq!(elsewhere, ["slack"], "the socket that was typed counts");
}

#[test]
fn without_a_daemon_there_are_no_names_and_nothing_is_said() {
    let nowhere = std::path::Path::new("/nowhere/packd.sock");
    let offered = bash(&["packctl", "show", "s"], nowhere);
    assert!(offered.iter().all(String::is_empty), "{offered:?}");
    let flags = bash(&["packctl", "show", "--j"], nowhere);
    assert_eq!(
        flags,
        ["--json"],
        "what needs no daemon is offered all the same"
    );
}

#[test]
fn fish_completes_names_from_the_running_packd() {
    let (_site, packd) = scene();
    assert_eq!(fish("packctl show sl", &packd.socket()), ["slack"]);
    assert_eq!(fish("packctl registry show d", &packd.socket()), ["demo"]);
    assert_eq!(fish("packctl job watch 1", &packd.socket()), ["1"]);
}

#[test]
fn zsh_completes_names_from_the_running_packd() {
    let (_site, packd) = scene();
    assert_eq!(zsh(&["packctl", "show", "sl"], &packd.socket()), ["slack"]);
    assert_eq!(
        zsh(&["packctl", "registry", "show", "d"], &packd.socket()),
        ["demo"]
    );
}
