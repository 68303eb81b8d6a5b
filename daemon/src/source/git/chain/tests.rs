#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

/// An entry at `offset`: an object of `size` bytes, or a change of the one at `base` that leads to that size.
fn entry(offset: u64, base: Option<u64>, size: u64) -> Entry {
    let mut change = ZlibEncoder::new(Vec::new(), Compression::fast());
    for mut number in [7, size] {
        while number > 0x7f {
            let low = u8::try_from(number & 0x7f).unwrap();
            change.write_all(&[low | 0x80]).unwrap();
            number >>= 7;
        }
        change.write_all(&[u8::try_from(number).unwrap()]).unwrap();
    }
    // an instruction that nobody reads here
    change.write_all(&[0x91, 0, 1]).unwrap();
    Entry {
        header: base.map_or(Header::Blob, |base| Header::OfsDelta {
            base_distance: offset - base,
        }),
        header_size: 2,
        pack_offset: offset,
        compressed: Some(change.finish().unwrap()),
        compressed_size: 1,
        crc32: None,
        decompressed_size: if base.is_some() { 5 } else { size },
        trailer: None,
    }
}

fn needed(entries: &[(u64, Option<u64>, u64)]) -> u64 {
    let mut chains = Chains::default();
    for (offset, base, size) in entries {
        chains.push(&entry(*offset, *base, *size));
    }
    chains.needed()
}

#[test]
fn a_chain_needs_two_of_its_objects() {
    let mib = 1 << 20;
    let chain = [
        (12, None, mib),
        (20, Some(12), 3 * mib),
        (30, Some(20), 2 * mib),
    ];
    assert_eq!(needed(&chain), 5 * mib);
}

#[test]
fn objects_with_another_branch_stay() {
    // each object has a small one beside the next large one
    let mut entries = vec![(100, None, 1000)];
    for level in 1..=50 {
        entries.push((100 + level * 10, Some(90 + level * 10), 1000));
        entries.push((105 + level * 10, Some(90 + level * 10), 1));
    }
    assert_eq!(needed(&entries), 51_000);
}

#[test]
fn many_objects_need_no_more_than_the_largest() {
    let entries: Vec<_> = (0..1000).map(|at| (12 + at * 9, None, at)).collect();
    assert_eq!(needed(&entries), 999);
}

#[test]
fn changes_of_objects_that_come_later_all_count() {
    let mut chains = Chains::default();
    for offset in 1..=4 {
        let mut entry = entry(offset * 10, Some(0), 300);
        entry.header = Header::RefDelta {
            base_id: gix::ObjectId::null(gix::hash::Kind::Sha1),
        };
        chains.push(&entry);
    }
    assert_eq!(chains.needed(), 1_500);
}

#[test]
fn a_change_that_is_none_has_no_size() {
    let mut chains = Chains::default();
    let mut odd = entry(30, Some(12), 300);
    odd.compressed = Some(b"no zlib".to_vec());
    chains.push(&odd);
    odd.compressed = None;
    chains.push(&odd);
    assert_eq!(chains.needed(), 0);
}
