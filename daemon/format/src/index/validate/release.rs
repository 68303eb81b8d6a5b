//! A release, on the top level of an entry or under `versions`.

use semver::Version;
use serde_json::value::RawValue;

use super::super::entry::{needs, scalar};
use super::super::source::is_git_ref;
use super::super::word::{Kind, Natural, Object, Objects, Word};
use super::super::{EntryError, MAX_SOURCES};
use super::entry::Desk;
use super::inspect::Offer;
use super::spot::{Spot, Trail};
use super::url::{For, source_fault};
use super::view::SourceView;
use super::{Rule, Sources, TIME_HINT};
use crate::digest::Digest;
use crate::error::chain;
use crate::name::shown;
use crate::version;

/// The parts of a release, as they are written.
pub(super) struct ReleaseView<'v, 'a> {
    pub(super) version: Option<&'a RawValue>,
    pub(super) install_sources: &'v Objects<SourceView<'a>>,
    pub(super) dependencies: Option<&'a RawValue>,
    pub(super) published_at: &'v Word<'a>,
    pub(super) yanked: Option<&'a RawValue>,
    pub(super) phased: Natural,
    /// Whether it may have no sources of its own, because each version is a tag of one repository.
    pub(super) is_tag: bool,
}

/// Whether a text is a time of RFC 3339.
pub(super) fn is_time(text: &str) -> bool {
    // the library reads more than these
    let is_form = matches!(text.as_bytes().get(10), Some(b'T' | b't'))
        && text.ends_with(|last: char| last.is_ascii_digit() || matches!(last, 'Z' | 'z'))
        && text.len() >= "2026-01-31T12:00:00Z".len();
    is_form && text.parse::<jiff::Timestamp>().is_ok()
}

/// Judges a release; gives its version, if it has one.
pub(super) fn check(
    desk: &mut Desk<'_, '_>,
    release: &ReleaseView<'_, '_>,
    trail: &Trail<'_>,
) -> Option<Version> {
    let version = version_of(desk, release.version, &trail.key("version"));
    if let Some(dependencies) = release.dependencies
        && let Err(error) = needs(dependencies)
    {
        let message = match &error {
            EntryError::Malformed { why } => why.clone(),
            error => chain(error),
        };
        desk.add(Rule::Dependency, &trail.key("dependencies"), message, None);
    }
    if let Word::Text(time) = release.published_at
        && !is_time(time)
    {
        let message = format!("`{}` is no time of RFC 3339", shown(time));
        desk.add(
            Rule::Published,
            &trail.key("published_at"),
            message,
            Some(TIME_HINT.to_owned()),
        );
    }
    desk.text("published_at", release.published_at, trail);
    if let Some(yanked) = release.yanked
        && !matches!(Kind::of(yanked.get()), Kind::Bool | Kind::Null)
    {
        let message = format!("`yanked` is {}, not a truth value", Kind::of(yanked.get()));
        desk.add(Rule::Kind, &trail.key("yanked"), message, None);
    }
    let is_share = match release.phased {
        Natural::Absent => true,
        Natural::Is(share) => share <= 100,
        Natural::Unnatural | Natural::Other(_) => false,
    };
    if !is_share {
        let message = "`phased` is no whole number from 0 to 100".to_owned();
        desk.add(Rule::Phased, &trail.key("phased"), message, None);
    }
    let version_text = version.as_ref().map(ToString::to_string);
    sources(desk, release, version_text.as_deref(), trail);
    version
}

/// Judges a version.
pub(super) fn version_of(
    desk: &mut Desk<'_, '_>,
    value: Option<&RawValue>,
    trail: &Trail<'_>,
) -> Option<Version> {
    let Some(value) = value else {
        let message = "there is no `version`".to_owned();
        desk.add(Rule::Version, trail, message, None);
        return None;
    };
    let Some(text) = scalar(value) else {
        let message = format!("`version` is {}, not a text", Kind::of(value.get()));
        desk.add(Rule::Version, trail, message, None);
        return None;
    };
    match version::parse(&text) {
        Ok((version, warning)) => {
            let is_text = value.get().starts_with('"');
            let message = warning
                .or_else(|| (!is_text).then(|| format!("version `{text}` is written as a number")));
            if let Some(message) = message {
                let hint = format!("write `\"{version}\"`");
                desk.add(Rule::Spelling, trail, message, Some(hint));
            }
            Some(version)
        }
        Err(error) => {
            desk.add(Rule::Version, trail, error.to_string(), error.hint());
            None
        }
    }
}

