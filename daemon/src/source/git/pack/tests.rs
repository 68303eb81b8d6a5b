#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tokio_util::sync::CancellationToken;

use super::super::guard::Bounds;
use super::*;
use crate::net::Rate;

const BLOB: u8 = 3;
const CHANGE: u8 = 6;

/// A pack that is written by hand; see gitformat-pack(5).
struct Pack {
    bytes: Vec<u8>,
    objects: u32,
}

impl Pack {
    fn new() -> Self {
        Self {
            bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(),
            objects: 0,
        }
    }

    fn push(&mut self, kind: u8, base: Option<usize>, content: &[u8]) -> usize {
        let at = self.bytes.len();
        let mut size = content.len();
        let mut byte = kind << 4 | u8::try_from(size & 15).unwrap();
        size >>= 4;
        while size > 0 {
            self.bytes.push(byte | 0x80);
            byte = u8::try_from(size & 0x7f).unwrap();
            size >>= 7;
        }
        self.bytes.push(byte);
        if let Some(base) = base {
            // the distance, highest bits first; each further byte stands for one more
            let mut distance = at - base;
            let mut encoded = vec![u8::try_from(distance & 0x7f).unwrap()];
            while distance > 0x7f {
                distance = (distance >> 7) - 1;
                encoded.push(0x80 | u8::try_from(distance & 0x7f).unwrap());
            }
            encoded.reverse();
            self.bytes.extend(encoded);
        }
        let mut zlib = ZlibEncoder::new(&mut self.bytes, Compression::best());
        zlib.write_all(content).unwrap();
        zlib.finish().unwrap();
        self.objects += 1;
        at
    }

    /// A change of an object of `of` zeros: copies pieces of it until there are `to` of them.
    fn change(&mut self, base: usize, of: u32, to: u32) -> usize {
        let mut content = Vec::new();
        for mut size in [of, to] {
            while size > 0x7f {
                content.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
                size >>= 7;
            }
            content.push(u8::try_from(size).unwrap());
        }
        let mut left = to;
        while left > 0 {
            let piece = left.min(0x00ff_ffff);
            let [_, high, middle, low] = piece.to_be_bytes();
            content.extend([0xf0, low, middle, high]);
            left -= piece;
        }
        self.push(CHANGE, Some(base), &content)
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes[8..12].copy_from_slice(&self.objects.to_be_bytes());
        let mut hasher = gix::hash::hasher(Kind::Sha1);
        hasher.update(&self.bytes);
        let digest = hasher.try_finalize().unwrap();
        self.bytes.extend(digest.as_slice());
        self.bytes
    }
}

/// Writes a pack into a folder; what of it lies there then, and why the guard ended it.
fn outcome(pack: Pack) -> (Vec<String>, Option<GitError>) {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds {
        from: "https://git.example/slack.git".into(),
        bytes: 1 << 30,
        idle: Duration::from_mins(1),
        total: Duration::from_mins(1),
        rate: Arc::new(Rate::default()),
        space: (folder.path().to_owned(), 0),
    };
    let guard = Guard::new(bounds, CancellationToken::new());
    let limits = Limits {
        guard: &guard,
        from: "https://git.example/slack.git",
        object: 32 << 20,
    };
    let bytes = pack.finish();
    let nothing: Option<gix::objs::find::Never> = None;
    let written = write(
        &mut bytes.as_slice(),
        folder.path(),
        nothing,
        &limits,
        guard.interrupt(),
    );
    let names = fs_err::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut endings: Vec<_> = names
        .map(|name| name[name.len() - 4..].to_owned())
        .collect();
    endings.sort();
    let trouble = guard.take_trouble();
    assert_eq!(written.is_err(), endings.is_empty(), "{written:?}");
    (endings, trouble)
}

const SIZE: u32 = 20 << 20;

#[test]
fn a_chain_of_large_objects_is_indexed() {
    let mut pack = Pack::new();
    let mut last = pack.push(BLOB, None, &vec![0; SIZE as usize]);
    for _ in 0..8 {
        last = pack.change(last, SIZE, SIZE);
    }
    let (files, trouble) = outcome(pack);
    assert!(trouble.is_none(), "{trouble:?}");
    assert_eq!(files, [".idx", "pack"]);
}

#[test]
fn a_small_pack_that_takes_much_memory_is_given_up_before_its_objects_are_made() {
    let mut pack = Pack::new();
    let mut last = pack.push(BLOB, None, &vec![0; SIZE as usize]);
    for _ in 0..8 {
        // the one that is made last keeps its base waiting
        let next = pack.change(last, SIZE, SIZE);
        pack.change(last, SIZE, 1);
        last = next;
    }
    assert!(pack.bytes.len() < 64 << 10, "{}", pack.bytes.len());
    let (files, trouble) = outcome(pack);
    assert!(files.is_empty(), "nothing stays: {files:?}");
    let Some(GitError::Chains { needed, limit, .. }) = trouble else {
        panic!("{trouble:?}");
    };
    assert!(needed > limit, "{needed} {limit}");
}
