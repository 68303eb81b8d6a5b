#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::source::git::url::Spelled;

fn url(text: &str) -> GitUrl {
    Spelled::parse(text).unwrap().url
}

fn line(text: &str) -> Vec<String> {
    line_to(text, None)
}

fn line_to(text: &str, at: Option<&str>) -> Vec<String> {
    let files = Files {
        key: Path::new("/etc/packd/ssh/the key"),
        known_hosts: Path::new("/etc/packd/ssh/50%"),
    };
    let at = at.map(|at| at.parse().unwrap());
    let command = command(&url(text), &files, at, Duration::from_secs(10));
    let arguments = command
        .get_args()
        .map(|one| one.to_str().unwrap().to_owned());
    arguments.collect()
}

#[test]
fn nothing_of_a_users_configuration_counts_and_nobody_is_asked() {
    let line = line("ssh://git@host.example:2222/srv/a.git");
    for wanted in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "ProxyCommand=none",
        "PermitLocalCommand=no",
        "GlobalKnownHostsFile=/dev/null",
        "UserKnownHostsFile=\"/etc/packd/ssh/50%%\"",
        "IdentityFile=\"/etc/packd/ssh/the key\"",
    ] {
        assert!(
            line.iter().any(|one| one == wanted),
            "{wanted} is missing: {line:?}"
        );
    }
    assert_eq!(line[..2], ["-F", "none"]);
    let end = line.iter().position(|one| one == "--").unwrap();
    assert_eq!(
        line[end - 4..],
        [
            "-p",
            "2222",
            "-l",
            "git",
            "--",
            "host.example",
            "git-upload-pack '/srv/a.git'"
        ]
    );
}

#[test]
fn an_address_that_was_judged_is_gone_to_and_the_key_is_that_of_the_name() {
    for (source, name) in [
        ("git@h.example:a", "h.example"),
        ("ssh://git@h.example:22/a", "h.example"),
        ("ssh://git@h.example:2222/a", "[h.example]:2222"),
    ] {
        let line = line_to(source, Some("203.0.113.7"));
        for wanted in ["HostName=203.0.113.7", &format!("HostKeyAlias={name}")] {
            assert!(line.iter().any(|one| one == wanted), "{wanted}: {line:?}");
        }
        assert!(line.iter().any(|one| one == "h.example"), "{line:?}");
    }
    assert!(
        !line("git@h.example:a")
            .iter()
            .any(|one| one.starts_with("Host"))
    );
}

#[test]
fn the_environment_is_not_the_daemons() {
    let files = Files {
        key: Path::new("/k"),
        known_hosts: Path::new("/h"),
    };
    let command = command(
        &url("git@h.example:a"),
        &files,
        None,
        Duration::from_secs(1),
    );
    let names: Vec<_> = command
        .get_envs()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(names, ["GIT_PROTOCOL", "LC_ALL", "PATH"]);
}

#[test]
fn the_path_is_one_word_for_the_shell_of_the_other_side() {
    for (source, word) in [
        ("git@h.example:a.git", "git-upload-pack 'a.git'"),
        ("git@h.example:it's.git", r"git-upload-pack 'it'\''s.git'"),
        ("git@h.example:$(id).git", "git-upload-pack '$(id).git'"),
        ("git@h.example:a!.git", r"git-upload-pack 'a'\!'.git'"),
        ("ssh://h.example/~me/a.git", "git-upload-pack '~me/a.git'"),
    ] {
        assert_eq!(line(source).last().unwrap(), word, "`{source}`");
    }
}

#[test]
fn what_ssh_says_is_understood() {
    let key = "debug1: Server host key: ssh-ed25519 SHA256:abc\r\n";
    for (said, expected) in [
        (
            "No ED25519 host key is known for h.example and you have requested strict checking.\r\nHost key verification failed.\r\n",
            "the key ssh-ed25519 SHA256:abc that `h.example` shows is not in /etc/known",
        ),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
            "the key ssh-ed25519 SHA256:abc that `h.example` shows is another one than /etc/known has for it: it may not be the host it says it is",
        ),
        (
            "git@h.example: Permission denied (publickey).\n",
            "`h.example` does not let packd in: git@h.example: Permission denied (publickey).",
        ),
        (
            "ssh: Could not resolve hostname h.example: Name or service not known\n",
            "cannot connect to `h.example`: ssh: Could not resolve hostname h.example: Name or service not known",
        ),
        (
            "fatal: '/srv/a.git' does not appear to be a git repository\n",
            "`git@h.example:a.git` cannot be fetched: '/srv/a.git' does not appear to be a git repository",
        ),
        (
            "remote: nothing \u{1b}[31mred\n",
            "`git@h.example:a.git` cannot be fetched: remote: nothing  [31mred",
        ),
    ] {
        let error = judge(
            &url("git@h.example:a.git"),
            Path::new("/etc/known"),
            &format!("{key}{said}debug1: Exit status 128\n"),
        );
        assert_eq!(error.unwrap().to_string(), expected, "{said}");
    }
    assert!(
        judge(&url("git@h.example:a.git"), Path::new("/k"), key).is_none(),
        "what only debugs says nothing"
    );
}

#[test]
fn an_unknown_host_is_answered_with_the_command_that_shows_its_key() {
    for (source, command) in [
        (
            "ssh://git@h.example:2222/a",
            "`ssh-keyscan -p 2222 h.example >> /k`",
        ),
        ("git@h.example:a", "`ssh-keyscan h.example >> /k`"),
        ("ssh://git@[::1]:2222/a", "`ssh-keyscan -p 2222 ::1 >> /k`"),
    ] {
        let error = judge(
            &url(source),
            Path::new("/k"),
            "Host key verification failed.",
        );
        let hint = error.unwrap().hint().unwrap();
        assert!(hint.ends_with(command), "`{source}`: {hint}");
    }
}
