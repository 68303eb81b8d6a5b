//! Which tree of the store shares files with the one that is being brought: that of the version that is active.
//!
//! A pack that the registry or the request names is known before it comes. Of another one it is a guess, by where it
//! comes from or what its archive is called. A wrong guess costs nothing: files are only shared after they were
//! compared.

use std::path::PathBuf;

use super::together::Together;
use crate::config::{Config, Layout};
use crate::resolve::{Active, Bytes, Wanted};
use crate::store::pack::Installed;

/// The tree to share files with. Who uses force may do so because a tree is damaged, and gets files of its own.
pub(super) fn tree(
    layout: &Layout,
    config: &Config,
    job: &Together<'_>,
    active: &Active,
    wanted: &Wanted,
    bytes: &Bytes,
) -> Option<PathBuf> {
    if !config.store.share_files || job.request().flags().force {
        return None;
    }
    let pack_ref = wanted.pack_ref.as_ref().map(packd_format::PackRef::as_str);
    let earlier = pack(active, pack_ref, &bytes.shown)?;
    Some(layout.store().join(&earlier.dir))
}

/// The active version of what comes from a place that people see as `shown`.
fn pack<'a>(active: &'a Active, pack_ref: Option<&str>, shown: &str) -> Option<&'a Installed> {
    if let Some(pack_ref) = pack_ref {
        return active.get(pack_ref);
    }
    let from_there = |pack: &&Installed| pack.record.source.url.as_deref() == Some(shown);
    active
        .values()
        .find(from_there)
        .or_else(|| called(active, file_name(shown)))
}

/// The pack with the longest name that a file name begins with: of `slack-rtm-2.0.tar.gz` rather `slack-rtm` than
/// `slack`.
fn called<'a>(active: &'a Active, file: &str) -> Option<&'a Installed> {
    let begins = |pack: &&Installed| {
        let rest = file.strip_prefix(pack.pack_ref.as_str());
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    active
        .values()
        .filter(begins)
        .max_by_key(|pack| pack.pack_ref.len())
}

/// The last part of a URL or a path, without a query.
fn file_name(shown: &str) -> &str {
    let path = shown.split(['?', '#']).next().unwrap_or(shown);
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pack::Record;

    #[test]
    fn the_earlier_version_is_known_by_name_place_or_file() {
        let installed = |pack_ref: &str, url: &str| {
            let mut record = Record::with_dependencies(&[]);
            record.source.url = Some(url.to_owned());
            let pack = Installed {
                install: 1,
                pack_ref: pack_ref.to_owned(),
                version: "1.0.0".to_owned(),
                dir: format!("{pack_ref}/1.0.0-0123456789ab"),
                job: 1,
                generation: 1,
                at: "2026-01-01T00:00:00Z".to_owned(),
                record,
            };
            (pack_ref.to_owned(), pack)
        };
        let active = Active::from([
            installed("slack", "https://a.example/slack-1.0.0.tgz"),
            installed("slack_rtm", "https://a.example/rtm.tgz"),
            installed("tools", "git@b.example:team/monorepo.git"),
        ]);
        for (named, shown, found) in [
            (Some("slack"), "https://a.example/rtm.tgz", Some("slack")),
            (Some("new"), "https://a.example/slack-1.0.0.tgz", None),
            (None, "https://a.example/rtm.tgz", Some("slack_rtm")),
            (None, "git@b.example:team/monorepo.git", Some("tools")),
            (
                None,
                "https://c.example/slack-2.0.0.tgz?x=/y",
                Some("slack"),
            ),
            (None, "https://c.example/slack_rtm-2.tgz", Some("slack_rtm")),
            (None, "slack.tar.gz", Some("slack")),
            (None, "slacker-1.0.0.tgz", None),
            (None, "https://c.example/slack/other.zip", None),
        ] {
            let pack = pack(&active, named, shown).map(|pack| pack.pack_ref.as_str());
            assert_eq!(pack, found, "{named:?} {shown}");
        }
    }
}
