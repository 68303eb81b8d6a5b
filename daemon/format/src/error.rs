//! Telling errors: everything that led to one, and nothing of it twice.

use std::error::Error;
use std::io;

/// An error and what led to it, in one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What the system said, without what a library put around it to name the path: for errors that name the
/// path themselves.
#[must_use]
pub fn without_path(error: &io::Error) -> io::Error {
    if let Some(code) = error.raw_os_error() {
        return io::Error::from_raw_os_error(code);
    }
    let wrapped = error.get_ref().and_then(|wrapper| wrapper.source());
    match wrapped.and_then(|inner| inner.downcast_ref::<io::Error>()) {
        Some(inner) => without_path(inner),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_path_around_an_error_is_taken_off_and_nothing_else() {
        let named = fs_err::File::open("/nowhere").unwrap_err();
        assert_eq!(
            chain(&named),
            "failed to open file `/nowhere`: No such file or directory (os error 2)",
            "the library names the path"
        );
        let bare = without_path(&named);
        assert_eq!(
            chain(&bare),
            "No such file or directory (os error 2)",
            "what the system said is left"
        );
        assert_eq!(bare.kind(), named.kind(), "and its kind");
        let own = io::Error::other("the pipe was closed");
        assert_eq!(chain(&without_path(&own)), chain(&own), "a text stays");
    }
}
