//! A publication merged into the entry that the index has of the pack.

use semver::Version;
use serde_json::value::RawValue;

use super::versions::Versions;
use super::{ENTRY_KEYS, KEEPERS_KEYS, Newer, Options, Publication, RELEASE_KEYS, UpdateError};
use crate::digest::Digest;
use crate::error::chain;
use crate::index::document::{Container, Document, DocumentError};
use crate::index::edit::Edits;
use crate::index::entry::version_of;
use crate::index::layout::quoted;
use crate::index::members::Members;
use crate::index::written::Written;
use crate::index::{Entry, Source, source};
use crate::name::shown;

/// Merges, and says what is odd.
pub(super) fn merge(
    document: &Document<'_>,
    position: usize,
    publication: &Publication,
    options: Options<'_>,
    edits: &mut Edits,
) -> Result<Vec<String>, UpdateError> {
    let text = document.text();
    let pack_ref = publication.pack_ref();
    let broken = |why: String| UpdateError::Broken {
        pack_ref: pack_ref.clone(),
        line: document.line(position),
        why,
    };
    let fails = |source| UpdateError::Document {
        pack_ref: pack_ref.clone(),
        source,
    };
    let span = document.packs().items[position].value.clone();
    let entry = Container::parse(text, span.clone()).map_err(|error| broken(error.to_string()))?;
    entry
        .unambiguous(text, &format!("the entry of '{pack_ref}'"))
        .map_err(fails)?;
    let style = document.style().of_sample(text, span.clone());
    let mut members = Members::of(text, &entry, &style);
    let indexed = version_of(&text[span.clone()])
        .ok_or_else(|| broken("it has no `version` that could be compared".to_owned()))?;
    let listed = entry.find("versions");
    let listed = listed.map(|member| entry.items[member].value.clone());
    let mut versions = Versions::read(text, listed, &style).map_err(broken)?;

    let version = publication.version();
    let is_preview = !version.pre.is_empty() && indexed.pre.is_empty();
    let below = *version < indexed || (is_preview && options.newer == Newer::Keep);
    if below && options.newer == Newer::Refuse {
        return Err(UpdateError::Downgrade {
            pack_ref: pack_ref.clone(),
            indexed,
            version: version.clone(),
        });
    }
    let mut merging = Merging {
        publication,
        edits,
        warnings: Vec::new(),
    };
    if below && options.newer == Newer::Keep {
        merging.compare(|key| versions.get(version, key));
        merging
            .release(
                &mut versions,
                version,
                publication.members(),
                Some(options.now),
            )
            .map_err(fails)?;
    } else {
        let same = *version == indexed;
        let of_version = |key: &str| {
            if same {
                members.get(key)
            } else {
                versions.get(version, key)
            }
        };
        merging.compare(of_version);
        if is_preview && !below {
            merging.warnings.push(format!(
                "{pack_ref} {version} is a pre-release, and takes the place of {indexed} at the top of the entry, \
                 which is all that Attune's own client looks at; --keep-newest adds it below"
            ));
        }
        let mut kept = KEEPERS_KEYS.map(|key| (key, of_version(key).map(str::to_owned)));
        if !same && !versions.has(version) {
            let published = kept.iter_mut().find(|(key, _)| *key == "published_at");
            published.expect("it is one of these keys").1 = Some(quoted(options.now));
        }
        if !same {
            versions.keep(indexed, release(|key| members.get(key)));
        }
        let now = release(|key| publication.members().get(key));
        versions
            .raise(merging.edits, version, &now)
            .map_err(fails)?;
        merging.top(&mut members, &kept);
        for (other, release) in others(publication) {
            merging
                .release(&mut versions, &other, &release, None)
                .map_err(fails)?;
        }
    }
    versions.finish(merging.edits, &mut members);
    members.finish(merging.edits);
    // what is kept of it may still keep readers from all of it
    let merged = merging.edits.within(text, span).concat();
    Entry::parse(&merged, None).map_err(|error| broken(chain(&error)))?;
    Ok(merging.warnings)
}

/// What both ways of publishing have in common.
struct Merging<'m> {
    publication: &'m Publication,
    edits: &'m mut Edits,
    warnings: Vec<String>,
}

