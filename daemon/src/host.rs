//! What tells this host from the others of its fleet, and the lots that it draws by that.
//!
//! A lot is a hash: it is the same whenever it is drawn, and nothing is gained by drawing again. The machine id itself is
//! told to nobody. By their lots hosts ask registries and begin updates at moments of their own, and are among the first of a
//! phased rollout or not.

use packd_format::Digest;

use crate::store::{self, Database, StoreError};

/// Where the machine id is, see machine-id(5).
const MACHINE_ID: &str = "/etc/machine-id";

/// This host, as against the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host(String);

/// A share of a whole, as a part of 2³².
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share(u32);

impl Host {
    /// A host of this id.
    #[must_use]
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// This host: its machine id, or where it has none what is made up once and kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn of_machine(database: &Database) -> Result<Self, StoreError> {
        let known = store::off_thread(|| Ok(fs_err::read_to_string(MACHINE_ID).ok())).await?;
        if let Some(id) = known.as_deref().map(str::trim).filter(|id| is_id(id)) {
            return Ok(Self::new(id));
        }
        if let Some(id) = database.read(store::update::host_id).await? {
            return Ok(Self::new(id));
        }
        database
            .write(store::update::make_host_id)
            .await
            .map(Self::new)
    }

    /// Whether it is among the first `percent` of a hundred that a version of a pack is for. Who is among the first 10 is
    /// among the first 25 too.
    #[must_use]
    pub(crate) fn takes_part(&self, pack_ref: &str, version: &str, percent: u8) -> bool {
        let lot = self.lot(&["phase", pack_ref, version]);
        u64::from(lot.0) * 100 < u64::from(percent) << 32
    }

    /// Its part of the time over which a fleet asks a registry for updates.
    #[must_use]
    pub(crate) fn part(&self, registry: &str) -> Share {
        self.lot(&["splay", registry])
    }

    /// Its lot for these words, of which the first says what it is drawn for.
    #[must_use]
    pub(crate) fn lot(&self, words: &[&str]) -> Share {
        let mut bytes = Vec::new();
        for word in [self.0.as_str()].iter().chain(words) {
            bytes.extend_from_slice(word.as_bytes());
            // no word has this byte
            bytes.push(0);
        }
        let hex = Digest::sha256_of(&bytes).hex();
        // eight digits always are such a number
        Share(u32::from_str_radix(&hex[..8], 16).unwrap_or_default())
    }
}

impl Share {
    /// So much of a time; less than all of it.
    #[must_use]
    pub(crate) fn of(self, whole: jiff::SignedDuration) -> jiff::SignedDuration {
        let millis = i128::from(i64::try_from(whole.as_millis()).unwrap_or(i64::MAX));
        let part = (millis * i128::from(self.0)) >> 32;
        jiff::SignedDuration::from_millis(i64::try_from(part).unwrap_or(i64::MAX))
    }
}

/// Whether a text is a machine id; one that is not made yet is `uninitialized`.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn fleet() -> impl Iterator<Item = Host> {
        (0..2_000).map(|number| Host::new(format!("host{number}")))
    }

    #[test]
    fn a_rollout_grows_and_nobody_leaves_it() {
        for host in fleet() {
            let shares: Vec<u8> = (0..=100)
                .filter(|share| host.takes_part("slack", "2.1.0", *share))
                .collect();
            let first = shares.first().copied().unwrap_or(101);
            assert_eq!(shares, (first..=100).collect::<Vec<_>>(), "{host:?}");
            assert!((1..=100).contains(&first), "nobody at 0, everybody at 100");
        }
    }

    #[test]
    fn others_are_first_in_the_next_rollout() {
        let early = |version| fleet().filter(move |host| host.takes_part("slack", version, 10));
        let both = early("2.1.0")
            .filter(|host| host.takes_part("slack", "2.2.0", 10))
            .count();
        assert!((150..250).contains(&early("2.1.0").count()));
        assert!(both < 50, "a tenth of a tenth of 2000: {both}");
    }

    #[test]
    fn a_part_is_less_than_the_whole_and_spread_over_it() {
        let whole = SignedDuration::from_mins(30);
        let parts: Vec<_> = fleet().map(|host| host.part("acme").of(whole)).collect();
        assert!(
            parts
                .iter()
                .all(|part| !part.is_negative() && *part < whole)
        );
        for quarter in 0..4 {
            let from = whole / 4 * quarter;
            let here = parts
                .iter()
                .filter(|part| **part >= from && **part < from + whole / 4);
            assert!((400..600).contains(&here.count()), "quarter {quarter}");
        }
    }

    #[tokio::test]
    async fn a_host_is_the_same_one_whenever_it_asks_who_it_is() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().map_err(StoreError::io("make a folder"))?;
        let (database, _threads) = Database::open(&folder.path().join("packd.db"))?;
        let made = database.write(store::update::make_host_id).await?;
        assert!(is_id(&made), "{made}");
        assert_eq!(database.write(store::update::make_host_id).await?, made);
        let host = Host::of_machine(&database).await?;
        assert_eq!(host, Host::of_machine(&database).await?);
        Ok(())
    }

    #[test]
    fn what_is_no_machine_id_is_known() {
        for (text, expected) in [
            ("3d1219c7c4c5404aaa1f6d2a48adfda4", true),
            ("uninitialized", false),
            ("", false),
            ("3d1219c7c4c5404aaa1f6d2a48adfdag", false),
        ] {
            assert_eq!(is_id(text), expected, "{text}");
        }
    }
}
