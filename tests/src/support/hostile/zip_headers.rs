//! What zip archives say of their entries, at two places, where it is not so.

use packd_wire::ErrorKind;

use super::zip::{LATER, Member, Record, Zip, deflated, extra};
use super::{Bytes, Table, quoted};

pub(super) fn add(table: &mut Table) {
    disagree(table);
    descriptors(table);
    wide(table);
    packed(table);
    lies(table);
}

/// An id, what it is, and how it is done.
type Change<T> = (&'static str, &'static str, fn(&mut T));

fn member() -> Member {
    Member::new("f", "the content of a file")
}

fn bad(table: &mut Table, id: &str, what: &str, member: Member) {
    table.bad_zip(id, what, Zip::pack().member(member).file("last", "x"), "f");
}

/// The header before the data, and the directory.
fn disagree(table: &mut Table) {
    let changes: [Change<Record>; 12] = [
        ("z07", "another name before the data", |record| {
            record.name = b"g".to_vec();
        }),
        (
            "z07-out",
            "a name that leads out before the data",
            |record| record.name = b"../outside".to_vec(),
        ),
        ("z07-longer", "a longer name before the data", |record| {
            record.name = b"ff".to_vec();
        }),
        (
            "z07-case",
            "a name in other letters before the data",
            |record| record.name = b"F".to_vec(),
        ),
        ("z07-none", "no name before the data", |record| {
            record.name.clear();
        }),
        ("z08", "another size before the data", |record| {
            record.size += 1;
        }),
        (
            "z08-packed",
            "another packed size before the data",
            |record| record.packed -= 1,
        ),
        ("z08-crc", "another checksum before the data", |record| {
            record.crc ^= 1;
        }),
        (
            "z08-open",
            "no sizes before the data, and none behind it",
            |record| {
                (record.crc, record.packed, record.size) = (0, 0, 0);
            },
        ),
        ("z08-method", "another method before the data", |record| {
            record.method = 0;
        }),
        ("z08-flags", "other flags before the data", |record| {
            record.flags = LATER;
        }),
        ("z08-signature", "no header before the data", |record| {
            record.signature ^= 1;
        }),
    ];
    for (id, what, change) in changes {
        bad(
            table,
            id,
            what,
            member().with(|member| change(&mut member.local)),
        );
    }
    let central = member().with(|member| member.central.flags |= LATER);
    bad(
        table,
        "z08-flags-central",
        "a descriptor only by the directory",
        central,
    );
    let offset = member().with(|member| member.offset = Some(0));
    table.bad_zip(
        "z35",
        "an entry at the place of another",
        Zip::pack().member(offset),
        "pack.yaml",
    );
    let offset = member().with(|member| member.offset = Some(7));
    table.bad_zip(
        "z35-within",
        "an entry within another",
        Zip::pack().member(offset),
        "pack.yaml",
    );
    let offset = member().with(|member| member.offset = Some(1 << 30));
    table.bad_zip(
        "z35-beyond",
        "an entry behind the end",
        Zip::pack().member(offset),
        "pack.yaml",
    );
    let disk = member().with(|member| member.disk = 1);
    bad(table, "z33-entry", "an entry in another part", disk);
}

fn descriptors(table: &mut Table) {
    let later = || member().later();
    let changes: [Change<Vec<u8>>; 8] = [
        ("z09", "a descriptor with another checksum", |after| {
            after[5] ^= 1;
        }),
        (
            "z09-packed",
            "a descriptor with another packed size",
            |after| after[8] ^= 1,
        ),
        ("z09-size", "a descriptor with another size", |after| {
            after[12] ^= 1;
        }),
        (
            "z09-signature",
            "a descriptor with another signature",
            |after| after[0] ^= 1,
        ),
        ("z10", "no descriptor", Vec::clear),
        ("z10-half", "half a descriptor", |after| after.truncate(9)),
        ("z10-more", "something behind a descriptor", |after| {
            after.extend([0; 7]);
        }),
        ("z10-two", "two descriptors", |after| {
            let again = after.clone();
            after.extend(again);
        }),
    ];
    for (id, what, change) in changes {
        bad(
            table,
            id,
            what,
            later().with(|member| change(&mut member.after)),
        );
    }
    let wide = later().with(|member| {
        let numbers = [member.central.packed, member.central.size].map(u64::from);
        member.after = [&member.after[..8], &numbers.map(u64::to_le_bytes).concat()].concat();
    });
    bad(
        table,
        "z10-wide",
        "a wide descriptor that nothing announces",
        wide,
    );
    let unannounced = member().with(|member| member.after = member.descriptor());
    bad(
        table,
        "z10-unannounced",
        "a descriptor that nothing announces",
        unannounced,
    );
    let early = later().with(|member| member.local.size = 1);
    bad(
        table,
        "z08-later",
        "another size before the data, and the right one behind it",
        early,
    );
    let stored = Member::stored("f", [&Zip::pack().bytes()[..], b"tail"].concat()).later();
    let found = stored.with(|member| {
        // the length that a reader finds who looks for the next descriptor
        member.data.splice(0..0, member.descriptor());
    });
    bad(
        table,
        "z10-search",
        "a stored entry with a descriptor within",
        found,
    );
}

