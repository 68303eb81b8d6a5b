#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::super::{ByteSize, Level, Proxy, Readers};
use super::*;
use crate::config::{Args, Environment};

/// A configuration folder, an environment and a command line.
struct Host {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
    args: Args,
}

impl Host {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packd.yaml");
        fs_err::write(&file, config).unwrap();
        let args = Args {
            config: Some(file),
            ..Args::default()
        };
        Self {
            folder,
            variables: Vec::new(),
            args,
        }
    }

    fn drop_in(self, name: &str, text: &str) -> Self {
        let folder = self.folder.path().join("conf.d");
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join(name), text).unwrap();
        self
    }

    fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn load(&self) -> Result<Effective, ConfigError> {
        let environment = self.variables.iter().copied().collect();
        load(&Inputs::new(&self.args, environment))
    }

    fn effective(&self) -> Effective {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Every problem on a line, the folder left out.
    fn problems(&self) -> String {
        let error = self.load().expect_err("the configuration is wrong");
        let lines: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
        self.shorten(&lines.join("\n"))
    }

    fn shorten(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    fn origin(&self, key: &str) -> String {
        self.shorten(&self.effective().origins[key].to_string())
    }
}

#[test]
fn nothing_written_means_defaults() {
    for text in [
        "",
        "# nothing\n",
        "queue:\nnet: {}\nregistries:\n",
        "registries: []\n",
    ] {
        assert_eq!(
            Host::new(text).effective().config,
            Config::default(),
            "`{text}`"
        );
    }
}

#[test]
fn every_key_can_be_set() {
    let host = Host::new(
        r#"
registries:
  - name: acme
    url: https://packs.acme.example/index.json
    priority: 10
    enabled: false
    refs: ["acme_*", slack]
    headers: {Authorization: "Bearer ${cred:acme}", X-Plain: s3cret}
    trust: unverified
    refresh: 5m
  - {name: local, url: "file:///srv/packs/index.json", priority: 5}
  - {name: plain, url: "http://10.0.0.1/index.json", allow_http: true}
queue: {workers: 4, retries: 0, history: 14d}
store: {min_free: 1GiB}
limits: {pack_bytes: 2GiB, file_bytes: 1GiB, pack_entries: 5, index_bytes: 1MiB}
access: {admin_groups: [], operator_groups: [ops, adm], readers: operators, max_connections: 8, max_per_uid: 2}
net: {allow_http: true, connect_timeout: 1s, idle_timeout: 2m, proxy: "http://proxy:3128", ca_file: /ca.pem, allowed_hosts: ["*.example"]}
log: {level: debug}
"#,
    );
    let config = host.effective().config;
    let names: Vec<_> = config
        .registries
        .iter()
        .map(|registry| registry.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["local", "acme", "plain"],
        "registries are in the order they are asked"
    );
    let acme = config.registry("acme").unwrap();
    assert!(!acme.enabled && acme.refs.allows("acme_mail") && !acme.refs.allows("other"));
    assert_eq!(acme.trust, Trust::Unverified);
    assert_eq!(acme.refresh, Duration::from_mins(5));
    assert_eq!(acme.headers["X-Plain"].expand().unwrap(), "s3cret");
    assert_eq!((config.queue.workers, config.queue.retries), (4, 0));
    assert_eq!(config.queue.history, Duration::from_hours(14 * 24));
    assert_eq!(config.store.min_free, ByteSize::mib(1024));
    assert_eq!(config.limits.pack_entries, 5);
    assert_eq!(config.access.operator_groups, ["ops", "adm"]);
    assert_eq!(config.access.readers, Readers::Operators);
    assert!(config.net.allow_http && config.net.allowed_hosts.allows("packs.example"));
    assert!(matches!(&config.net.proxy, Proxy::Url(url) if url.as_str() == "http://proxy:3128/"));
    assert_eq!(config.net.ca_file.as_deref(), Some(Path::new("/ca.pem")));
    assert_eq!(config.log.level, Level::Debug);

    let warnings = host.effective().warnings.join("\n");
    assert_snapshot!(warnings, @r"
    `registries.acme.trust` is `unverified`: nothing shows that its packs are what they should be
    `registries.plain.url` is plain http: anyone on the way can offer other packs
    ");
}

#[test]
fn the_stronger_source_wins() {
    let host = Host::new("queue: {workers: 1, retries: 1}\nlog: {level: error}\n");
    assert_eq!(host.effective().config.queue.workers, 1);
    assert_eq!(host.origin("queue.workers"), "packd.yaml:1");
    assert_eq!(host.origin("queue.history"), "default");

    let host = host
        .drop_in("20-b.yaml", "# b\nqueue: {workers: 3}\n")
        .drop_in("10-a.yaml", "queue: {workers: 2}\n");
    assert_eq!(
        host.effective().config.queue.workers,
        3,
        "drop-ins are laid over each other by name"
    );
    assert_eq!(host.origin("queue.workers"), "conf.d/20-b.yaml:2");
    assert_eq!(
        host.effective().config.queue.retries,
        1,
        "sections are merged key by key"
    );

    let host = host.variable("PACKD__QUEUE__WORKERS", "4");
    assert_eq!(
        host.effective().config.queue.workers,
        4,
        "the environment is stronger than files"
    );
    assert_eq!(host.origin("queue.workers"), "env PACKD__QUEUE__WORKERS");

    let host = host.variable("PACKD__LOG__LEVEL", "warn");
    assert_eq!(host.effective().config.log.level, Level::Warn);
    let mut host = host.variable("PACKD_LOG", "debug");
    assert_eq!(host.effective().config.log.level, Level::Debug);
    assert_eq!(host.origin("log.level"), "env PACKD_LOG");
    host.args.log_level = Some("trace".to_owned());
    assert_eq!(
        host.effective().config.log.level,
        Level::Trace,
        "flags are strongest"
    );
    assert_eq!(host.origin("log.level"), "flag --log-level");
}

#[test]
fn registries_are_merged_by_name_and_lists_replaced() {
    let host = Host::new(
        "registries:\n  - name: acme\n    url: https://a.example/\n    refs: [a, b]\n    headers: {X-A: one, X-B: two}\n",
    )
    .drop_in("1.yaml", "registries:\n  - {name: more, url: https://b.example/}\n  - name: acme\n    enabled: false\n    refs: [c]\n    headers: {X-B: three}\n")
    .variable("PACKD__REGISTRIES__ACME__PRIORITY", "1");
    let config = host.effective().config;
    let acme = config.registry("acme").unwrap();
    assert_eq!(acme.url.as_str(), "https://a.example/");
    assert_eq!((acme.enabled, acme.priority), (false, 1));
    assert_eq!(acme.refs.as_slice(), ["c"], "a list is replaced");
    assert_eq!(
        acme.headers["X-A"].expand().unwrap(),
        "one",
        "headers are merged"
    );
    assert_eq!(
        acme.headers["X-B"].expand().unwrap(),
        "three",
        "headers are merged"
    );
    assert!(
        config.registry("more").is_some(),
        "a drop-in can add a registry"
    );
    assert_eq!(host.origin("registries.acme.url"), "packd.yaml:3");
    assert_eq!(host.origin("registries.acme.enabled"), "conf.d/1.yaml:4");
    assert_eq!(host.origin("registries.acme.headers.X-A"), "packd.yaml:5");
    assert_eq!(
        host.origin("registries.acme.headers.X-B"),
        "conf.d/1.yaml:6"
    );
    assert_eq!(
        host.origin("registries.acme.priority"),
        "env PACKD__REGISTRIES__ACME__PRIORITY"
    );
}

#[test]
fn any_key_can_be_set_by_a_variable() {
    let host =
        Host::new("registries: [{name: my-own, url: https://a.example/, headers: {X-Key: one}}]\n")
            .variable("PACKD__ACCESS__OPERATOR_GROUPS", "[ops, adm]")
            .variable("PACKD__NET__CA_FILE", "")
            .variable("PACKD__REGISTRIES__MY_OWN__HEADERS__X_KEY", "two")
            .variable("PACKD__REGISTRIES__OTHER__URL", "file:///srv/index.json")
            .variable("PACKD__STORE", "{min_free: 0}")
            .variable("PACKD_BIN_DIR", "/elsewhere");
    let config = host.effective().config;
    assert_eq!(config.access.operator_groups, ["ops", "adm"]);
    assert_eq!(config.net.ca_file, None);
    let own = config.registry("my-own").unwrap();
    assert_eq!(
        own.headers["X-Key"].expand().unwrap(),
        "two",
        "neither case nor dash is lost"
    );
    assert_eq!(config.registry("other").unwrap().url.scheme(), "file");
    assert_eq!(config.store.min_free, ByteSize::new(0));
    let host = Host::new("").variable("PACKD__REGISTRIES", "[{name: a, url: https://a.example/}]");
    assert!(
        host.effective().config.registry("a").is_some(),
        "a list of registries can stand in a variable"
    );
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let host = Host::new(
        r#"queue:
  workrs: 4
  retries: many
  history: 90
updates: {mode: auto}
store:
  cache_size: 2GiB
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
    packd.yaml:5: `updates` is not supported by this version of packd
    packd.yaml:7: `store.cache_size` is not supported by this version of packd
    packd.yaml:8: `store.min_free` must be an amount of bytes such as `512MiB` or `1GiB`; `512MB` has the unknown unit `MB`; one of B KiB MiB GiB TiB
    packd.yaml:9: `colour` is not a known key; known here: registries queue store limits access net log
    packd.yaml:12: `registries.acme.url` is plain http, which needs `allow_http: true` beside it
    packd.yaml:13: `registries.acme.root` is not supported by this version of packd
    packd.yaml:14: `registries.acme.trust` cannot be `signed`: this version of packd does not verify signatures, and does not pretend to; use `checksum`
    packd.yaml:15: `registries[1]` cannot have the name `Acme`; a name is lower-case letters, digits, `_` and `-`, a letter first, at most 64
    packd.yaml:17: `registries[2]` has no `name`
    packd.yaml:18: `registries[3]` has the name `acme`, as has the one at packd.yaml:11
    packd.yaml:20: `registries.ftp.url` must be an `https`, `http` or `file` URL, not `ftp`
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
        drop(read_config(&table.unwrap_or_default(), &mut findings));
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
fn only_yaml_files_are_drop_ins() {
    let host = Host::new("")
        .drop_in(".hidden.yaml", "{{")
        .drop_in("x.yaml.dpkg-old", "{{")
        .drop_in("README", "{{")
        .drop_in("late.yml", "{{");
    let effective = host.effective();
    assert_eq!(effective.files.len(), 1);
    assert_eq!(
        host.shorten(&effective.warnings.join("\n")),
        "`conf.d/late.yml` is not read: the name of a drop-in ends in `.yaml`"
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
fn paths_come_from_flags_then_variables_then_defaults() {
    let environment = || {
        Environment::from_iter([
            ("PACKD_STATE_DIR", "/env/state"),
            ("PACKD_SOCKET", "/env/s"),
        ])
    };
    let args = Args {
        socket: Some("/flag/s".into()),
        ..Args::default()
    };
    let inputs = Inputs::new(&args, environment());
    assert_eq!(inputs.layout.state_dir, Path::new("/env/state"));
    assert_eq!(inputs.layout.socket, Path::new("/flag/s"));
    assert_eq!(inputs.layout.config_file, Path::new(Layout::CONFIG_FILE));
    assert!(!inputs.config_named);
    let inputs = Inputs::new(
        &Args::default(),
        Environment::from_iter([("PACKD_CONFIG", "/env/c.yaml")]),
    );
    assert!(
        inputs.config_named,
        "a variable names the file as a flag does"
    );
    assert_eq!(inputs.layout.drop_ins(), Path::new("/env/conf.d"));
}

#[test]
fn the_listing_shows_values_origins_and_no_secret() {
    let host = Host::new(
        "registries:\n  - name: acme\n    url: https://a.example/index.json?token=s3cret\n    headers:\n      Authorization: Bearer ${cred:acme}\n      X-Key: s3cret\n",
    )
    .variable("PACKD__QUEUE__WORKERS", "4");
    let text = host.shorten(&host.effective().render());
    assert!(!text.contains("s3cret"), "a secret is not shown");
    assert_snapshot!(text, @r#"
    # config: packd.yaml          # flag --config
    # state_dir: /var/lib/packd                   # default
    # socket: /run/packd/packd.sock               # default
    # read: packd.yaml

    registries:
      - name: acme                                # packd.yaml:2
        url: "https://a.example/index.json?****"  # packd.yaml:3
        priority: 100                             # default
        enabled: true                             # default
        refs: []                                  # default
        headers:
          Authorization: "****${cred:acme}"       # packd.yaml:5
          X-Key: "****"                           # packd.yaml:6
        trust: checksum                           # default
        refresh: 1h                               # default
        allow_http: false                         # default
    queue:
      workers: 4                                  # env PACKD__QUEUE__WORKERS
      retries: 5                                  # default
      history: 90d                                # default
    store:
      min_free: 512MiB                            # default
    limits:
      pack_bytes: 1GiB                            # default
      file_bytes: 512MiB                          # default
      pack_entries: 100000                        # default
      index_bytes: 256MiB                         # default
    access:
      admin_groups: [packd-admin]                 # default
      operator_groups: [packd]                    # default
      readers: everyone                           # default
      max_connections: 256                        # default
      max_per_uid: 32                             # default
    net:
      allow_http: false                           # default
      connect_timeout: 10s                        # default
      idle_timeout: 30s                           # default
      proxy: env                                  # default
      ca_file: null                               # default
      allowed_hosts: []                           # default
    log:
      level: info                                 # default
    "#);
}

#[test]
fn the_listing_can_be_loaded_again() {
    let host = Host::new(
        "registries: [{name: a, url: 'https://a.example/', refs: ['*', 'null']}]\nnet: {allowed_hosts: ['*.a', '127.0.0.1', '[::1]']}\naccess: {operator_groups: ['yes', 'a b', '5', '#x']}\n",
    );
    let effective = host.effective();
    let again = Host::new(&effective.render()).effective();
    assert_eq!(again.config, effective.config, "{}", effective.render());
}

#[test]
fn a_check_prints_what_is_in_force_or_what_is_wrong() {
    let good = Host::new("");
    let (text, code) =
        crate::config::check(&Inputs::new(&good.args, Environment::default()), |_| Ok(()));
    assert!(text.contains("workers: 2"), "{text}");
    assert_eq!(
        format!("{code:?}"),
        format!("{:?}", std::process::ExitCode::SUCCESS)
    );
    let wrong = Host::new("log: {level: loud}\nqueu: {}\n");
    let (text, code) = crate::config::check(
        &Inputs::new(&wrong.args, Environment::default()),
        |_| Ok(()),
    );
    assert_snapshot!(wrong.shorten(&text), @r"
    packd.yaml:1: `log.level` must be `error`, `warn`, `info`, `debug` or `trace`, not `loud`
    packd.yaml:2: `queu` is not a known key, did you mean `queue`?
    2 problems; packd would not start with this configuration
    ");
    assert_eq!(
        format!("{code:?}"),
        format!("{:?}", std::process::ExitCode::FAILURE)
    );
}

#[test]
fn a_registry_whose_name_is_misspelt_is_told_how_it_is_spelt() {
    let host = Host::new("registries:\n  - nmae: x\n    url: https://example.org/\n    root: r\n");
    assert_snapshot!(host.problems(), @r"
    packd.yaml:2: `registries[0]` has no `name`
    packd.yaml:2: `registries[0].nmae` is not a known key, did you mean `name`?
    packd.yaml:4: `registries[0].root` is not supported by this version of packd
    ");
}
