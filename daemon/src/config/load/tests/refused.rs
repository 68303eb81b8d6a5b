//! Configuration that is refused, and the words for it.

use proptest::prelude::*;

use super::*;

#[test]
fn everything_wrong_is_reported_at_once() {
    let host = Host::new(
        r#"queue:
  workrs: 4
  retries: many
  history: 90
updates: 5
store:
  scrub_interval: 14d
  min_free: 512MB
colour: blue
registries:
  - name: acme
    url: http://packs.acme.example/index.json
    root: acme.root.json
    trust: signed
  - name: Acme
    url: https://a.example/
  - url: https://b.example/
  - name: acme
  - name: ftp
    url: ftp://c.example/
    refs: [a?]
    headers: {Authorization: "s3cret ${vault:x}", "a b": 1}
  - name: open
    url: https://user:hunter2@d.example/
    priority: -1
  - name: nowhere
  - 5
net: {ca_file: ca.pem, proxy: socks, allow_http: "true"}
access: [everyone]
workers: 3
"#,
    )
    .drop_in("1.yaml", "log:\n  level: loud\n")
    .drop_in("2.yaml", "log: [\n")
    .variable("PACKD__QUEUE__RETRY", "3")
    .variable("PACKD__LIMITS__PACK_ENTRIES", "0")
    .variable("PACKD__", "0");
    assert_snapshot!(host.problems(), @r#"
    packd.yaml:2: `queue.workrs` is not a known key, did you mean `workers`?
    packd.yaml:3: `queue.retries` must be a whole number, not `many`
    packd.yaml:4: `queue.history` must be a span of time such as `30s`, `5m`, `1h` or `14d`; `90` has no unit; one of ms s m h d
    packd.yaml:5: `updates` must have keys with values, not `5`
    packd.yaml:8: `store.min_free` must be an amount of bytes such as `512MiB` or `1GiB`; `512MB` has the unknown unit `MB`; one of B KiB MiB GiB TiB
    packd.yaml:9: `colour` is not a known key; known here: registries runtimes hooks sockets routing queue store limits tests updates access net git service log
    packd.yaml:12: `registries.acme.url` is plain http, which needs `allow_http: true` beside it
    packd.yaml:15: `registries[1]` cannot have the name `Acme`; a name is lower-case letters, digits, `_` and `-`, a letter first, at most 64
    packd.yaml:17: `registries[2]` has no `name`
    packd.yaml:18: `registries[3]` has the name `acme`, as has the one at packd.yaml:11
    packd.yaml:20: `registries.ftp.url` must be an `https`, `http`, `file` or `dir` URL, not `ftp`
    packd.yaml:21: `registries.ftp.refs` must be a list of refs, in which `*` stands for any characters; `a?` can match no ref
    packd.yaml:22: `registries.ftp.headers.Authorization` has a reference that is none of `${cred:NAME}`, `${file:/path}` and `${env:NAME}`
    packd.yaml:22: `registries.ftp.headers.a b` is no name of a header
    packd.yaml:24: `registries.open.url` must not hold a user or password; put them into `headers`, as `Authorization: "Basic ${cred:NAME}"`
    packd.yaml:25: `registries.open.priority` must be a whole number, not `-1`
    packd.yaml:26: `registries.nowhere.url` is missing
    packd.yaml:27: `registries[7]` must have keys with values, not `5`
    packd.yaml:28: `net.allow_http` must be `true` or `false`, not `"true"`
    packd.yaml:28: `net.proxy` must be `env`, `none` or a URL with `http` or `https`
    packd.yaml:28: `net.ca_file` must be an absolute path or `null`, not `ca.pem`
    packd.yaml:29: `access` must have keys with values, not a list
    packd.yaml:30: `workers` is not a known key, did you mean `queue.workers`?
    conf.d/1.yaml:2: `log.level` must be `error`, `warn`, `info`, `debug` or `trace`, not `loud`
    conf.d/2.yaml:1: is no YAML: unclosed bracket '['
    env PACKD__: names no key; the form is `PACKD__SECTION__KEY`
    env PACKD__QUEUE__RETRY: `queue.retry` is not a known key, did you mean `retries`?
    env PACKD__LIMITS__PACK_ENTRIES: `limits.pack_entries` must be from 1 to 10000000, not 0
    "#);
    let all = format!("{:?}", host.load());
    assert!(!all.contains("s3cret"), "a secret is in no message");
}

#[test]
fn a_signed_registry_needs_a_root_that_is_one() {
    let problem = |keys: &str| {
        let text = format!("registries:\n  - name: a\n    url: https://a.example/\n{keys}");
        let problems = Host::new(&text).problems();
        problems.lines().next().unwrap_or_default().to_owned()
    };
    for (keys, expected) in [
        (
            "    trust: signed\n",
            "packd.yaml:4: `registries.a.trust` is `signed`, which needs the `root` or the `root_fingerprint` beside it",
        ),
        (
            "    root: a.json\n",
            "packd.yaml:4: `registries.a.root` has a meaning with `trust: signed` only",
        ),
    ] {
        assert_eq!(problem(keys), expected);
    }
    let missing = problem("    trust: signed\n    root: a.json\n");
    assert!(
        missing.starts_with("packd.yaml:5: `registries.a.root` names `"),
        "{missing}"
    );
    assert!(
        missing.contains("keys/a.json`, which cannot be read"),
        "{missing}"
    );
    let none = problem("    trust: signed\n    root: /dev/null\n");
    assert!(none.contains("`registries.a.root` names"), "{none}");
}

#[test]
fn a_variable_cannot_rename_a_registry() {
    let host = Host::new("registries: [{name: a, url: 'https://a.example/'}]\n")
        .variable("PACKD__REGISTRIES__A__NAME", "b");
    assert_eq!(
        host.problems(),
        "env PACKD__REGISTRIES__A__NAME: `registries.a.name` cannot give a registry another name"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "([a-z]{1,9}|registries|queue|net|: |- |\n|\n  |[\\[\\]{}&*!|>'\"#%@`,]|.){0,40}") {
        let mut findings = Findings::default();
        let table = read_layer(&text, &Origin::Default, &mut findings.problems);
        // what is wrong is a problem, and only that it comes back matters here
        drop(read_config(&table.unwrap_or_default(), Path::new("/nowhere"), Path::new("/nowhere"), &mut findings));
    }
}

#[test]
fn a_secret_in_a_url_is_not_repeated() {
    let host = Host::new(
        "registries: [{name: a, url: 'https://user:hunter2@d.example/'}]\nnet: {proxy: 'http://u:hunter2@p'}\n",
    );
    assert!(!host.problems().contains("hunter2"), "{}", host.problems());
}

#[test]
fn a_file_that_was_named_must_exist() {
    let mut host = Host::new("");
    host.args.config = Some(host.folder.path().join("absent.yaml"));
    assert_eq!(
        host.problems(),
        "cannot read `absent.yaml`: it does not exist"
    );
    host.args.config = Some(host.folder.path().to_owned());
    assert!(
        host.problems().contains("cannot read"),
        "a folder is no file"
    );

    let inputs = Inputs {
        layout: Layout::within(&host.folder.path().join("absent")),
        config_named: false,
        ..Inputs::new(&Args::default(), Environment::default())
    };
    assert_eq!(
        load(&inputs).unwrap().config,
        Config::default(),
        "the default file may be missing"
    );
}

#[test]
fn what_is_no_configuration_file_is_refused() {
    for (text, expected) in [
        (
            "- a\n",
            "packd.yaml:1: the configuration must be sections with keys, not a list",
        ),
        (
            "just words\n",
            "packd.yaml:1: the configuration must be sections with keys, not `just words`",
        ),
        (
            "registries: {acme: {}}\n",
            "packd.yaml:1: `registries` must be a list, not keys with values",
        ),
    ] {
        assert_eq!(Host::new(text).problems(), expected, "`{text}`");
    }
    let host = Host::new("");
    fs_err::write(host.folder.path().join("packd.yaml"), b"a: \xff\n").unwrap();
    assert_eq!(host.problems(), "cannot read `packd.yaml`: it is not UTF-8");
    fs_err::write(
        host.folder.path().join("packd.yaml"),
        "#".repeat(1024 * 1024 + 1),
    )
    .unwrap();
    assert_eq!(
        host.problems(),
        "cannot read `packd.yaml`: it is larger than 1 MiB"
    );
}

#[test]
fn a_registry_whose_name_is_misspelt_is_told_how_it_is_spelt() {
    let host =
        Host::new("registries:\n  - nmae: x\n    url: https://example.org/\n    updates: r\n");
    assert_snapshot!(host.problems(), @r"
    packd.yaml:2: `registries[0]` has no `name`
    packd.yaml:2: `registries[0].nmae` is not a known key, did you mean `name`?
    ");
}

#[test]
fn sockets_are_checked_where_they_are_written() {
    let host = Host::new(
        r#"sockets:
  - {path: /run/a.sock, role: reader}
  - {path: /run/a.sock, role: reader}
  - {path: run/b.sock, role: reader}
  - {path: /run/c.sock, mode: 0999, role: writer}
  - {path: /run/d.sock, mode: "1777", role: admin, user: root}
  - {path: /, role: admin}
  - {path: /run/packd/packd.sock, role: admin}
"#,
    );
    assert_snapshot!(host.problems(), @r#"
    packd.yaml:3: `sockets[1].path` is written twice
    packd.yaml:4: `sockets[2].path` must be an absolute path, not `run/b.sock`
    packd.yaml:5: `sockets[3].mode` must be permissions in octal such as `0660`, not `0999`
    packd.yaml:5: `sockets[3].role` must be `reader`, `operator` or `admin`, not `writer`
    packd.yaml:6: `sockets[4].mode` must be permissions in octal such as `0660`, not `"1777"`
    packd.yaml:6: `sockets[4].user` is not a known key; known here: path mode group role
    packd.yaml:7: `sockets[5].path` must name a file in a folder
    packd.yaml:8: `sockets[6].path` is where the API is already, with every right
    "#);
    let host = Host::new("sockets: {path: /run/a.sock}\n");
    assert_snapshot!(host.problems(), @"packd.yaml:1: `sockets` must be a list, not keys with values");
}