/// Numbers of 64 bits.
fn wide(table: &mut Table) {
    let field = |numbers: &[u64]| {
        extra(
            1,
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect::<Vec<_>>(),
        )
    };
    let full = |record: &mut Record| (record.size, record.packed) = (u32::MAX, u32::MAX);
    let stray = field(&[1, 1]);
    let rows: [(&str, &str, Member); 7] = [
        (
            "z17",
            "an entry of 4 EiB",
            member().with(|member| {
                member.central.extra = field(&[1 << 62]);
                member.central.size = u32::MAX;
            }),
        ),
        (
            "z17-packed",
            "an entry of 2^64-1 packed bytes",
            member().both(|record| {
                record.extra = field(&[21, u64::MAX]);
                full(record);
            }),
        ),
        (
            "z18",
            "a field that states other sizes",
            member().with(|member| member.central.extra.clone_from(&stray)),
        ),
        (
            "z18-local",
            "a field before the data with other sizes",
            member().with(|member| member.local.extra.clone_from(&stray)),
        ),
        (
            "z18-short",
            "a field that is too short",
            member().both(|record| {
                record.extra = extra(1, [0; 7]);
                full(record);
            }),
        ),
        (
            "z18-none",
            "sizes that are elsewhere, and nowhere",
            member().both(full),
        ),
        (
            "z18-two",
            "two fields",
            member().both(|record| record.extra = [extra(1, []), extra(1, [])].concat()),
        ),
    ];
    for (id, what, member) in rows {
        bad(table, id, what, member);
    }
    let offset = member().with(|member| {
        member.central.extra = field(&[u64::MAX]);
        member.offset = Some(u32::MAX);
    });
    table.bad_zip(
        "z18-offset",
        "an entry at 2^64-1",
        Zip::pack().member(offset),
        "pack.yaml",
    );
    let huge = member().both(|record| {
        record.extra = field(&[1 << 62, u64::from(record.packed)]);
        full(record);
    });
    let bytes = Bytes::Exact(Zip::pack().member(huge).bytes());
    table.row(
        "z17-agreed",
        "an entry of 4 EiB at both places",
        bytes,
        ErrorKind::LimitExceeded,
        quoted("f"),
    );
    for (id, what, broken) in [
        (
            "z18-broken",
            "an extra field that is longer than it is",
            vec![1, 0, 9, 0, 0],
        ),
        ("z18-rest", "an extra field without a length", vec![1, 2]),
    ] {
        bad(
            table,
            id,
            what,
            member().with(|member| member.central.extra.clone_from(&broken)),
        );
        let local = member().with(|member| member.local.extra = broken);
        bad(table, &format!("{id}-local"), what, local);
    }
}

/// What the entries are packed in.
fn packed(table: &mut Table) {
    for (id, what, flags) in [
        ("z22", "an entry with a password", 1),
        ("z22-strong", "strong encryption", 1 << 6),
        ("z22-masked", "encrypted headers", 1 << 13),
        ("z22-patch", "a patch", 1 << 5),
        ("z22-unknown", "flags that nobody knows", 1 << 15),
    ] {
        bad(
            table,
            id,
            what,
            member().both(|record| record.flags |= flags),
        );
    }
    for (id, what, method) in [
        ("z23", "AES", 99),
        ("z24", "bzip2", 12),
        ("z24-lzma", "lzma", 14),
        ("z24-zstd", "zstd", 93),
        ("z24-deflate64", "deflate64", 9),
        ("z24-implode", "implode", 6),
        ("z24-unknown", "a method that nobody knows", 77),
    ] {
        bad(
            table,
            id,
            what,
            member().both(|record| record.method = method),
        );
    }
    let field = extra(0x9901, [2, 0, b'A', b'E', 3, 8, 0]);
    bad(
        table,
        "z23-field",
        "AES by an extra field",
        member().both(|record| record.extra.clone_from(&field)),
    );
    let field = extra(0x0017, [0; 8]);
    bad(
        table,
        "z23-strong",
        "encryption by an extra field",
        member().both(|record| record.extra.clone_from(&field)),
    );
}

/// Content that is not as long, or not what, it says.
fn lies(table: &mut Table) {
    let zeros = |size: u32| Member::new("f", vec![0; 100_000]).both(|record| record.size = size);
    let data = |data: Vec<u8>| {
        member().with(|member| {
            let packed = u32::try_from(data.len()).unwrap();
            member.data = data;
            (member.local.packed, member.central.packed) = (packed, packed);
        })
    };
    let good = deflated(b"the content of a file");
    let rows: [(&str, &str, Member); 11] = [
        (
            "z11",
            "a wrong checksum",
            member().both(|record| record.crc ^= 1),
        ),
        (
            "z11-stored",
            "a wrong checksum of stored bytes",
            Member::stored("f", "x").both(|record| record.crc ^= 1),
        ),
        ("z16b", "more than it says", zeros(10)),
        ("z16b-none", "more than the nothing that it says", zeros(0)),
        ("z16b-less", "less than it says", zeros(100_001)),
        (
            "z16b-stored",
            "stored bytes of another length",
            Member::stored("f", "content").both(|record| record.size -= 1),
        ),
        (
            "z11-noise",
            "data that is not deflate",
            data(vec![0xff; 30]),
        ),
        (
            "z11-cut",
            "data that ends too early",
            data(good[..5].to_vec()),
        ),
        ("z11-empty", "no data", data(Vec::new())),
        (
            "z11-more",
            "more behind the data",
            data([&good[..], b"hidden"].concat()),
        ),
        ("z11-two", "two streams", data([&good[..], &good].concat())),
    ];
    for (id, what, member) in rows {
        bad(table, id, what, member);
    }
    let huge = Member::new("f", vec![0; 32 << 20]).both(|record| record.size = 10);
    bad(
        table,
        "z16b-huge",
        "32 MiB that say they are 10 bytes",
        huge,
    );
}
