//! What it takes to make the objects of a pack that are changes of others.
//!
//! Whoever makes them goes from an object to those that are made of it, one branch after the other. An object stays in
//! memory as long as another branch of it is still to come.

use std::collections::HashMap;

use flate2::{Decompress, FlushDecompress};
use gix_pack::data::entry::Header;
use gix_pack::data::input::Entry;

/// The objects of a pack, as far as they depend on each other.
#[derive(Default)]
pub(super) struct Chains {
    objects: Vec<Object>,
    /// The places in `objects`, by the offsets in the pack.
    places: HashMap<u64, usize>,
    /// The bytes of objects that are made of one whose place is not known before all have come.
    elsewhere: u64,
    inflate: Option<Decompress>,
}

struct Object {
    size: u64,
    base: Option<usize>,
    branches: u32,
}

impl Chains {
    /// Takes note of the next object. It still has its bytes.
    pub(super) fn push(&mut self, entry: &Entry) {
        let (base, size) = match entry.header {
            Header::OfsDelta { base_distance } => {
                let offset = entry.pack_offset.checked_sub(base_distance);
                let base = offset.and_then(|offset| self.places.get(&offset).copied());
                (base, self.size_of_change(entry))
            }
            Header::RefDelta { .. } => {
                let size = self.size_of_change(entry);
                self.elsewhere = self.elsewhere.saturating_add(size);
                (None, size)
            }
            _ => (None, entry.decompressed_size),
        };
        if let Some(object) = base.and_then(|base| self.objects.get_mut(base)) {
            object.branches = object.branches.saturating_add(1);
        }
        self.places.insert(entry.pack_offset, self.objects.len());
        self.objects.push(Object {
            size,
            base,
            branches: 0,
        });
    }

    /// The bytes that are in memory at the same time, at most, while one thread makes the objects.
    pub(super) fn needed(&self) -> u64 {
        // of all objects above this one, those that have another branch
        let mut waiting: Vec<u64> = Vec::with_capacity(self.objects.len());
        let mut most = 0;
        for object in &self.objects {
            let base = object
                .base
                .and_then(|at| Some((self.objects.get(at)?, waiting.get(at)?)));
            let (above, of_base) = match base {
                Some((base, above)) if base.branches > 1 => (above.saturating_add(base.size), 0),
                Some((base, above)) => (*above, base.size),
                None => (0, 0),
            };
            most = most.max(above.saturating_add(of_base).saturating_add(object.size));
            waiting.push(above);
        }
        most.saturating_add(self.elsewhere)
    }

    /// The size of the object that a change leads to, as the change itself says at its beginning: the size of the
    /// base, then this one, seven bits in a byte, the lowest first; see gitformat-pack(5). One that does not say it
    /// is none, and the library refuses it.
    fn size_of_change(&mut self, entry: &Entry) -> u64 {
        let compressed = entry.compressed.as_deref().unwrap_or_default();
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(true));
        inflate.reset(true);
        let mut head = [0; 20];
        if inflate
            .decompress(compressed, &mut head, FlushDecompress::None)
            .is_err()
        {
            return 0;
        }
        let come = usize::try_from(inflate.total_out()).unwrap_or_default();
        let mut bytes = head.iter().take(come).copied();
        number(&mut bytes);
        number(&mut bytes)
    }
}

fn number(bytes: &mut impl Iterator<Item = u8>) -> u64 {
    let mut value = 0_u64;
    for (shift, byte) in (0..64).step_by(7).zip(bytes) {
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests;
