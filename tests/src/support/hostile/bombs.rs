//! Small archives that want to become large: on disk, in memory, or in time.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use std::io::Read;

use flate2::{Compression, write::GzEncoder};
use packd_wire::ErrorKind::{InvalidArchive, LimitExceeded};

use super::tar::{Header, Tar};
use super::zip::{Member, Zip, signature};
use super::{Bytes, Table, gzip, zstandard};

pub(super) fn add(table: &mut Table) {
    zeros(table);
    overlaps(table);
    entries(table);
    names(table);
}

/// How many entries the bombs are judged with. Making the hundred thousand that packs may have takes some file systems long.
pub(super) const ENTRIES: u64 = 4_000;

/// Bytes of the file in the bombs: more than may be unpacked of an archive so small, and less than of any.
const ZEROS: u64 = 128 << 20;

/// An archive whose last file has so many zeros, as a stream.
fn tar_of_zeros() -> impl Read {
    let header = Tar::pack()
        .entry(Header::new("zeros", b'0').size(ZEROS), "")
        .endless();
    std::io::Cursor::new(header)
        .chain(std::io::repeat(0).take(ZEROS))
        .chain(std::io::repeat(0).take(1024))
}

fn gzip_of(mut content: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut content, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

fn zstd_of(content: impl Read, window_log: u32) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(window_log).unwrap();
    std::io::copy(
        &mut std::io::BufReader::with_capacity(1 << 20, content),
        &mut encoder,
    )
    .unwrap();
    encoder.finish().unwrap()
}

fn zeros(table: &mut Table) {
    let ratio = "200 times the compressed size, at `zeros`";
    let window = "window in a zstd frame";
    let rows = [
        (
            "b41",
            "128 MiB of zeros in gzip",
            gzip_of(tar_of_zeros()),
            ratio,
        ),
        (
            "b41-zstd",
            "128 MiB of zeros in zstd",
            zstd_of(tar_of_zeros(), 20),
            ratio,
        ),
        (
            "b41-window",
            "128 MiB of zeros in zstd, with a window of 128 MiB",
            zstd_of(tar_of_zeros(), 27),
            window,
        ),
    ];
    for (id, what, bytes, names) in rows {
        table.row(
            id,
            what,
            Bytes::Exact(bytes),
            LimitExceeded,
            names.to_owned(),
        );
    }
    // the zeros are behind the end, where no entry counts them
    let behind = Tar::pack().end();
    let behind = std::io::Cursor::new(behind).chain(std::io::repeat(0).take(ZEROS));
    let bytes = Bytes::Exact(gzip_of(behind));
    table.row(
        "b41-behind",
        "128 MiB of zeros behind the end",
        bytes,
        LimitExceeded,
        "200 times".to_owned(),
    );
    // members of 1 MiB each, so that none of them is a bomb
    let member = gzip_of(std::io::repeat(0).take(1 << 20));
    let start = gzip(
        &Tar::pack()
            .entry(Header::new("zeros", b'0').size(ZEROS), "")
            .endless(),
    );
    let bytes = [start, member.repeat(128), gzip(&[0; 1024])].concat();
    table.row(
        "b41-members",
        "128 gzip members of zeros",
        Bytes::Exact(bytes),
        LimitExceeded,
        ratio.to_owned(),
    );
    let frame = zstandard(&vec![0; 1 << 20]);
    let start = zstandard(
        &Tar::pack()
            .entry(Header::new("zeros", b'0').size(ZEROS), "")
            .endless(),
    );
    let bytes = [start, frame.repeat(128), zstandard(&[0; 1024])].concat();
    table.row(
        "b41-frames",
        "128 zstd frames of zeros",
        Bytes::Exact(bytes),
        LimitExceeded,
        ratio.to_owned(),
    );
    let nested = Tar::pack()
        .file("inner.tar.gz", gzip_of(tar_of_zeros()))
        .file("f", "1")
        .file("f", "2");
    // what is in an archive within is not looked at: only the second `f` is wrong
    table.unsafe_tar("b41-inner", "a bomb within an archive", nested, "f");

    let manifest = Tar::new()
        .entry(Header::new("pack.yaml", b'0').size(ZEROS), "")
        .endless();
    let manifest = std::io::Cursor::new(manifest).chain(std::io::repeat(b'#').take(ZEROS));
    let bytes = Bytes::Exact(gzip_of(manifest));
    table.row(
        "b47c",
        "a manifest of 128 MiB",
        bytes,
        LimitExceeded,
        "`pack.yaml`".to_owned(),
    );

    let zip = Zip::pack().member(Member::new(
        "zeros",
        vec![0; usize::try_from(ZEROS).unwrap()],
    ));
    table.row(
        "b16a",
        "128 MiB of zeros in zip",
        Bytes::Exact(zip.bytes()),
        LimitExceeded,
        "200 times".to_owned(),
    );
    let half = Member::new("zeros", vec![0; 1 << 20]);
    let zip = (0..128).fold(Zip::pack(), |zip, number| {
        let name = format!("zeros{number}").into_bytes();
        zip.member(half.clone().both(|record| record.name.clone_from(&name)))
    });
    table.row(
        "b16-many",
        "128 files of 1 MiB of zeros in zip",
        Bytes::Exact(zip.bytes()),
        LimitExceeded,
        "200 times".to_owned(),
    );
    for (id, what, header) in [
        (
            "b42-file",
            "a file that says it has 512 MiB and a byte",
            Header::new("f", b'0').size((512 << 20) + 1),
        ),
        (
            "b42-pack",
            "a file that says it has 1 TiB",
            Header::new("f", b'0').set(super::tar::field::SIZE, b"\x80\0\0\0\0\0\x01\0\0\0\0\0"),
        ),
    ] {
        let bytes = Bytes::Tar(Tar::pack().entry(header, "x").end());
        table.row(id, what, bytes, LimitExceeded, "`f`".to_owned());
    }
}

