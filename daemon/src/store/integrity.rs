//! Whether a database is in order, as far as SQLite and the meaning of its rows say.

use rusqlite::{Connection, Error, ffi};

use super::pack;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// At the structure of each page.
    Quick,
    /// At every index too.
    Full,
}

/// What of a database was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// Nothing.
    None,
    /// All but the tables in [`OF_PACKS`].
    Most,
}

/// The tables without which packd cannot say what is installed. What grows with the history is not among them, nor is
/// `generation_pack`, which has each pack once for each generation: [`check_active`] reads what of it counts.
const OF_PACKS: [&str; 4] = ["generation", "generation_number", "install", "tree"];

/// Databases up to this size, in bytes, are looked at as a whole before packd serves: that takes a hundredth of a second.
const AT_ONCE: i64 = 4 << 20;

/// Lets SQLite look at it before packd serves. A large one, unless it is suspected, only as far as packs rest on
/// it: the rest can be looked at meanwhile.
///
/// # Errors
/// Those of [`check`].
pub(super) fn check_at_start(connection: &Connection, depth: Depth) -> rusqlite::Result<Unread> {
    let of = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let size = of("page_count")?.saturating_mul(of("page_size")?);
    if depth == Depth::Full || size <= AT_ONCE {
        return check(connection, depth).map(|()| Unread::None);
    }
    tracing::info!(
        bytes = size,
        "`packd.db` is large: what says which packs are active is looked at now, the rest while packd serves"
    );
    for table in OF_PACKS {
        // an older database lacks some of them
        let is_there = connection.table_exists(None, table)?;
        if is_there {
            let look = format!("PRAGMA quick_check({table})");
            sound(connection.query_row(&look, [], |row| row.get(0))?)?;
        }
    }
    Ok(Unread::Most)
}

/// Lets SQLite look at it.
///
/// # Errors
/// `SQLITE_CORRUPT` with the first thing that is wrong.
pub(super) fn check(connection: &Connection, depth: Depth) -> rusqlite::Result<()> {
    let name = match depth {
        Depth::Quick => "quick_check",
        Depth::Full => "integrity_check",
    };
    let found = connection.query_row(&format!("PRAGMA {name}(1)"), [], |row| row.get(0))?;
    sound(found)
}

/// What such a look ended with.
fn sound(found: String) -> rusqlite::Result<()> {
    if found == "ok" {
        Ok(())
    } else {
        Err(corrupt(found))
    }
}

/// Looks at the rows that say which packs are active: a flipped bit in a text is no damage to SQLite.
///
/// # Errors
/// `SQLITE_CORRUPT` with the first pack that cannot be.
pub(super) fn check_active(connection: &Connection) -> rusqlite::Result<()> {
    let active = match pack::active(connection) {
        Ok(active) => active,
        Err(Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..)) => {
            return Err(corrupt(
                "what it says of an active pack cannot be read".into(),
            ));
        }
        Err(error) => return Err(error),
    };
    for (name, pack) in active {
        let digest = pack.record.tree.strip_prefix("sha256:").unwrap_or_default();
        let begins = format!("{name}/");
        let short = pack.dir.rsplit_once('-').map(|(_, short)| short);
        // of a tree that was lost before a rebuild no digest is known
        let fits = digest.is_empty() || short.is_some_and(|short| digest.starts_with(short));
        if !pack.dir.starts_with(&begins) || !fits {
            return Err(corrupt(format!(
                "what it says of the active pack `{name}` contradicts itself"
            )));
        }
    }
    Ok(())
}

fn corrupt(text: String) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(text))
}
