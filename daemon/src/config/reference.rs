//! The documentation of every key, made from the code: the shipped file and the table in the docs are
//! compared with it. `PACKD_WRITE_REFERENCE=1 cargo test -p packd reference` writes both.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use packd_wire::Role;

use super::section::{Key, Section};
use super::{
    Access, Args, Config, Environment, ExtraSocket, Git, Inputs, Layout, Limits, Log, Net, Origin,
    Queue, Registry, Routing, Service, SocketMode, Store, Tests, Updates, VersionProbe, hook::Hook,
    load,
};

const HEAD: &str = "\
# The configuration of packd, every key at its default.
#
# To change a value, remove the `#` directly before its key. Better still, write the key into a file of
# your own in the folder `conf.d` beside this one: its files, named `*.yaml`, are laid over this one in the
# order of their names. Sections are merged key by key, registries by their name; lists are replaced.
# `PACKD__SECTION__KEY=value` in the environment is stronger than any file.
#
# `packd --check-config` shows what is in force and where each value came from, or everything that is
# wrong. `systemctl reload packd` takes changes over.
";

/// Values for the keys of a registry and of a hook that have no default.
const EXAMPLE: &[(&str, &str)] = &[
    ("name", "acme"),
    ("url", "https://packs.example.org/index.json"),
    ("on", "[generation_activated]"),
    ("command", "[/usr/bin/true]"),
    ("path", "/run/packd/monitor.sock"),
    ("role", "reader"),
];

/// The runtime that the file has for an example.
const RUNTIME: (&str, &str) = ("zig", "[zig, version]");

struct Documented {
    name: &'static str,
    about: &'static [&'static str],
    keys: &'static [Key],
}

fn section<T: Section>(name: &'static str) -> Documented {
    Documented {
        name,
        about: T::ABOUT,
        keys: T::KEYS,
    }
}

fn sections() -> [Documented; 11] {
    [
        section::<Routing>("routing"),
        section::<Queue>("queue"),
        section::<Store>("store"),
        section::<Limits>("limits"),
        section::<Tests>("tests"),
        section::<Updates>("updates"),
        section::<Access>("access"),
        section::<Net>("net"),
        section::<Git>("git"),
        section::<Service>("service"),
        section::<Log>("log"),
    ]
}

fn value(key: &Key) -> String {
    let example = || {
        EXAMPLE
            .iter()
            .find(|(name, _)| *name == key.name)
            .unwrap()
            .1
            .to_owned()
    };
    (key.default)().map_or_else(example, |shown| shown.to_yaml())
}

/// `packaging/config/packd.yaml`.
fn file() -> String {
    let mut text = HEAD.to_owned();
    let comment = |text: &mut String, lines: &[&str], indent: &str| {
        for line in lines {
            writeln!(text, "{indent}#{line}").unwrap();
        }
    };
    let list = |text: &mut String, keys: &[Key]| {
        for (position, key) in keys.iter().enumerate() {
            comment(text, key.meaning, "  ");
            let dash = if position == 0 { "- " } else { "  " };
            writeln!(text, "  #{dash}{}: {}", key.name, value(key)).unwrap();
        }
    };
    text.push('\n');
    comment(&mut text, Registry::ABOUT, "");
    text.push_str("registries:\n");
    list(&mut text, Registry::KEYS);
    text.push('\n');
    comment(&mut text, VersionProbe::ABOUT, "");
    text.push_str("runtimes:\n");
    writeln!(text, "  #{}:", RUNTIME.0).unwrap();
    for key in VersionProbe::KEYS {
        comment(&mut text, key.meaning, "  ");
        let value = (key.default)().map_or(RUNTIME.1.to_owned(), |shown| shown.to_yaml());
        writeln!(text, "  #  {}: {value}", key.name).unwrap();
    }
    text.push('\n');
    comment(&mut text, Hook::ABOUT, "");
    text.push_str("hooks:\n");
    list(&mut text, Hook::KEYS);
    text.push('\n');
    comment(&mut text, ExtraSocket::ABOUT, "");
    text.push_str("sockets:\n");
    list(&mut text, ExtraSocket::KEYS);
    for Documented { name, about, keys } in sections() {
        text.push('\n');
        comment(&mut text, about, "");
        writeln!(text, "{name}:").unwrap();
        for key in keys {
            comment(&mut text, key.meaning, "  ");
            writeln!(text, "  #{}: {}", key.name, value(key)).unwrap();
        }
    }
    text
}

