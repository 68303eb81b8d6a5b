//! Names and sizes that do not fit into a header: PAX records and GNU's long names.
//!
//! Readers disagree most about these, so they are held to one spelling: each key once, each length right, nothing that
//! would have to be interpreted to know where a file's bytes are, and never both kinds for one member.

use std::collections::HashSet;

/// Bytes of one extension header.
pub(super) const LARGEST: u64 = 64 * 1024;

/// What the extension headers before a member say of it.
#[derive(Debug, Default)]
pub(super) struct Extension {
    pub path: Option<String>,
    pub link: Option<String>,
    pub size: Option<u64>,
    /// Whether there were PAX records, GNU names, neither.
    seen: Seen,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Pax,
    Gnu,
}

impl Extension {
    pub(super) fn is_there(&self) -> bool {
        self.seen != Seen::Nothing
    }

    /// Takes the records of an `x` header.
    pub(super) fn pax(&mut self, body: &[u8]) -> Result<(), &'static str> {
        match self.seen {
            Seen::Nothing => self.seen = Seen::Pax,
            Seen::Pax => return Err("two PAX headers for one member"),
            Seen::Gnu => return Err("PAX and GNU headers for one member"),
        }
        records(body, |key, value| {
            match key {
                "path" => self.path = Some(plain(value)?),
                "linkpath" => self.link = Some(plain(value)?),
                "size" => {
                    self.size = Some(decimal(value).ok_or("a size in a PAX header is no number")?);
                }
                key if means_nothing(key) => {}
                _ => return Err("a key in a PAX header is not known"),
            }
            Ok(())
        })
    }

    /// Takes an `L` header: the name of the next member.
    pub(super) fn gnu_name(&mut self, body: &[u8]) -> Result<(), &'static str> {
        self.gnu()?;
        set_once(&mut self.path, long_text(body)?)
    }

    /// Takes a `K` header: the link target of the next member.
    pub(super) fn gnu_link(&mut self, body: &[u8]) -> Result<(), &'static str> {
        self.gnu()?;
        set_once(&mut self.link, long_text(body)?)
    }

    fn gnu(&mut self) -> Result<(), &'static str> {
        if self.seen == Seen::Pax {
            return Err("PAX and GNU headers for one member");
        }
        self.seen = Seen::Gnu;
        Ok(())
    }
}

/// Checks a `g` header. Only a comment is taken, which is what `git archive` writes: anything else would change all
/// members for some readers and none for others.
pub(super) fn check_global(body: &[u8]) -> Result<(), &'static str> {
    records(body, |key, _| match key {
        "comment" => Ok(()),
        _ => Err("a global PAX header has more than a comment"),
    })
}

/// Keys that say nothing of what is unpacked. Some of star's describe sparse files: those are not among them.
fn means_nothing(key: &str) -> bool {
    matches!(
        key,
        "mtime" | "atime" | "ctime" | "uid" | "gid" | "uname" | "gname" | "comment"
    ) || key.starts_with("LIBARCHIVE.")
        || (key.starts_with("SCHILY.")
            && !matches!(key, "SCHILY.realsize" | "SCHILY.filetype" | "SCHILY.offset"))
}

/// Goes through records of the form `<length> <key>=<value>\n`, the length counting all of it.
fn records(
    mut body: &[u8],
    mut each: impl FnMut(&str, &[u8]) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    const BROKEN: &str = "a record of a PAX header is broken";
    let mut keys = HashSet::new();
    while !body.is_empty() {
        let space = body
            .iter()
            .take(8)
            .position(|byte| *byte == b' ')
            .ok_or(BROKEN)?;
        let length = decimal(&body[..space]).ok_or(BROKEN)?;
        let length = usize::try_from(length).map_err(|_| BROKEN)?;
        let (record, rest) = body.split_at_checked(length).ok_or(BROKEN)?;
        let record = record
            .get(space + 1..)
            .and_then(|record| record.strip_suffix(b"\n"))
            .ok_or(BROKEN)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(BROKEN)?;
        let key = std::str::from_utf8(&record[..equals]).map_err(|_| NOT_UTF8)?;
        if key.is_empty() {
            return Err(BROKEN);
        }
        if !keys.insert(key) {
            return Err("a key comes twice in a PAX header");
        }
        each(key, &record[equals + 1..])?;
        body = rest;
    }
    Ok(())
}

const NOT_UTF8: &str = "a record of a PAX header is not UTF-8";

/// A value that is a name. Those of other keys may be binary (extended attributes are).
fn plain(value: &[u8]) -> Result<String, &'static str> {
    if value.contains(&0) {
        return Err("a value in a PAX header has a NUL");
    }
    String::from_utf8(value.to_vec()).map_err(|_| NOT_UTF8)
}

/// A number as it is written by everyone: digits only, no zeros in front.
fn decimal(text: &[u8]) -> Option<u64> {
    let canonical =
        text.iter().all(u8::is_ascii_digit) && (text == b"0" || !text.starts_with(b"0"));
    canonical
        .then(|| std::str::from_utf8(text).ok()?.parse().ok())
        .flatten()
}

fn long_text(body: &[u8]) -> Result<String, &'static str> {
    let text = body.strip_suffix(b"\0").unwrap_or(body);
    if text.contains(&0) {
        return Err("a GNU long name has a NUL in it");
    }
    String::from_utf8(text.to_vec()).map_err(|_| "a GNU long name is not UTF-8")
}

fn set_once(slot: &mut Option<String>, value: String) -> Result<(), &'static str> {
    if slot.replace(value).is_some() {
        return Err("two GNU long names for one member");
    }
    Ok(())
}
