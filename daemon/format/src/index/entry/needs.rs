//! What a release needs, in either vocabulary.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::lenient::{Text, Texts};
use super::super::reader::without_place;
use super::EntryError;
use crate::manifest::Dependency;
use crate::name::shown;

/// The most dependencies of one release.
const MAX_DEPENDENCIES: usize = 1024;

/// What a release needs.
pub(in crate::index) struct Needs {
    /// The packs.
    pub(in crate::index) packs: Vec<Dependency>,
    /// The version of Attune.
    pub(in crate::index) engine: Option<String>,
}

/// `dependencies`: a list (StackStorm), or an object with `packs` and what else it needs (Attune).
pub(in crate::index) fn needs(written: &RawValue) -> Result<Needs, EntryError> {
    #[derive(Deserialize)]
    struct WrittenNeeds {
        #[serde(default)]
        packs: Option<Texts>,
        #[serde(default)]
        attune_version: Text,
    }
    let text = written.get();
    let malformed = |error: serde_json::Error| EntryError::Malformed {
        why: format!("`dependencies`: {}", without_place(&error)),
    };
    let (packs, engine) = match text.as_bytes().first() {
        Some(b'{') => {
            let needs: WrittenNeeds = serde_json::from_str(text).map_err(malformed)?;
            (needs.packs.unwrap_or_default(), needs.attune_version.0)
        }
        Some(b'n') => (Texts::default(), None),
        _ => (
            serde_json::from_str::<Texts>(text).map_err(malformed)?,
            None,
        ),
    };
    let packs = packs.0.into_iter().take(MAX_DEPENDENCIES).map(|text| {
        let fail = |source| EntryError::Dependency {
            shown: shown(&text),
            source,
        };
        text.parse().map_err(fail)
    });
    Ok(Needs {
        packs: packs.collect::<Result<_, _>>()?,
        engine,
    })
}
