#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

fn spelled(source: &str) -> Spelled {
    Spelled::parse(source).unwrap_or_else(|error| panic!("`{source}`: {error}"))
}

#[test]
fn each_spelling_has_one_form() {
    for (source, form) in [
        (
            "https://host.example/a/b.git",
            "https://host.example/a/b.git",
        ),
        (
            "https://HOST.example/a/b.git/",
            "https://host.example/a/b.git",
        ),
        ("HTTPS://host.example:443/a", "https://host.example/a"),
        ("https://host.example:8443/a", "https://host.example:8443/a"),
        ("http://host.example:80/a", "http://host.example/a"),
        ("http://host.example:443/a", "http://host.example:443/a"),
        ("git+https://host.example/a", "https://host.example/a"),
        (
            "https://host.example/a%20b.git",
            "https://host.example/a%20b.git",
        ),
        (
            "ssh://git@host.example/a.git",
            "ssh://git@host.example/a.git",
        ),
        (
            "ssh://git@host.example:22/a.git",
            "ssh://git@host.example/a.git",
        ),
        (
            "ssh://git@host.example:2222/a.git",
            "ssh://git@host.example:2222/a.git",
        ),
        (
            "git+ssh://git@host.example/a.git",
            "ssh://git@host.example/a.git",
        ),
        (
            "ssh://host.example/~me/a.git",
            "ssh://host.example/~me/a.git",
        ),
        ("ssh://git@[::1]:2222/a.git", "ssh://git@[::1]:2222/a.git"),
        ("git@host.example:org/a.git", "git@host.example:org/a.git"),
        ("git@[::1]:org/a.git", "git@[::1]:org/a.git"),
        (
            "deploy@server:path/to/pack.git",
            "deploy@server:path/to/pack.git",
        ),
        ("git@host.example:/srv/a.git", "git@host.example:/srv/a.git"),
        ("git://host.example/a.git", "git://host.example/a.git"),
        ("git://host.example:9418/a.git", "git://host.example/a.git"),
        ("file:///srv/git/a.git", "file:///srv/git/a.git"),
        ("github:org/repo", "https://github.com/org/repo.git"),
        ("github:org/repo.git", "https://github.com/org/repo.git"),
        (
            "gitlab:group/sub/repo",
            "https://gitlab.com/group/sub/repo.git",
        ),
    ] {
        assert_eq!(spelled(source).url.to_string(), form, "`{source}`");
        assert_eq!(
            spelled(form).url,
            spelled(source).url,
            "`{form}` is read as it is shown"
        );
    }
}

#[test]
fn what_follows_is_told_apart() {
    for (source, git_ref, path) in [
        ("github:org/repo@v1.2.0", Some("v1.2.0"), None),
        (
            "github:org/repo@feature/x#sub/dir",
            Some("feature/x"),
            Some("sub/dir"),
        ),
        ("https://h.example/a.git#sub/dir", None, Some("sub/dir")),
        ("https://h.example/a.git#a%20b", None, Some("a b")),
        ("https://h.example/a.git#", None, None),
        ("git@h.example:a.git#packs/x", None, Some("packs/x")),
        ("ssh://git@h.example/a@b.git", None, None),
        ("git+https://h.example/a.git@v1.2.0", Some("v1.2.0"), None),
        (
            "git@h.example:a.git@feature/x#sub",
            Some("feature/x"),
            Some("sub"),
        ),
        ("ssh://my.git@h.example/a", None, None),
    ] {
        let spelled = spelled(source);
        assert_eq!(spelled.git_ref.as_deref(), git_ref, "`{source}`");
        assert_eq!(spelled.path.as_deref(), path, "`{source}`");
    }
}