/// Entries that share their bytes.
fn overlaps(table: &mut Table) {
    let kernel = Member::new("0", vec![0; 4 << 20]);
    let zip = (1..2000).fold(Zip::new().member(kernel.clone()), |zip, number| {
        let name = number.to_string().into_bytes();
        zip.member(kernel.clone().with(|member| {
            member.central.name.clone_from(&name);
            member.local.name = name;
            member.data.clear();
        }))
    });
    let bytes = Bytes::Exact(zip.bytes());
    table.row(
        "b14",
        "2000 entries of the same 4 MiB",
        bytes,
        InvalidArchive,
        "`1`".to_owned(),
    );

    let zip = (1..2000).fold(Zip::new().member(kernel.clone()), |zip, number| {
        zip.member(kernel.clone().with(|member| {
            member.central.name = number.to_string().into_bytes();
            member.local.name.clone_from(&member.central.name);
            member.offset = Some(0);
        }))
    });
    let zip = zip.with(|zip| {
        // only the first is really there
        for member in &mut zip.members[1..] {
            member.data.clear();
            member.local.extra.clear();
        }
    });
    let bytes = Bytes::Exact(zip.bytes());
    table.row(
        "b14-place",
        "2000 entries at one place",
        bytes,
        InvalidArchive,
        "`".to_owned(),
    );
    table.row(
        "b14-quoted",
        "500 entries, each of which quotes the next",
        Bytes::Exact(quoted_overlap(500)),
        InvalidArchive,
        "`0000`".to_owned(),
    );
}

/// Each entry's data is a stored block with the header of the next entry, and then the data of that.
fn quoted_overlap(count: usize) -> Vec<u8> {
    let kernel = Member::new("", vec![0; 1 << 20]);
    let header = 30 + 4;
    let mut places = Vec::new();
    let mut at = 0;
    for _ in 0..count {
        places.push(at);
        at += header + 5;
    }
    let data_end = at - 5 + kernel.data.len();
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let number = |value: usize| u32::try_from(value).unwrap();
    for (index, place) in places.iter().enumerate() {
        let packed = data_end - place - header;
        let size = (1 << 20) + (count - 1 - index) * header;
        let fields = [0x21_0000, kernel.local.crc, number(packed), number(size), 4]
            .map(u32::to_le_bytes)
            .concat();
        out.extend(signature::LOCAL.to_le_bytes());
        out.extend([20, 0, 0, 0, 8, 0]);
        out.extend(&fields);
        out.extend(format!("{index:04}").bytes());
        if index + 1 < count {
            let length = u16::try_from(header).unwrap();
            out.push(0);
            out.extend([length, !length].map(u16::to_le_bytes).concat());
        } else {
            out.extend(&kernel.data);
        }
        directory.extend(signature::CENTRAL.to_le_bytes());
        directory.extend([20, 3, 20, 0, 0, 0, 8, 0]);
        directory.extend(&fields);
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(number(*place).to_le_bytes());
        directory.extend(format!("{index:04}").bytes());
    }
    let start = number(out.len());
    let count = u16::try_from(count).unwrap();
    out.extend(&directory);
    out.extend(signature::END.to_le_bytes());
    out.extend([0, 0, count, count].map(u16::to_le_bytes).concat());
    out.extend(
        [number(directory.len()), start]
            .map(u32::to_le_bytes)
            .concat(),
    );
    out.extend([0, 0]);
    out
}

