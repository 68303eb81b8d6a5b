//! Changes of archives, of the kinds that get further than noise does.

use super::tar::{self, BLOCK};
use crate::support::numbers::Numbers;

/// The same bytes with one to four changes. Half of the tar archives get right checksums again, so that the changes in
/// their headers are read.
#[must_use]
pub(super) fn changed(bytes: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        change(&mut bytes, other, numbers);
    }
    if numbers.below(2) == 0 {
        for block in bytes.chunks_exact_mut(BLOCK) {
            if block[tar::field::MAGIC].starts_with(b"ustar") {
                tar::seal(block);
            }
        }
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let blocks = bytes.len() / BLOCK;
    let at = numbers.below(bytes.len());
    let end = (at + numbers.below(40)).min(bytes.len());
    match numbers.below(9) {
        0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
        2 if !bytes.is_empty() => {
            bytes[at] = [0, 0x7f, 0x80, 0xff, b'/', b'.', b'5', b'2'][numbers.below(8)];
        }
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 if blocks > 1 => {
            let (one, two) = (numbers.below(blocks), numbers.below(blocks));
            let (first, last) = (one.min(two) * BLOCK, one.max(two) * BLOCK);
            if first < last {
                let (head, tail) = bytes.split_at_mut(last);
                head[first..first + BLOCK].swap_with_slice(&mut tail[..BLOCK]);
            }
        }
        6 if blocks > 0 => {
            let from = numbers.below(blocks) * BLOCK;
            let again = bytes[from..from + BLOCK].to_vec();
            let to = numbers.below(blocks + 1) * BLOCK;
            bytes.splice(to..to, again);
        }
        7 if end - at >= 4 => {
            // sizes, places and counts are mostly of four bytes
            let odd = [0_u32, 1, 0x7fff_ffff, u32::MAX][numbers.below(4)];
            bytes[at..at + 4].copy_from_slice(&odd.to_le_bytes());
        }
        _ => {
            let from = numbers.below(other.len());
            let to = (from + numbers.below(BLOCK)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
    }
}