#[test]
fn what_is_no_place_of_a_repository_is_refused() {
    for (source, expected) in [
        ("ext::sh -c true", "Scheme"),
        ("ext::sh", "Scheme"),
        ("fd::17", "Scheme"),
        ("ftp://host.example/a.git", "Scheme"),
        ("git+ftp://host.example/a.git", "Scheme"),
        ("host.example:a.git", "Scheme"),
        ("https://user@host.example/a.git", "Credentials"),
        ("https://user:hunter2@host.example/a.git", "Credentials"),
        ("ssh://git:hunter2@host.example/a.git", "Credentials"),
        ("git://git@host.example/a.git", "Credentials"),
        ("https://host.example/a.git?token=hunter2", "Query"),
        ("ssh://-oProxyCommand=touch/a.git", "Option"),
        ("ssh://-x@host.example/a.git", "Option"),
        ("-oX@host.example:a.git", "Option"),
        ("git@-host.example:a.git", "Option"),
        ("git@host.example:-a.git", "Option"),
        ("https://host.example", "NotAUrl"),
        ("https://host.example/", "NotAUrl"),
        ("https:///a.git", "NotAUrl"),
        ("file://host.example/a.git", "NotAUrl"),
        ("git@host.example:", "NotAUrl"),
        ("@host.example:a.git", "NotAUrl"),
        ("github:org", "NotAUrl"),
        ("github:org/repo/more", "NotAUrl"),
        ("github:org/../x", "NotAUrl"),
        ("github:org/repo@", "NotAUrl"),
        ("https://h.example/a.git@", "NotAUrl"),
        ("https://host.example/a b.git", "NotAUrl"),
        ("https://host.example/a\nb.git", "NotAUrl"),
        ("https://host.example/a%0ab.git", "NotAUrl"),
        ("slack", "NotAUrl"),
        ("", "NotAUrl"),
    ] {
        match Spelled::parse(source) {
            Err(error) => {
                let shown = format!("{error:?}");
                assert!(shown.starts_with(expected), "`{source}` is {shown}");
                assert!(
                    !format!("{shown} {error}").contains("hunter2"),
                    "the secret is not repeated"
                );
            }
            Ok(spelled) => panic!("`{source}` was read as {}", spelled.url),
        }
    }
}

#[test]
fn what_can_only_be_a_repository_is_known_by_its_form() {
    for (source, expected) in [
        ("https://h.example/a.git", true),
        ("https://h.example/a.git/#sub", true),
        ("https://h.example/a", false),
        ("https://h.example/a.tar.gz", false),
        ("https://h.example/.git", true),
        ("https://h.example/a.git@v1", true),
        ("ssh://h.example/a", true),
        ("git://h.example/a", true),
        ("file:///srv/a", true),
        ("git+https://h.example/a", true),
        ("git@h.example:a", true),
        ("github:org/repo", true),
        ("ext::sh", true),
        ("slack", false),
        ("slack@^2", false),
        ("ftp://h.example/a", false),
    ] {
        assert_eq!(is_certain(source), expected, "`{source}`");
    }
}

#[test]
fn programs_get_the_path_as_it_is_on_the_other_side() {
    for (source, path) in [
        ("ssh://git@h.example/srv/a%20b.git", "/srv/a b.git"),
        ("ssh://git@h.example/~me/a.git", "~me/a.git"),
        ("git@h.example:a.git", "a.git"),
        ("git://h.example/~me/a.git", "/~me/a.git"),
        ("file:///srv/a%20b.git", "/srv/a b.git"),
    ] {
        assert_eq!(spelled(source).url.remote_path(), path, "`{source}`");
    }
}

proptest! {
    #[test]
    fn whatever_is_read_shows_no_password(user in "[a-z]{1,8}", secret in "[A-Z]{12}", scheme in "(https|http|ssh|git)") {
        let source = format!("{scheme}://{user}:{secret}@host.example/a.git");
        let shown = match Spelled::parse(&source) {
            Ok(spelled) => format!("{spelled:?} {}", spelled.url),
            Err(error) => format!("{error:?} {error}"),
        };
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn no_text_makes_it_panic_and_what_is_shown_is_read_again(source in "\\PC{0,40}") {
        if let Ok(spelled) = Spelled::parse(&source) {
            let shown = spelled.url.to_string();
            prop_assert_eq!(Spelled::parse(&shown).unwrap().url, spelled.url);
        }
    }
}