/// More entries than a pack may have.
fn entries(table: &mut Table) {
    let limit = format!("{ENTRIES} entries");
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for number in 0..=ENTRIES {
        files.extend(Tar::new().file(format!("f{number}"), "").endless());
        folders.extend(Tar::new().folder(format!("d{number}/")).endless());
    }
    table.row(
        "b42a",
        "more files than there may be entries",
        Bytes::Exact(gzip(&files)),
        LimitExceeded,
        format!("{limit}, at `f{ENTRIES}`"),
    );
    table.row(
        "b42b",
        "more folders than there may be entries",
        Bytes::Exact(zstandard(&folders)),
        LimitExceeded,
        format!("{limit}, at `d{ENTRIES}`"),
    );
    let path = vec!["d"; 60].join("/");
    let tar = (0..70).fold(Tar::new(), |tar, number| {
        tar.long(b'L', format!("{number}/{path}")).file("x", "")
    });
    table.row(
        "b42-implied",
        "70 files in 60 folders each",
        Bytes::Exact(gzip(&tar.end())),
        LimitExceeded,
        format!("{limit}, at `"),
    );
    table.row(
        "b30",
        "100,001 files in zip",
        Bytes::Exact(many_zip(100_001)),
        LimitExceeded,
        limit,
    );
}

/// A zip archive of so many empty files, with the wide end that it needs.
pub(super) fn many_zip(count: u32) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for number in 0..count {
        let at = u32::try_from(out.len()).unwrap();
        out.extend(signature::LOCAL.to_le_bytes());
        out.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        out.extend([0; 12]);
        out.extend([6, 0, 0, 0]);
        out.extend(format!("{number:06}").bytes());
        directory.extend(signature::CENTRAL.to_le_bytes());
        directory.extend([20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        directory.extend([0; 12]);
        directory.extend([6, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(format!("{number:06}").bytes());
    }
    let (start, size) = (out.len() as u64, directory.len() as u64);
    out.extend(directory);
    let end = out.len() as u64;
    out.extend(signature::END64.to_le_bytes());
    out.extend(44_u64.to_le_bytes());
    out.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(
        [count.into(), count.into(), size, start]
            .map(u64::to_le_bytes)
            .concat(),
    );
    out.extend(signature::LOCATOR64.to_le_bytes());
    out.extend(0_u32.to_le_bytes());
    out.extend(end.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    out.extend(signature::END.to_le_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend([0xff; 12]);
    out.extend([0, 0]);
    out
}

/// Names and targets that fill the memory: they are kept until the archive is unpacked.
fn names(table: &mut Table) {
    let folder = "n".repeat(200);
    let path = vec![folder.as_str(); 19].join("/");
    let zip = (0..2000).fold(Zip::new(), |zip, number| {
        zip.member(Member::stored(format!("{path}/{number}"), ""))
    });
    table.row(
        "b43-names",
        "7 MB of names",
        Bytes::Exact(zip.bytes()),
        LimitExceeded,
        "bytes in all names".to_owned(),
    );
    let target = format!("{}{}", "x/../".repeat(60), "y".repeat(3700));
    let zip = (0..2000).fold(Zip::new(), |zip, number| {
        zip.member(Member::new(format!("l{number}"), &target).unix(0o120_777))
    });
    table.row(
        "b43-targets",
        "8 MB of targets",
        Bytes::Exact(zip.bytes()),
        LimitExceeded,
        "bytes in all names".to_owned(),
    );
}
