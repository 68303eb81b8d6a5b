//! The modules of the daemon lie in layers: a module uses those above it in [`ORDER`], never below.
//! Heavy crates have one place each, so that another choice stays a change in one place.
//!
//! The sources are read as tokens, so neither a comment nor a text counts, and what stands in a macro does.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use proc_macro2::{TokenStream, TokenTree};

/// The modules from lowest to highest.
const ORDER: &[&str] = &[
    "fault", "config", "logging", "metric", "pulse", "watch", "sandbox", "store", "host", "event",
    "queue", "net", "source", "registry", "resolve", "install", "gc", "hook", "health", "update",
    "worker", "api", "service",
];

/// Crates with the one module, or file with the folder beside it, that may use them.
const PLACES: &[(&str, &str)] = &[
    ("landlock", "sandbox"),
    ("seccompiler", "sandbox"),
    ("nix", "sandbox"),
    ("prometheus_client", "metric"),
    ("fs_notify", "watch"),
    ("rusqlite", "store"),
    ("reqwest", "net"),
    ("gix", "source/git"),
    ("gix_pack", "source/git"),
    ("gix_protocol", "source/git"),
    ("gix_transport", "source/git"),
    ("pubgrub", "resolve/solver"),
    ("axum", "api"),
    ("hyper", "api"),
    ("hyper_util", "api"),
    ("tower", "api"),
];

#[test]
fn modules_use_only_what_lies_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<_> = files(&root)
        .into_iter()
        .map(|path| {
            let text = fs_err::read_to_string(&path).unwrap();
            (
                path.strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
                text,
            )
        })
        .collect();
    let found: Vec<_> = sources
        .iter()
        .flat_map(|(path, text)| violations(path, text))
        .collect();
    assert!(
        sources.len() > 10,
        "the sources are where they are looked for"
    );
    assert!(
        found.is_empty(),
        "the layers are broken:\n{}",
        found.join("\n")
    );
}

#[test]
fn what_breaks_the_layers_is_found() {
    for (path, text, expected) in [
        (
            "queue/mod.rs",
            "use crate::api::Router;",
            "queue/mod.rs:1: `queue` uses `api`, which lies above it",
        ),
        (
            "queue.rs",
            "\nfn f() { crate::worker::go(); }",
            "queue.rs:2: `queue` uses `worker`, which lies above it",
        ),
        (
            "net/mod.rs",
            "use crate::{config::Net, install};",
            "net/mod.rs:1: `net` uses `install`, which lies above it",
        ),
        (
            "net/mod.rs",
            "use super::install;",
            "net/mod.rs:1: `net` uses `install`, which lies above it",
        ),
        (
            "net/limit.rs",
            "use super::super::api;",
            "net/limit.rs:1: `net` uses `api`, which lies above it",
        ),
        (
            "net/mod.rs",
            "mod tests { use super::super::api; }",
            "net/mod.rs:1: `net` uses `api`, which lies above it",
        ),
        (
            "net/mod.rs",
            "log!(\"x\", crate::api::X);",
            "net/mod.rs:1: `net` uses `api`, which lies above it",
        ),
        (
            "net/mod.rs",
            "use crate::helpers::x;",
            "net/mod.rs:1: `helpers` is not one of the layers",
        ),
        (
            "helpers.rs",
            "",
            "helpers.rs:1: `helpers` is not one of the layers",
        ),
        (
            "queue/mod.rs",
            "use rusqlite::Row;",
            "queue/mod.rs:1: `rusqlite` belongs into `store`",
        ),
        (
            "queue/mod.rs",
            "use {reqwest::Url};",
            "queue/mod.rs:1: `reqwest` belongs into `net`",
        ),
        (
            "net/mod.rs",
            "fn f(_: ::axum::Router) {}",
            "net/mod.rs:1: `axum` belongs into `api`",
        ),
        (
            "source/mod.rs",
            "use gix as git;",
            "source/mod.rs:1: `gix` belongs into `source/git`",
        ),
        (
            "source/github.rs",
            "use gix_protocol::Handshake;",
            "source/github.rs:1: `gix_protocol` belongs into `source/git`",
        ),
        (
            "api/mod.rs",
            "extern crate reqwest;",
            "api/mod.rs:1: `reqwest` belongs into `net`",
        ),
    ] {
        assert_eq!(violations(path, text), [expected], "`{text}` in {path}");
    }
}

