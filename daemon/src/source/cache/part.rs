//! What has come of a URL so far, and what the server said of it.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use fs_err::File;
use packd_format::Digest;
use serde::{Deserialize, Serialize};

use super::{Cache, PART, RECORD, key_of, name_of, remove};
use crate::config::SafeUrl;
use crate::fault;
use crate::net::{Mark, Partial, Validators};
use crate::store;

/// How many bytes are kept between two looks at the space that is left.
const LOOK_EVERY: u64 = 8 * 1024 * 1024;
/// By how many milliseconds the moment of the boot may seem to move, because the clock is set.
const SAME_BOOT: u64 = 5_000;

/// What the server said of what a URL has: `<key>.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::source) struct Record {
    etag: Option<String>,
    last_modified: Option<String>,
    /// What its rest can be asked for with.
    mark: Option<(String, u64)>,
    /// Which archive it became, once it was whole.
    digest: Option<String>,
    /// The boot in which its part was written, in milliseconds since 1970. After another one nobody knows
    /// whether all of the part reached the disk.
    boot: u64,
}

impl Record {
    /// Of an answer.
    pub(in crate::source) fn of(validators: &Validators, mark: Option<&Mark>) -> Self {
        Self {
            etag: validators.etag.clone(),
            last_modified: validators.last_modified.clone(),
            mark: mark.map(|mark| (mark.validator.clone(), mark.total)),
            digest: None,
            boot: boot(),
        }
    }

    /// The name of the archive that it became.
    pub(super) fn archive(&self) -> Option<String> {
        let digest: Digest = self.digest.as_deref()?.parse().ok()?;
        Some(name_of(&digest))
    }

    fn validators(&self) -> Option<Validators> {
        (self.etag.is_some() || self.last_modified.is_some()).then(|| Validators {
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
        })
    }
}

/// What is known of a URL before it is asked.
#[derive(Debug, Default)]
pub(in crate::source) struct Begun {
    /// The whole archive that it was, to be used if the server says that it still is.
    pub(in crate::source) before: Option<(PathBuf, Digest, Validators)>,
    /// The beginning of it.
    pub(in crate::source) partial: Option<Partial>,
}

impl Cache {
    /// What is known of `url`. `proven`: what comes of it will be compared with a digest. Blocks.
    pub(in crate::source) fn begun(&self, url: &SafeUrl, proven: bool) -> Begun {
        let key = key_of(url);
        let Some(record) = self.record(&key) else {
            return Begun::default();
        };
        let digest: Option<Digest> = record.digest.as_deref().and_then(|text| text.parse().ok());
        let before = digest
            .filter(|_| !proven)
            .and_then(|digest| Some((self.archive(&digest)?, digest, record.validators()?)));
        let has = fs_err::metadata(self.part(&key)).map_or(0, |part| part.len());
        let same_boot = boot().abs_diff(record.boot) <= SAME_BOOT;
        let partial = record.mark.and_then(|(validator, total)| {
            let is_some = has > 0 && has < total && (proven || same_boot);
            is_some.then_some(Partial {
                mark: Mark { validator, total },
                bytes: has,
            })
        });
        Begun { before, partial }
    }

