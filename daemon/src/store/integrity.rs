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

/// Lets SQLite look at it.
///
/// # Errors
/// `SQLITE_CORRUPT` with the first thing that is wrong.
pub(super) fn check(connection: &Connection, depth: Depth) -> rusqlite::Result<()> {
    let name = match depth {
        Depth::Quick => "quick_check",
        Depth::Full => "integrity_check",
    };
    let found: String = connection.query_row(&format!("PRAGMA {name}(1)"), [], |row| row.get(0))?;
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