fn sources(
    desk: &mut Desk<'_, '_>,
    release: &ReleaseView<'_, '_>,
    version: Option<&str>,
    trail: &Trail<'_>,
) {
    let is_top = matches!(trail, Trail::Entry);
    let trail = trail.key("install_sources");
    let list = match release.install_sources {
        Objects::List(list) => list,
        Objects::Absent if release.is_tag => return,
        Objects::Absent => {
            let message = "there are no `install_sources`".to_owned();
            return desk.add(Rule::NoSource, &trail, message, None);
        }
        Objects::Other(kind) => {
            let message = format!("`install_sources` is {kind}, not a list");
            return desk.add(Rule::Kind, &trail, message, None);
        }
    };
    if list.is_empty() {
        let message = "`install_sources` is empty, so that it cannot be installed".to_owned();
        desk.add(Rule::NoSource, &trail, message, None);
    }
    if list.len() > MAX_SOURCES {
        let message = format!(
            "there are {} sources, and {MAX_SOURCES} are read",
            list.len()
        );
        desk.add(Rule::Many, &trail, message, None);
    }
    for (number, source) in list.iter().enumerate() {
        let trail = trail.item(number);
        match source {
            Object::Is(view) => one(desk, view, version, is_top, &trail),
            Object::Absent => {}
            Object::Other(kind) => {
                let message = format!("the source is {kind}, not an object");
                desk.add(Rule::Kind, &trail, message, None);
            }
        }
    }
    trees(desk, list, &trail);
}

