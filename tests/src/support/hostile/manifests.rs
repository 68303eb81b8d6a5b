//! Manifests that want to be paths, options or programs, or to fill memory and time.

use packd_wire::ErrorKind;

use super::tar::Tar;
use super::{Bytes, Table};

pub(super) fn add(table: &mut Table) {
    refs(table);
    documents(table);
    tests(table);
    sizes(table);
}

fn refuse(table: &mut Table, id: &str, what: &str, text: impl AsRef<[u8]>, says: &str) {
    let bytes = Bytes::Tar(Tar::new().file("pack.yaml", text).file("f", "x").end());
    table.row(id, what, bytes, ErrorKind::InvalidManifest, says.to_owned());
}

fn refs(table: &mut Table) {
    for (id, what, pack) in [
        ("m01", "a ref that is a path", "/etc"),
        ("m02", "a ref that leads out", "../../etc"),
        ("m03", "a ref that is the folder itself", "."),
        ("m03-two", "a ref that is the folder above", ".."),
        ("m04", "a ref with a slash", "a/b"),
        ("m09-escaped", "a ref with a backslash", "a\\\\b"),
        ("m09-escape", "a ref with an escape sequence", "a\\e[2J"),
        ("m10", "a ref with a Cyrillic letter", "sl\u{430}ck"),
        ("m10-upper", "a ref in capitals", "Slack"),
        ("m11-empty", "a ref that is empty", ""),
        ("m11-option", "a ref that is an option", "-rf"),
        ("m11-space", "a ref with spaces", "a b"),
        ("m11-newline", "a ref with a newline", "a\\nb"),
        (
            "m11-temporary",
            "a ref as of a folder that is not complete",
            ".receiving-x",
        ),
    ] {
        let text = format!("ref: \"{pack}\"\nversion: 1.0.0\n");
        refuse(table, id, what, text, "ref");
    }
    let text = "ref: \"a\\0b\"\nversion: 1.0.0\n";
    refuse(table, "m09", "a ref with a NUL", text, "ref");
    let text = format!("ref: {}\nversion: 1.0.0\n", "a".repeat(5000));
    refuse(table, "m11", "a ref of 5000 letters", text, "ref");
    for (id, what, version) in [
        ("m07", "a version that is a path", "1.0.0/../../x"),
        ("m07-absolute", "a version from the root", "/etc"),
        ("m08", "a version with a slash behind its plus", "1.0.0+a/b"),
        (
            "m08-dots",
            "a version that leads out behind its plus",
            "1.0.0+../../x",
        ),
        (
            "m08-pre",
            "a version that leads out behind its minus",
            "1.0.0-../x",
        ),
        (
            "m08-huge",
            "a version with numbers beyond 64 bits",
            "99999999999999999999.0.0",
        ),
        (
            "m08-long",
            "a version of 500 letters",
            &format!("1.0.0-{}", "a".repeat(500)),
        ),
        ("m08-newline", "a version with a newline", "1.0.0\\nx"),
    ] {
        let text = format!("ref: hostile\nversion: \"{version}\"\n");
        refuse(table, id, what, text, "version");
    }
}

fn documents(table: &mut Table) {
    let rows: [(&str, &str, &[u8], &str); 15] = [
        (
            "m12",
            "two refs",
            b"ref: a\nversion: 1.0.0\nref: b\n",
            "ref",
        ),
        (
            "m12-quoted",
            "two refs, one in quotes",
            b"ref: a\nversion: 1.0.0\n'ref': b\n",
            "ref",
        ),
        (
            "m12-deep",
            "a key twice further down",
            b"ref: a\nversion: 1.0.0\nmeta: {a: 1, a: 2}\n",
            "",
        ),
        (
            "m13",
            "two documents",
            b"ref: a\nversion: 1.0.0\n---\nref: b\nversion: 1.0.0\n",
            "document",
        ),
        (
            "m14",
            "a merge key",
            b"base: &b {ref: b}\n<<: *b\nversion: 1.0.0\n",
            "<<",
        ),
        ("m20", "UTF-16", b"\xff\xfer\0e\0f\0:\0 \0a\0\n\0", "UTF-8"),
        (
            "m20-bytes",
            "bytes that are no text",
            b"ref: a\xff\nversion: 1.0.0\n",
            "UTF-8",
        ),
        (
            "m09-nul",
            "a NUL",
            b"ref: a\0\nversion: 1.0.0\n",
            "control character",
        ),
        (
            "m09-bell",
            "an escape sequence",
            b"ref: a # \x1b[2J\nversion: 1.0.0\n",
            "control character",
        ),
        ("m21-list", "a list", b"- ref: a\n", "mapping"),
        ("m21-text", "a text", b"just words\n", "mapping"),
        ("m21-empty", "nothing", b"", "nothing"),
        ("m21-version", "no version", b"ref: a\n", "version"),
        ("m21-ref", "no ref", b"version: 1.0.0\n", "ref"),
        (
            "m21-tag",
            "a tag that makes an object",
            b"ref: !!python/object/apply:os.system ['id']\nversion: 1.0.0\n",
            "ref",
        ),
    ];
    for (id, what, text, says) in rows {
        refuse(table, id, what, text, says);
    }
}

