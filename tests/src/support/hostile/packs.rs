//! Well-made archives in which there is no pack, or not one.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use packd_wire::ErrorKind::{InvalidManifest, ManifestMissing, UnsafeArchive};

use super::tar::Tar;
use super::zip::{Member, Zip};
use super::{Bytes, MANIFEST, Table};

pub(super) fn add(table: &mut Table) {
    let two = |first: &str, second: &str| {
        Tar::new()
            .file(format!("{first}pack.yaml"), MANIFEST)
            .file(format!("{second}pack.yaml"), MANIFEST)
    };
    let rows: [(&str, &str, Tar, &str); 9] = [
        (
            "p45a",
            "two folders with a pack",
            two("one/", "two/"),
            "`one`, `two`",
        ),
        (
            "p45b",
            "a pack at the root and one in `pack`",
            two("", "pack/"),
            "`.`, `pack`",
        ),
        (
            "p45b-top",
            "a pack in the top folder and one in its `pack`",
            two("top/", "top/pack/"),
            "`top`, `top/pack`",
        ),
        (
            "p45c",
            "no pack",
            Tar::new().file("README.md", "x"),
            "no `pack.yaml`",
        ),
        (
            "p45c-case",
            "a manifest in other letters",
            Tar::new().file("Pack.yaml", MANIFEST),
            "no `pack.yaml`",
        ),
        (
            "p45c-ending",
            "a manifest with another ending",
            Tar::new().file("pack.yml", MANIFEST),
            "no `pack.yaml`",
        ),
        (
            "p45c-deep",
            "a pack further down",
            Tar::new().file("a/b/pack.yaml", MANIFEST),
            "`a/b`",
        ),
        (
            "p46b",
            "a manifest that is a link",
            Tar::new()
                .file("real.yaml", MANIFEST)
                .link("pack.yaml", "real.yaml"),
            "`pack.yaml` is not a regular file",
        ),
        (
            "p47a",
            "a manifest that is a folder",
            Tar::new().folder("pack.yaml/"),
            "`pack.yaml` is not a regular file",
        ),
    ];
    for (id, what, tar, names) in rows {
        table.row(
            id,
            what,
            Bytes::Tar(tar.end()),
            ManifestMissing,
            names.to_owned(),
        );
    }
    let zip = Zip::new()
        .file("one/pack.yaml", MANIFEST)
        .file("two/pack.yaml", MANIFEST);
    table.row(
        "z38",
        "two folders with a pack",
        Bytes::Exact(zip.bytes()),
        ManifestMissing,
        "`one`, `two`".to_owned(),
    );
    let zip = Zip::new()
        .file("real.yaml", MANIFEST)
        .member(Member::link("pack.yaml", "real.yaml"));
    table.row(
        "z37-inside",
        "a manifest that is a link",
        Bytes::Exact(zip.bytes()),
        ManifestMissing,
        "`pack.yaml`".to_owned(),
    );
    let tar = Tar::new().member("pack.yaml", b'6', "");
    table.unsafe_tar("p47b", "a manifest that is a pipe", tar, "pack.yaml");
    let tar = Tar::new()
        .file("secret", "x")
        .file("pack/pack.yaml", MANIFEST)
        .link("pack/l", "../secret");
    let names = "`pack/l` is a link to `../secret`".to_owned();
    table.row(
        "p46-leaves",
        "a link out of the pack, and not out of the archive",
        Bytes::Tar(tar.end()),
        UnsafeArchive,
        names,
    );

    let mut large = MANIFEST.as_bytes().to_vec();
    large.resize(32 << 20, b'#');
    let bytes = Bytes::Exact(super::zstandard(
        &Tar::new().file("pack.yaml", &large).end(),
    ));
    table.row(
        "p47c",
        "a manifest of 32 MiB",
        bytes,
        InvalidManifest,
        "262144".to_owned(),
    );
}
