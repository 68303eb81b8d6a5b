//! Telling errors: everything that led to one, and nothing of it twice.

use std::error::Error;
use std::io;

pub mod network;

/// An error and all that led to it, the outermost first. Here, other than by [`Error::source`], what an
/// [`io::Error`] wraps is not passed over: its type may say more than its text.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        wrapped
            .map(|inner| inner as &(dyn Error + 'static))
            .or_else(|| error.source())
    })
}

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
    if let Some(inner) = wrapped.and_then(|inner| inner.downcast_ref::<io::Error>()) {
        return without_path(inner);
    }
    let text = error.to_string();
    // what names temporary files keeps the system's error to itself
    let said = text.split_once(" at path \"").map(|(said, _)| said);
    io::Error::new(error.kind(), said.unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn the_name_of_a_temporary_file_is_no_part_of_what_the_system_said() {
        let error = tempfile::NamedTempFile::new_in("/nowhere").unwrap_err();
        assert!(error.to_string().contains("/nowhere/."), "{error}");
        let said = without_path(&error);
        assert_eq!(said.kind(), io::ErrorKind::NotFound);
        assert_eq!(said.to_string(), "No such file or directory (os error 2)");
    }

    #[test]
    fn what_an_error_of_the_system_wraps_is_one_of_the_causes() {
        let number = "x".parse::<u8>().unwrap_err();
        let twice = io::Error::other(io::Error::other(number.clone()));
        let innermost = causes(&twice).last().unwrap();
        assert_eq!(
            innermost.downcast_ref(),
            Some(&number),
            "its type is still known"
        );
    }

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
