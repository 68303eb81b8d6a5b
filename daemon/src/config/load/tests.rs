#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;

use super::super::{ByteSize, Level, Proxy, Readers};
use super::*;
use crate::config::{Args, Environment};

mod hooks;
mod listing;
mod refused;

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
fn runtimes_are_rows_by_name_and_each_has_its_problems() {
    let host = Host::new(
        "runtimes:\n  ruby:\n    command: [/opt/ruby/bin/ruby, -v]\n    pattern: 'ruby ([0-9.]+)'\n  zig: {command: [zig, version]}\n",
    )
    .drop_in("1.yaml", "runtimes: {zig: {command: [zig0.11, version]}}\n");
    let runtimes = host.effective().config.runtimes;
    assert_eq!(runtimes["ruby"].pattern, "ruby ([0-9.]+)");
    assert_eq!(runtimes["zig"].command, ["zig0.11", "version"]);

    let host = Host::new(
        "runtimes:\n  a b: {command: [x]}\n  none: {}\n  empty: {command: []}\n  relative: {command: [bin/x]}\n  open: {command: [x], pattern: '('}\n  flat: {command: [x], pattern: '[0-9.]+'}\n  odd: {comand: [x]}\n",
    );
    assert_snapshot!(host.problems(), @r"
    packd.yaml:2: `runtimes.a b` is no name of a runtime
    packd.yaml:3: `runtimes.none.command` is missing
    packd.yaml:4: `runtimes.empty.command` must name a program
    packd.yaml:5: `runtimes.relative.command` must name a program by its name or its absolute path, not `bin/x`
    packd.yaml:6: `runtimes.open.pattern` must be a regular expression, and `(` is none
    packd.yaml:7: `runtimes.flat.pattern` must have a group around the version, as in `([0-9]+(?:\.[0-9]+)*)`
    packd.yaml:8: `runtimes.odd.command` is missing
    packd.yaml:8: `runtimes.odd.comand` is not a known key, did you mean `command`?
    ");
}