/// Sources of one release are other ways to the same files.
fn trees(desk: &mut Desk<'_, '_>, list: &[Object<SourceView<'_>>], trail: &Trail<'_>) {
    let trees = list.iter().enumerate().filter_map(|(number, source)| {
        let Object::Is(view) = source else {
            return None;
        };
        Some((number, digest(&view.tree)?.ok()?))
    });
    let mut first: Option<Digest> = None;
    for (number, tree) in trees {
        let known = *first.get_or_insert(tree);
        if tree != known && tree.algorithm() == known.algorithm() {
            let message = format!("`tree` is {tree}, and that of a source before it {known}");
            let hint =
                "publish both from the same commit: `packctl build` in a clean checkout".to_owned();
            desk.add(
                Rule::Trees,
                &trail.item(number).key("tree"),
                message,
                Some(hint),
            );
        }
    }
}

/// Judges one source.
fn one(
    desk: &mut Desk<'_, '_>,
    source: &SourceView<'_>,
    version: Option<&str>,
    is_top: bool,
    trail: &Trail<'_>,
) {
    let what = match source.kind.text() {
        Some("archive") => For::Archive,
        Some("git") => For::Git,
        other => {
            let message = match (other, &source.kind) {
                (Some(other), _) => format!("source type `{}` is not known", shown(other)),
                (None, Word::Other(kind)) => format!("`type` is {kind}, not a text"),
                (None, _) => "the source has no `type`".to_owned(),
            };
            let hint = Some("it is `archive` or `git`".to_owned());
            return desk.add(Rule::SourceKind, &trail.key("type"), message, hint);
        }
    };
    match (source.url.text(), &source.url) {
        (Some(url), _) => {
            if let Some(fault) = source_fault(url, what) {
                let hint = fault.hint.map(str::to_owned);
                desk.add(fault.rule, &trail.key("url"), fault.why, hint);
            }
        }
        (None, Word::Other(kind)) => {
            let message = format!("`url` is {kind}, not a text");
            desk.add(Rule::Url, &trail.key("url"), message, None);
        }
        (None, _) => {
            let message = "the source has no `url`".to_owned();
            desk.add(Rule::Url, &trail.key("url"), message, None);
        }
    }
    let checksum = checksum(desk, source, what, is_top, trail);
    if let Some(Err(why)) = digest(&source.tree) {
        desk.add(
            Rule::Checksum,
            &trail.key("tree"),
            format!("`tree`: {}", why.0),
            why.1,
        );
    }
    let size = match source.size {
        Natural::Is(size) => Some(size),
        Natural::Absent => None,
        Natural::Unnatural | Natural::Other(_) => {
            let message = "`size` is no whole number of bytes".to_owned();
            desk.add(Rule::Size, &trail.key("size"), message, None);
            None
        }
    };
    if what == For::Git {
        git(desk, source, trail);
    }
    if desk.inspector.sources == Sources::Keep {
        match (what, source.url.text()) {
            (For::Git, _) => desk.inspector.repositories += 1,
            (For::Archive, Some(url)) => desk.inspector.offers.push(Offer {
                spot: Spot::within(desk.at, trail),
                pack: desk.name.to_owned(),
                version: version.unwrap_or_default().to_owned(),
                url: url.to_owned(),
                checksum,
                size,
            }),
            (For::Archive, None) => {}
        }
    }
}

fn checksum(
    desk: &mut Desk<'_, '_>,
    source: &SourceView<'_>,
    what: For,
    is_top: bool,
    trail: &Trail<'_>,
) -> Option<Digest> {
    let is_list = desk.at.key.is_none();
    let (missing, malformed) = match what {
        For::Archive => (Some(Rule::NoChecksum), Rule::Checksum),
        For::Git if !is_list => (None, Rule::OtherChecksum),
        // other readers see nothing but the top level
        For::Git if is_top => (Some(Rule::GitChecksum), Rule::OtherChecksum),
        For::Git => (Some(Rule::OtherChecksum), Rule::OtherChecksum),
    };
    let trail = trail.key("checksum");
    match digest(&source.checksum) {
        Some(Ok(digest)) => return Some(digest),
        Some(Err((why, hint))) => desk.add(malformed, &trail, format!("`checksum`: {why}"), hint),
        None => {
            let missing = missing?;
            let message = "the source has no `checksum`".to_owned();
            let hint = match what {
                For::Archive => "`packctl checksum FILE` prints it",
                For::Git => "`packctl index-entry` writes it",
            };
            desk.add(missing, &trail, message, Some(hint.to_owned()));
        }
    }
    None
}

/// A digest, or why it is none and what would help.
type ReadDigest = Result<Digest, (String, Option<String>)>;

fn digest(word: &Word<'_>) -> Option<ReadDigest> {
    match word {
        Word::Absent | Word::Other(Kind::Null) => None,
        Word::Other(kind) => Some(Err((format!("it is {kind}, not a text"), None))),
        Word::Text(text) => {
            let digest = text.trim().parse::<Digest>();
            Some(digest.map_err(|error| (error.to_string(), error.hint())))
        }
    }
}

/// Judges what only a git source has.
fn git(desk: &mut Desk<'_, '_>, source: &SourceView<'_>, trail: &Trail<'_>) {
    for (key, word) in [("ref", &source.git_ref), ("commit", &source.commit)] {
        let is_one = match word {
            Word::Absent | Word::Other(Kind::Null) => true,
            Word::Other(_) => false,
            Word::Text(text) if key == "ref" => is_git_ref(text.trim()),
            Word::Text(text) => is_commit(text.trim()),
        };
        if !is_one {
            let shown = word
                .text()
                .map_or_else(|| "it".to_owned(), |text| format!("`{}`", shown(text)));
            let message = format!("{shown} is no `{key}` of git");
            desk.add(Rule::GitRef, &trail.key(key), message, None);
        }
    }
    if source.git_ref.text().is_none() && source.commit.text().is_none() {
        let message =
            "the source names neither `ref` nor `commit`, so that it is another one tomorrow"
                .to_owned();
        desk.add(Rule::Moving, trail, message, None);
    }
}

/// Whether a text can be a commit: at least as much of one as git itself takes for one.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