fn tests(table: &mut Table) {
    let runner =
        |keys: &str| format!("ref: a\nversion: 1.0.0\ntesting:\n  runners:\n    r: {{{keys}}}\n");
    for (id, what, keys, says) in [
        (
            "m15",
            "an entry point that leads out",
            "type: script, entry_point: ../../../bin/sh",
            "../../../bin/sh",
        ),
        (
            "m15-absolute",
            "an entry point from the root",
            "type: script, entry_point: /bin/sh",
            "/bin/sh",
        ),
        (
            "m15-result",
            "results that lead out",
            "type: script, entry_point: t, result_path: ../../x",
            "../../x",
        ),
        (
            "m16",
            "an entry point that is an option",
            "type: pytest, entry_point: '--rootdir=/'",
            "--rootdir=/",
        ),
        (
            "m16-shell",
            "a command that needs a shell",
            "type: command, command: 'a && b'",
            "&&",
        ),
        (
            "m17",
            "a timeout of 2^64-1",
            "type: script, entry_point: t, timeout: 18446744073709551615",
            "timeout",
        ),
        (
            "m17-negative",
            "a negative timeout",
            "type: script, entry_point: t, timeout: -1",
            "timeout",
        ),
        (
            "m17-zero",
            "no time",
            "type: script, entry_point: t, timeout: 0",
            "timeout",
        ),
        (
            "m17-infinite",
            "an infinite timeout",
            "type: script, entry_point: t, timeout: .inf",
            "timeout",
        ),
        (
            "m17-type",
            "a type that nobody knows",
            "type: sudo, entry_point: t",
            "sudo",
        ),
    ] {
        refuse(table, id, what, runner(keys), says);
    }
}

fn sizes(table: &mut Table) {
    let start = "ref: a\nversion: 1.0.0\n";
    let laughs = (1..10).fold(
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, level| {
            let before = vec![format!("*a{}", level - 1); 9].join(", ");
            format!("{text}a{level}: &a{level} [{before}]\n")
        },
    );
    let long = format!(
        "s: &s {}\nl: [{}]\n",
        "x".repeat(200_000),
        vec!["*s"; 10_000].join(",")
    );
    for (id, what, text) in [
        ("m18", "a text of 200 kB, 10,000 times", long),
        ("m18-laughs", "nine lists of nine lists", laughs),
        ("m19", "60,000 brackets", "[".repeat(60_000)),
        (
            "m19-closed",
            "60,000 lists in each other",
            "a: ".to_owned() + &"[".repeat(60_000) + &"]".repeat(60_000),
        ),
        (
            "m19-braces",
            "30,000 mappings in each other",
            "a: ".to_owned() + &"{a: ".repeat(30_000),
        ),
        ("m19-questions", "100,000 questions", "? ".repeat(100_000)),
        (
            "m19-dashes",
            "100,000 lists by dashes",
            "- ".repeat(100_000),
        ),
        (
            "m19-nodes",
            "100,001 elements",
            format!("a: [{}]\n", vec!["1"; 100_001].join(",")),
        ),
        (
            "m18-itself",
            "an alias of itself",
            "a: &a [*a]\n".to_owned(),
        ),
        (
            "m18-missing",
            "an alias of nothing",
            "a: *nothing\n".to_owned(),
        ),
    ] {
        refuse(table, id, what, format!("{start}{text}"), "");
    }
    let deep = (0..3000).fold(String::new(), |text, level| {
        text + &" ".repeat(level % 80) + "a:\n"
    });
    refuse(
        table,
        "m19-block",
        "mappings by their indentation",
        format!("{start}x:\n{deep}"),
        "",
    );
    let large = format!("{start}# {}\n", "x".repeat(256 << 10));
    refuse(
        table,
        "m18-large",
        "a manifest of more than 256 KiB",
        large,
        "262144",
    );
}
