//! A URL that can be shown: credentials and query values never reach a log, an event or an error.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::{Origin, Url};

/// A URL whose `Display` and `Debug` mask the user name, the password and every query value. The user name of
/// ssh is part of the place, and no secret.
///
/// The real text is had by [`SafeUrl::as_url`] only, for the request itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeUrl(Arc<Url>);

/// Why a text is no URL. The text itself is not repeated: it may hold a token.
#[derive(Debug, thiserror::Error)]
#[error("not a URL")]
pub struct UrlError {
    source: url::ParseError,
}

impl From<url::ParseError> for UrlError {
    fn from(source: url::ParseError) -> Self {
        Self { source }
    }
}

impl SafeUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When the text is no absolute URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Ok(Self::from(Url::parse(text)?))
    }

    /// The URL with all its parts, for the request.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The host, or nothing for a URL without one (`file:`).
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The scheme, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// The path, percent-encoded as it is sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Whether a user name or a password is part of it.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    fn is_ssh(&self) -> bool {
        matches!(self.scheme(), "ssh" | "git+ssh")
    }

    /// Scheme, host and port: what a secret header may be sent to.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin()
    }

    /// The URL that `reference` means when it stands in what this URL serves.
    ///
    /// # Errors
    /// When the reference cannot be resolved.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        Ok(Self::from(self.0.join(reference)?))
    }
}

impl From<Url> for SafeUrl {
    /// The fragment is dropped: it is never sent, and two URLs that differ in it are one place.
    fn from(mut url: Url) -> Self {
        url.set_fragment(None);
        Self(Arc::new(url))
    }
}

impl FromStr for SafeUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_credentials() && self.0.query().is_none() {
            return f.write_str(self.0.as_str());
        }
        let mut shown = Url::clone(&self.0);
        if self.has_credentials() && self.is_ssh() {
            if shown.set_password(None).is_err() {
                return f.write_str("***");
            }
        } else if self.has_credentials() {
            // fails for URLs that cannot have credentials, which this one has
            let masked = shown
                .set_username("***")
                .and_then(|()| shown.set_password(None));
            if masked.is_err() {
                return f.write_str("***");
            }
        }
        if let Some(query) = self.0.query() {
            shown.set_query(Some(&mask_query(query)));
        }
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafeUrl({self})")
    }
}

/// Keeps the names and replaces the values; a query that is one bare word is all value.
fn mask_query(query: &str) -> String {
    let masked = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}=***"),
        None if pair.is_empty() => String::new(),
        None => "***".to_owned(),
    });
    masked.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::SafeUrl;

    #[test]
    fn secrets_are_masked_and_the_rest_is_kept() {
        for (url, shown) in [
            (
                "https://packs.example/index.json",
                "https://packs.example/index.json",
            ),
            (
                "https://packs.example:8443/a%20b",
                "https://packs.example:8443/a%20b",
            ),
            (
                "https://bob:hunter2@packs.example/",
                "https://***@packs.example/",
            ),
            ("https://token@packs.example/", "https://***@packs.example/"),
            (
                "https://:hunter2@packs.example/",
                "https://***@packs.example/",
            ),
            (
                "https://packs.example/a?token=hunter2&x=1",
                "https://packs.example/a?token=***&x=***",
            ),
            (
                "https://packs.example/a?hunter2",
                "https://packs.example/a?***",
            ),
            (
                "https://packs.example/a?a=b=hunter2",
                "https://packs.example/a?a=***",
            ),
            ("https://packs.example/a#hunter2", "https://packs.example/a"),
            (
                "file:///srv/packs/index.json",
                "file:///srv/packs/index.json",
            ),
            (
                "ssh://git:hunter2@packs.example/a.git",
                "ssh://git@packs.example/a.git",
            ),
        ] {
            let url = SafeUrl::parse(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(
                format!("{url:?}"),
                format!("SafeUrl({shown})"),
                "Debug masks as Display does"
            );
        }
    }

    #[test]
    fn the_error_does_not_repeat_the_text() {
        let error = SafeUrl::parse("//hunter2@nowhere").unwrap_err();
        let chain = format!("{error} {}", std::error::Error::source(&error).unwrap());
        assert!(
            !chain.contains("hunter2"),
            "a text that is no URL may still hold a secret: {chain}"
        );
    }

    proptest! {
        #[test]
        fn no_secret_is_ever_shown(user in "[A-Z]{8}", password in "[A-Z]{8}", value in "[A-Z]{8}", path in "[a-z/]{0,20}") {
            let url = SafeUrl::parse(&format!("https://{user}:{password}@packs.example/{path}?k={value}&{value}")).unwrap();
            for text in [url.to_string(), format!("{url:?}")] {
                for secret in [&user, &password, &value] {
                    prop_assert!(!text.contains(secret.as_str()), "{} shows {}", text, secret);
                }
            }
        }
    }
}