impl Merging<'_> {
    /// Gives the entry the members of the publication (`docs/index-update.md`, section 2). `kept` is what the
    /// index itself says about this version.
    fn top(&mut self, members: &mut Members<'_>, kept: &[(&str, Option<String>)]) {
        let mut after = None;
        for (key, json) in self.publication.members().iter() {
            if key == "versions" {
                continue;
            }
            match Written::parse(json) {
                Ok(new) if key == "meta" && json.starts_with('{') && members.is_object(key) => {
                    members.set_within(self.edits, key, new.iter());
                }
                _ => members.set(self.edits, key, json, &ENTRY_KEYS, after),
            }
            after = Some(key);
        }
        for key in RELEASE_KEYS {
            if self.publication.members().get(key).is_some() {
                continue;
            }
            let kept = kept.iter().find(|(name, _)| *name == key);
            match kept.and_then(|(_, value)| value.as_deref()) {
                Some(value) => members.set(self.edits, key, value, &ENTRY_KEYS, None),
                None => members.remove(key),
            }
        }
    }

    /// Publishes a version under `versions`.
    fn release(
        &mut self,
        versions: &mut Versions<'_>,
        version: &Version,
        entry: &Written,
        published: Option<&str>,
    ) -> Result<(), DocumentError> {
        let release = release(|key| entry.get(key));
        versions.publish(self.edits, version, release, published)
    }

    /// Says where the publication differs from what was published as the same version before.
    fn compare<'v>(&mut self, before: impl Fn(&str) -> Option<&'v str>) {
        let version = self.publication.version();
        let name = format!("{} {version}", self.publication.pack_ref());
        let yanked = before("yanked").is_some_and(|yanked| !matches!(yanked, "false" | "null"));
        if yanked && self.publication.members().get("yanked").is_none() {
            self.warnings
                .push(format!("{name} is withdrawn in the index, and stays so"));
        }
        let mut old = Vec::new();
        if let Some(Ok(written)) = before("install_sources").map(serde_json::from_str::<&RawValue>)
        {
            // what cannot be read of it cannot be compared, and is replaced
            source::read(written, &mut old, &mut |_| ());
        }
        for old in &old {
            let same_kind =
                |new: &Source| std::mem::discriminant(new) == std::mem::discriminant(old);
            if !self.publication.sources().iter().any(same_kind) {
                let kind = match old {
                    Source::Archive { .. } => "archive",
                    Source::Git { .. } => "git repository",
                };
                self.warnings.push(format!(
                    "{name} was published before as the {kind} `{}` too, which is no source of it any more",
                    shown(old.url())
                ));
            }
        }
        for new in self.publication.sources() {
            let same_kind =
                |old: &&Source| std::mem::discriminant(*old) == std::mem::discriminant(new);
            let alone = |sources: &[Source]| sources.iter().filter(same_kind).count() == 1;
            let only = alone(&old) && alone(self.publication.sources());
            let counterpart = old
                .iter()
                .filter(same_kind)
                .find(|old| only || old.url() == new.url());
            if let Some(difference) = counterpart.and_then(|old| difference(old, new)) {
                self.warnings.push(format!(
                    "{name} was published before with another {difference}; hosts that have it keep the old one"
                ));
            }
        }
    }
}

/// What shows that two sources do not give the same bytes.
fn difference(old: &Source, new: &Source) -> Option<String> {
    let differs = |what: &str, old: &Option<Digest>, new: &Option<Digest>| match (old, new) {
        (Some(old), Some(new)) if old.algorithm() == new.algorithm() && old != new => {
            Some(format!("{what} ({old}, now {new})"))
        }
        _ => None,
    };
    match (old, new) {
        (Source::Archive { checksum: old, .. }, Source::Archive { checksum: new, .. }) => {
            differs("archive", old, new)
        }
        (
            Source::Git {
                commit: Some(old), ..
            },
            Source::Git {
                commit: Some(new), ..
            },
        ) if old != new => Some(format!("commit ({old}, now {new})")),
        (Source::Git { tree: old, .. }, Source::Git { tree: new, .. }) => differs("tree", old, new),
        _ => None,
    }
}

/// What an entry says of its version, in the order of `versions`.
fn release<'e>(member: impl Fn(&str) -> Option<&'e str>) -> Written {
    let mut release = Written::default();
    for key in RELEASE_KEYS {
        if let Some(json) = member(key).filter(|json| *json != "null") {
            release.set(key, json);
        }
    }
    release
}

/// The other versions that a publication brings along.
fn others(publication: &Publication) -> Vec<(Version, Written)> {
    let versions = publication.members().get("versions").unwrap_or("null");
    let items: Vec<&RawValue> = serde_json::from_str(versions).unwrap_or_default();
    let items = items.into_iter().map(RawValue::get).filter_map(|item| {
        let version = version_of(item)?;
        let release = if item.starts_with('{') {
            Written::parse(item).ok()?
        } else {
            let mut tag = Written::default();
            tag.set("version", item);
            tag
        };
        Some((version, release))
    });
    items
        .filter(|(version, _)| version != publication.version())
        .collect()
}
