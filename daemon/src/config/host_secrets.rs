//! Credentials by host: whom they are for decides where they go, whatever names the host.

use std::collections::{BTreeMap, BTreeSet};

use super::Secret;
use super::node::{Node, Value};
use super::setting::{self, Setting, Shown, Wrong};

/// Secrets by host, or by host and port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSecrets(BTreeMap<String, Secret>);

impl HostSecrets {
    /// The secret for a host; `port` is the one in the URL, if it has one. What names the port goes first.
    #[must_use]
    pub fn get(&self, host: &str, port: Option<u16>) -> Option<&Secret> {
        let host = host.to_ascii_lowercase();
        let exact = port.and_then(|port| self.0.get(&format!("{host}:{port}")));
        exact.or_else(|| self.0.get(&host))
    }
}

/// Whether a text is a host, perhaps with a port.
fn is_host(text: &str) -> bool {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => {
            if port.parse::<u16>().is_err() {
                return false;
            }
            host
        }
        _ => text,
    };
    !host.is_empty() && !host.contains('@') && url::Host::parse(host).is_ok()
}

impl Setting for HostSecrets {
    const SHAPE: &'static str = "names of hosts with their credentials";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let mut known = BTreeSet::new();
        let secrets = setting::secrets(node, Self::SHAPE, |name, value| {
            let host = name.to_ascii_lowercase();
            if !is_host(&host) {
                return Err(
                    "is no name of a host; write it without `https://` and without a path"
                        .to_owned(),
                );
            }
            if matches!(value, Value::Text { text, .. } if text.is_empty()) {
                return Err("must be a text".to_owned());
            }
            let secret = setting::secret(value)?;
            if !known.insert(host.clone()) {
                return Err("is written twice; case does not matter in a host's name".to_owned());
            }
            Ok((host, secret))
        })?;
        Ok(Self(secrets))
    }

    fn show(&self) -> Shown {
        Shown::Table(
            self.0
                .iter()
                .map(|(host, secret)| (host.clone(), secret.masked()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_exact_name_goes_first() {
        let secret = |text: &str| Secret::parse(text).ok();
        let secrets = HostSecrets(
            [("git.example", "a"), ("git.example:8443", "b")]
                .into_iter()
                .filter_map(|(host, text)| Some((host.to_owned(), secret(text)?)))
                .collect(),
        );
        for (host, port, expected) in [
            ("git.example", None, Some("a")),
            ("GIT.example", None, Some("a")),
            ("git.example", Some(8443), Some("b")),
            ("git.example", Some(1), Some("a")),
            ("other.example", None, None),
            ("sub.git.example", None, None),
        ] {
            let found = secrets.get(host, port).cloned();
            assert_eq!(found, expected.and_then(secret), "{host} {port:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_known() {
        for (text, expected) in [
            ("git.example", true),
            ("git.example:8443", true),
            ("127.0.0.1:80", true),
            ("[::1]:80", true),
            ("[::1]", true),
            ("https://git.example", false),
            ("git.example/path", false),
            ("git.example:port", false),
            ("me@git.example", false),
            ("", false),
        ] {
            assert_eq!(is_host(text), expected, "`{text}`");
        }
    }
}