/// The tables of `docs/configuration.md`.
fn tables() -> String {
    let mut text = String::new();
    let mut table = |heading: &str, about: &[&str], keys: &[Key]| {
        writeln!(text, "### {heading}\n\n{}\n", prose(about)).unwrap();
        text.push_str("| key | default | meaning |\n|---|---|---|\n");
        for key in keys {
            let default = (key.default)().map_or("required".to_owned(), |shown| {
                format!("`{}`", shown.to_yaml())
            });
            writeln!(
                text,
                "| `{}` | {default} | {} |",
                key.name,
                prose(key.meaning)
            )
            .unwrap();
        }
        text.push('\n');
    };
    table("`registries`, a list", Registry::ABOUT, Registry::KEYS);
    table(
        "`runtimes`, by name",
        VersionProbe::ABOUT,
        VersionProbe::KEYS,
    );
    table("`hooks`, a list", Hook::ABOUT, Hook::KEYS);
    table("`sockets`, a list", ExtraSocket::ABOUT, ExtraSocket::KEYS);
    for Documented { name, about, keys } in sections() {
        table(&format!("`{name}`"), about, keys);
    }
    text
}

fn prose(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The file of the repository that a test compares with.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn compare(path: &str, expected: &str) {
    let path = repository(path);
    if Environment::of_process()
        .get("PACKD_WRITE_REFERENCE")
        .is_some()
    {
        fs_err::write(&path, expected).unwrap();
    }
    let actual = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{} is not what the code says; PACKD_WRITE_REFERENCE=1 writes it anew",
        path.display()
    );
}

fn loaded(text: &str) -> super::Effective {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("packd.yaml");
    fs_err::write(&config, text).unwrap();
    let args = Args {
        config: Some(config),
        ..Args::default()
    };
    load(&Inputs::new(&args, Environment::default())).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_shipped_file_says_what_the_code_says() {
    compare("packaging/config/packd.yaml", &file());
}

#[test]
fn the_shipped_file_changes_nothing() {
    let effective = loaded(&file());
    assert_eq!(effective.config, Config::default());
    assert!(effective.warnings.is_empty(), "{:?}", effective.warnings);
}

#[test]
fn every_key_of_the_shipped_file_is_at_its_default() {
    let uncommented: Vec<_> = file().lines().map(uncomment).collect();
    let effective = loaded(&uncommented.join("\n"));
    let example = Registry::new("acme", EXAMPLE[1].1.parse().unwrap());
    assert_eq!(
        effective.config,
        Config {
            registries: vec![example],
            hooks: hooks(),
            sockets: vec![ExtraSocket {
                path: EXAMPLE[4].1.into(),
                mode: SocketMode(0o660),
                group: None,
                role: Role::Reader,
            }],
            runtimes: [(
                RUNTIME.0.to_owned(),
                VersionProbe::new(["zig".to_owned(), "version".to_owned()]),
            )]
            .into(),
            ..Config::default()
        }
    );
    let silent: Vec<_> = effective
        .origins
        .iter()
        .filter(|(_, origin)| **origin == Origin::Default)
        .collect();
    assert!(
        silent.is_empty(),
        "these keys are not in the file: {silent:?}"
    );
}

/// The hook of the shipped file.
fn hooks() -> Vec<Hook> {
    loaded("hooks: [{on: [generation_activated], command: [/usr/bin/true]}]")
        .config
        .hooks
}

/// A line with its key made effective; prose has one space after the `#`.
fn uncomment(line: &str) -> String {
    match line.split_once('#') {
        Some((indent, key)) if !key.starts_with(' ') || key.starts_with("  ") => {
            format!("{indent}{key}")
        }
        _ => line.to_owned(),
    }
}

#[test]
fn the_documentation_lists_every_key() {
    const BEGIN: &str = "<!-- keys: made from the code -->\n";
    const END: &str = "<!-- end of keys -->";
    let path = "docs/configuration.md";
    let text = fs_err::read_to_string(repository(path)).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    compare(path, &format!("{before}{BEGIN}\n{}{END}{after}", tables()));
}

#[test]
fn the_units_use_the_same_paths() {
    let unit = |name: &str| fs_err::read_to_string(repository("systemd").join(name)).unwrap();
    let socket = Path::new(Layout::SOCKET);
    assert!(unit("packd.socket").contains(&format!("\nListenStream={}\n", socket.display())));
    let folder = socket.parent().unwrap().display();
    assert!(unit("packd.tmpfiles").contains(&format!("\nd {folder} ")));
    assert!(unit("packd.sysusers").contains(&format!(" {} ", Layout::STATE_DIR)));
    for group in Access::default()
        .admin_groups
        .iter()
        .chain(&Access::default().operator_groups)
    {
        let made = unit("packd.sysusers")
            .lines()
            .any(|line| line.starts_with(&format!("g {group} ")));
        assert!(made, "the group `{group}` is made");
    }
}
