//! Which paths a tree may have. Archives, git trees and folders on disk are held to the same rules,
//! so that whatever got in can be listed, packed and unpacked again.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPath {
    /// It is empty.
    Empty,
    /// It begins with `/`.
    Absolute,
    /// A component is empty (`a//b`).
    EmptyComponent,
    /// A component is `.`.
    Dot,
    /// A component is `..`.
    DotDot,
    /// It has a control character: a newline, an escape, a NUL, a line separator.
    Control,
    /// It has a backslash, which other systems read as a separator.
    Backslash,
    /// It has a character that turns the direction of writing, so that people read another name.
    Direction,
    /// A component is `.git`, in any spelling that a file system may take for it: configuration in it is code to git.
    Git,
    /// It is not UTF-8.
    NotUtf8,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "its name is empty",
            Self::Absolute => "its name is absolute",
            Self::EmptyComponent => "its name has an empty component",
            Self::Dot => "its name has a component `.`",
            Self::DotDot => "its name has a component `..`",
            Self::Control => "its name has a control character",
            Self::Backslash => "its name has a backslash",
            Self::Direction => "its name has a character that changes the direction of writing",
            Self::Git => "`.git` may not be part of a pack",
            Self::NotUtf8 => "its name is not UTF-8",
        })
    }
}

/// Checks a relative path such as `actions/run.sh`, without a slash at its end.
///
/// # Errors
/// The first rule it breaks.
pub fn check(path: &str) -> Result<(), BadPath> {
    if path.is_empty() {
        return Err(BadPath::Empty);
    }
    if path.starts_with('/') {
        return Err(BadPath::Absolute);
    }
    path.split('/').try_for_each(check_component)
}

/// Checks one component of a path.
pub(crate) fn check_component(name: &str) -> Result<(), BadPath> {
    match name {
        "" => return Err(BadPath::EmptyComponent),
        "." => return Err(BadPath::Dot),
        ".." => return Err(BadPath::DotDot),
        _ => {}
    }
    check_characters(name)?;
    if folded(name) == ".git" {
        return Err(BadPath::Git);
    }
    Ok(())
}

/// Checks characters only: what holds for link targets as well as for names.
pub(crate) fn check_characters(text: &str) -> Result<(), BadPath> {
    if text.is_ascii() {
        // nearly every name there is
        return text.bytes().try_for_each(|byte| match byte {
            b'\\' => Err(BadPath::Backslash),
            0..=0x1f | 0x7f => Err(BadPath::Control),
            _ => Ok(()),
        });
    }
    text.chars().try_for_each(|c| match c {
        '\\' => Err(BadPath::Backslash),
        '\u{2028}' | '\u{2029}' => Err(BadPath::Control),
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => Err(BadPath::Direction),
        c if c.is_control() => Err(BadPath::Control),
        _ => Ok(()),
    })
}

/// What two paths share when they are equal but for letter case, Unicode form, and characters that are not shown.
///
/// Decomposed first, folded second: a capital with an accent then folds as the letter it carries. Capitals are
/// taken first, as some letters have a capital in common that are small in two ways (`s` and `\u{17f}`).
pub(crate) fn folded(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    path.nfd()
        .filter(|c| !is_unseen(*c))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Characters that are not shown, and that file systems which fold names leave out (Unicode's
/// `Default_Ignorable_Code_Point`).
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_paths() {
        for path in [
            "a",
            "a/b.c",
            "-rf",
            "a b",
            "a.",
            "..a",
            ".gitignore",
            "über/ÿ",
            "a:b",
            "日本/語",
        ] {
            assert_eq!(check(path), Ok(()), "`{path}` is a good path");
        }
    }

    #[test]
    fn bad_paths() {
        let table = [
            ("", BadPath::Empty),
            ("/etc/passwd", BadPath::Absolute),
            ("a//b", BadPath::EmptyComponent),
            ("a/", BadPath::EmptyComponent),
            ("./a", BadPath::Dot),
            ("a/../b", BadPath::DotDot),
            ("a\nb", BadPath::Control),
            ("a\u{7f}", BadPath::Control),
            ("ü\u{1b}[2J", BadPath::Control),
            ("ü\u{85}", BadPath::Control),
            ("a\u{2028}b", BadPath::Control),
            ("a\\b", BadPath::Backslash),
            ("ü\\b", BadPath::Backslash),
            ("a\u{202e}txt", BadPath::Direction),
            ("a/.git/config", BadPath::Git),
            (".GIT", BadPath::Git),
            (".g\u{200c}it", BadPath::Git),
            ("a/\u{feff}.git/x", BadPath::Git),
        ];
        for (path, bad) in table {
            assert_eq!(check(path), Err(bad), "for {path:?}");
        }
    }

    #[test]
    fn folding_joins_what_a_person_or_a_file_system_may_confuse() {
        for (a, b) in [
            ("pack.yaml", "PACK.YAML"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("caf\u{c9}", "CAFE\u{301}"),
            ("\u{212a}", "k"),
            ("\u{42f}", "\u{44f}"),
            ("\u{3c3}", "\u{3c2}"),
            ("\u{17f}", "S"),
            ("stra\u{df}e", "STRASSE"),
            ("a\u{200b}b", "ab"),
            ("\u{2620}\u{fe0f}", "\u{2620}"),
        ] {
            assert_eq!(folded(a), folded(b), "{a:?} and {b:?} collide");
        }
        assert_ne!(folded("a-b"), folded("a_b"));
    }
}
