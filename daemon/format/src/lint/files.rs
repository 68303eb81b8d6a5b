//! Rules on the files themselves, whatever they are for.

use super::{Findings, Pack, Rule, ends_with};
use crate::archive::Kind;
use crate::manifest::FILE_NAME;
use crate::manifest::yaml::Position;

/// What Attune takes of an upload: bytes of one file, bytes in all, entries.
const OTHERS_TAKE: (u64, u64, usize) = (50 * 1024 * 1024, 100 * 1024 * 1024, 10_000);

/// How much of a file is read to see what it is.
const HEAD: usize = 512;

/// How much of a PEM file is read to see whether a key is in it.
const PEM: usize = 64 * 1024;

const FIRST_LINE: Position = Position { line: 1, column: 1 };

/// Checks every file that an archive of the pack would have.
pub(super) fn check(pack: &Pack<'_>, found: &mut Findings) {
    for (path, why) in &pack.survey.refused {
        let path = if path.is_empty() { "." } else { path };
        found.add(Rule::File, path, None, why.as_str());
    }
    for path in &pack.survey.repositories {
        let message = "it is a git repository of its own, whose files are no part of the pack";
        found
            .add(Rule::Repository, path, None, message)
            .hint(format!(
                "remove `{path}/.git` to pack its files, or add `/{path}` to .packignore"
            ));
    }
    let refused = |path: &str| pack.survey.refused.iter().any(|(known, _)| known == path);
    if pack.get(FILE_NAME).is_none() && !refused(FILE_NAME) {
        let message = "an ignore file leaves it out, so no archive of the pack would have it";
        found.add(Rule::File, FILE_NAME, None, message);
    }
    let (mut bytes, mut entries) = (0_u64, 0_usize);
    for (path, kind) in &pack.survey.items {
        entries += 1;
        let Kind::File { executable, size } = kind else {
            continue;
        };
        bytes = bytes.saturating_add(*size);
        if *size > OTHERS_TAKE.0 {
            let message = format!("it has {size} bytes; Attune takes files of up to 50 MiB");
            found.add(Rule::Size, path, None, message);
        }
        secret(pack, path, found);
        if *size > 2 {
            script(pack, path, *executable, found);
        }
    }
    if bytes > OTHERS_TAKE.1 {
        let message = format!("the pack has {bytes} bytes; Attune takes up to 100 MiB");
        found.add(Rule::Size, FILE_NAME, None, message);
    }
    if entries > OTHERS_TAKE.2 {
        let message = format!("the pack has {entries} files and folders; Attune takes 10000");
        found.add(Rule::Size, FILE_NAME, None, message);
    }
}

fn secret(pack: &Pack<'_>, path: &str, found: &mut Findings) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let what = match name {
        ".env" => "settings of one machine, and often its passwords",
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => "a private key",
        name if ends_with(name, &[".pem"]) => {
            let text = pack.head(path, PEM);
            if !contains(&text, b"PRIVATE KEY-----") {
                return;
            }
            "a private key"
        }
        _ => return,
    };
    found
        .add(Rule::Secret, path, None, format!("it looks like {what}"))
        .hint(format!("if nobody may see it, add `{name}` to .packignore"));
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What the first line of a script makes of it.
fn script(pack: &Pack<'_>, path: &str, executable: bool, found: &mut Findings) {
    let head = pack.head(path, HEAD);
    if !head.starts_with(b"#!") {
        return;
    }
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    if head[..end].ends_with(b"\r") {
        found
            .add(
                Rule::Crlf,
                path,
                Some(FIRST_LINE),
                "its `#!` line ends with CR, so its interpreter is not found",
            )
            .hint("save it with the line ends of Unix");
    }
    if !executable {
        found
            .add(
                Rule::Shebang,
                path,
                Some(FIRST_LINE),
                "it begins with `#!`, but is not executable",
            )
            .hint(format!("chmod +x {path}"));
    }
}