#[test]
fn what_keeps_to_the_layers_is_not_accused() {
    for (path, text) in [
        (
            "queue/mod.rs",
            "use crate::{config::Queue, store, event::Hub}; pub(crate) struct X;",
        ),
        (
            "queue/mod.rs",
            "//! Not crate::api.\n/* use crate::api; */ const X: &str = \"crate::api\";",
        ),
        (
            "queue/mod.rs",
            "/// See [`crate::api`].\nuse super::store::Database; use self::state::Job;",
        ),
        (
            "queue/state/tests.rs",
            "use super::super::super::store; use super::super::api;",
        ),
        (
            "store/mod.rs",
            "use rusqlite::Row; fn f(tx: &rusqlite::Transaction) {}",
        ),
        ("source/git.rs", "use gix::bstr::BStr;"),
        ("source/git/talk.rs", "use gix_protocol::Handshake;"),
        (
            "net/mod.rs",
            "let reqwest = 1; x.axum(); packd_wire::axum::x(); let r#gix = 2;",
        ),
        (
            "api/mod.rs",
            "use hyper_util::rt::TokioIo; use crate::queue::Queue;",
        ),
        (
            "lib.rs",
            "mod api; mod service; pub use service::main; use crate::api;",
        ),
    ] {
        assert_eq!(
            violations(path, text),
            Vec::<String>::new(),
            "`{text}` in {path}"
        );
    }
}

/// What of a source breaks the layers, each with file and line.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut modules: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
    if modules.last() == Some(&"mod") {
        modules.pop();
    }
    let mut source = Source {
        path,
        module: modules[0],
        found: Vec::new(),
    };
    // the root builds the layers together, and nothing can use it
    if matches!(source.module, "lib" | "main") {
        return Vec::new();
    }
    if !ORDER.contains(&source.module) {
        source.note(1, &format!("`{}` is not one of the layers", source.module));
    }
    source.walk(TokenStream::from_str(text).unwrap(), modules.len());
    source.found
}

struct Source<'a> {
    path: &'a str,
    module: &'a str,
    found: Vec<String>,
}

impl Source<'_> {
    /// Reads tokens that stand in a module `depth` below the root.
    fn walk(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let is_module = at >= 2 && is_ident(&tokens[at - 2], "mod");
                    self.walk(group.stream(), depth + usize::from(is_module));
                }
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    self.crate_at(&tokens, at, &name);
                    let (up, rest) = climb(&tokens, at);
                    if name == "crate" && is_colons(&tokens, at + 1) {
                        self.targets(&tokens[at + 3..]);
                    } else if up > 0 {
                        if up == depth {
                            self.targets(&tokens[rest..]);
                        }
                        at = rest;
                        continue;
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// Judges the first names of what follows `crate::`.
    fn targets(&mut self, tokens: &[TokenTree]) {
        match tokens.first() {
            Some(TokenTree::Ident(ident)) => {
                let (name, line) = (ident.to_string(), ident.span().start().line);
                match (place_of(&name), place_of(self.module)) {
                    (None, _) => self.note(line, &format!("`{name}` is not one of the layers")),
                    (Some(target), Some(own)) if target > own => {
                        self.note(
                            line,
                            &format!("`{}` uses `{name}`, which lies above it", self.module),
                        );
                    }
                    _ => {}
                }
            }
            Some(TokenTree::Group(group)) => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                for item in
                    tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                {
                    self.targets(item);
                }
            }
            _ => {}
        }
    }

    /// Judges a name that can be a crate's.
    fn crate_at(&mut self, tokens: &[TokenTree], at: usize, name: &str) {
        let Some((_, place)) = PLACES.iter().find(|(heavy, _)| *heavy == name) else {
            return;
        };
        // `::name` begins a path only where nothing is before the colons that could own it
        let inside = at >= 3
            && is_colons(tokens, at - 2)
            && matches!(&tokens[at - 3], TokenTree::Ident(owner) if owner != "use");
        let imported =
            at >= 1 && (is_ident(&tokens[at - 1], "use") || is_ident(&tokens[at - 1], "crate"));
        let used = is_colons(tokens, at + 1) || imported;
        let here = self.path.strip_prefix(place);
        let at_place = here.is_some_and(|rest| rest.starts_with('/') || rest == ".rs");
        if used && !inside && self.module != *place && !at_place {
            let line = tokens[at].span().start().line;
            self.note(line, &format!("`{name}` belongs into `{place}`"));
        }
    }

    fn note(&mut self, line: usize, what: &str) {
        self.found.push(format!("{}:{line}: {what}", self.path));
    }
}

/// How many `super::` stand here, and where what follows them begins. `self::` before them counts nothing.
fn climb(tokens: &[TokenTree], mut at: usize) -> (usize, usize) {
    let mut up = 0;
    let is_step = |at: usize, word| tokens.get(at).is_some_and(|token| is_ident(token, word));
    if is_step(at, "self") && is_colons(tokens, at + 1) {
        at += 3;
    }
    while is_step(at, "super") && is_colons(tokens, at + 1) {
        up += 1;
        at += 3;
    }
    (up, at)
}

fn place_of(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Every Rust file below a folder, in the order of their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
