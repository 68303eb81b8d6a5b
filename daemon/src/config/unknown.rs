//! What is said about a key that does not exist: which one was meant.

use super::registry::Registry;
use super::section::{Key, Section};
use super::sections::{Access, Git, Limits, Log, Net, Queue, Routing, Service, Store, Tests};
use super::updates::Updates;

/// The name of a section with its keys.
pub(super) const SECTIONS: &[(&str, &[Key])] = &[
    ("routing", Routing::KEYS),
    ("queue", Queue::KEYS),
    ("store", Store::KEYS),
    ("limits", Limits::KEYS),
    ("tests", Tests::KEYS),
    ("updates", Updates::KEYS),
    ("access", Access::KEYS),
    ("net", Net::KEYS),
    ("git", Git::KEYS),
    ("service", Service::KEYS),
    ("log", Log::KEYS),
];

/// The message about `key`, which stands in `section` (empty: at the top) and is none of `known`.
pub(super) fn message(section: &str, key: &str, known: &[&str]) -> String {
    let path = if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    };
    let near = packd_format::nearest(key, known.iter().copied()).map(ToOwned::to_owned);
    match near.or_else(|| elsewhere(section, key)) {
        Some(meant) => format!("`{path}` is not a known key, did you mean `{meant}`?"),
        None => format!(
            "`{path}` is not a known key; known here: {}",
            known.join(" ")
        ),
    }
}

/// The place of a key that exists in another section.
fn elsewhere(section: &str, key: &str) -> Option<String> {
    let registry = [("registries.NAME", Registry::KEYS)];
    let mut sections = SECTIONS
        .iter()
        .chain(&registry)
        .filter(|(name, _)| *name != section);
    sections.find_map(|(name, keys)| {
        keys.iter()
            .any(|known| known.name == key)
            .then(|| format!("{name}.{key}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested() {
        let known = ["workers", "retries", "history"];
        for (key, meant) in [
            ("worker", "`workers`?"),
            ("wrokers", "`workers`?"),
            ("Retries", "`retries`?"),
            ("retry", "`retries`?"),
            ("hisotry", "`history`?"),
            ("min_free", "`store.min_free`?"),
            ("url", "`registries.NAME.url`?"),
        ] {
            let message = message("queue", key, &known);
            assert!(message.ends_with(meant), "`{key}` gives `{message}`");
        }
        assert_eq!(
            message("queue", "colour", &known),
            "`queue.colour` is not a known key; known here: workers retries history"
        );
    }
}