    /// Keeps what comes of `url` from now on, behind the first `begins_at` bytes of it that are there, and gives
    /// a reader of those. What cannot be written is not kept, and the reason is logged. Blocks.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub(in crate::source) fn keep(
        &self,
        url: &SafeUrl,
        record: Record,
        begins_at: u64,
    ) -> io::Result<(Keeper, Option<io::Take<File>>)> {
        let key = key_of(url);
        let path = self.part(&key);
        let beginning = match begins_at {
            0 => None,
            bytes => Some(File::open(&path)?.take(bytes)),
        };
        let opened = self.open(&key, &record, begins_at);
        let file = opened
            .inspect_err(|error| tracing::warn!(%error, "a download cannot be kept"))
            .ok();
        let keeper = Keeper {
            cache: self.clone(),
            key,
            record,
            file,
            unseen: 0,
        };
        Ok((keeper, beginning))
    }

    /// The part of `key` for what comes after its first `begins_at` bytes.
    fn open(&self, key: &str, record: &Record, begins_at: u64) -> io::Result<File> {
        let path = self.part(key);
        if begins_at == 0 {
            // first, so that what is there never goes under another record
            remove(&path);
        }
        self.put(key, record)?;
        let mut options = fs_err::OpenOptions::new();
        let file = options.create(true).append(true).open(&path)?;
        file.set_len(begins_at)?;
        Ok(file)
    }

    pub(super) fn record(&self, key: &str) -> Option<Record> {
        let text = fs_err::read(self.place(key)).ok()?;
        // one that was half written is none
        serde_json::from_slice(&text).ok()
    }

    fn put(&self, key: &str, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec(record).map_err(io::Error::other)?;
        fs_err::write(self.place(key), text)
    }

    fn place(&self, key: &str) -> PathBuf {
        self.inner.folder.join(format!("{key}.{RECORD}"))
    }

    fn part(&self, key: &str) -> PathBuf {
        self.inner.folder.join(format!("{key}.{PART}"))
    }

    /// Whether there is so little space that keeping more would take what must stay free.
    fn is_short_of_space(&self) -> bool {
        let reserve = self.inner.config.current().store.min_free.bytes();
        store::tree::free_bytes_at(&self.inner.folder).is_ok_and(|free| free < reserve)
    }
}

/// Keeps what comes of one URL. Dropped without a word, it leaves what there is to be gone on with.
#[derive(Debug)]
pub(in crate::source) struct Keeper {
    cache: Cache,
    key: String,
    record: Record,
    /// None when nothing is kept, or nothing any more.
    file: Option<File>,
    /// Bytes since the last look at the space.
    unseen: u64,
}

impl Keeper {
    fn add(&mut self, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        self.unseen += bytes.len() as u64;
        let mut is_short = false;
        if self.unseen >= LOOK_EVERY {
            self.unseen = 0;
            is_short = self.cache.is_short_of_space();
        }
        match file.write_all(bytes) {
            Ok(()) if !is_short => {}
            // the install itself is worth more than its archive
            Ok(()) => {
                tracing::info!("a download is not kept: too little space is free");
                self.forget();
            }
            Err(error) => {
                tracing::warn!(%error, "a download is not kept");
                self.forget();
            }
        }
    }

    /// All of it has come, and it has this digest. Blocks.
    pub(in crate::source) fn whole(mut self, digest: &Digest) {
        if self.file.take().is_none() {
            return;
        }
        let part = self.cache.part(&self.key);
        let archive = self.cache.inner.folder.join(name_of(digest));
        let record = Record {
            mark: None,
            digest: Some(digest.to_string()),
            ..self.record.clone()
        };
        let kept = fs_err::rename(part, archive).and_then(|()| {
            fault::point("archive.kept");
            self.cache.put(&self.key, &record)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "a download is not kept");
        }
        self.cache.trim(self.cache.limit());
    }

    /// It broke off. Blocks.
    pub(in crate::source) fn broken(mut self) {
        if self.record.mark.is_none() {
            self.forget();
        }
        self.file = None;
        self.cache.trim(self.cache.limit());
    }

    /// What came is nothing to go on with: it is not what was promised, or no archive. Blocks.
    pub(in crate::source) fn wrong(mut self) {
        self.forget();
    }

    fn forget(&mut self) {
        self.file = None;
        remove(&self.cache.part(&self.key));
        remove(&self.cache.place(&self.key));
    }
}

/// A reader whose bytes are kept as they are read.
pub(in crate::source) struct Kept<'a, R> {
    pub(in crate::source) reader: R,
    pub(in crate::source) keeper: &'a mut Keeper,
}

impl<R: Read> Read for Kept<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.keeper.add(&buffer[..count]);
        Ok(count)
    }
}

/// When this host was started, in milliseconds since 1970.
fn boot() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let millis = |clock| {
        let time = clock_gettime(clock);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
        seconds * 1_000 + nanos / 1_000_000
    };
    millis(ClockId::Realtime).saturating_sub(millis(ClockId::Boottime))
}
