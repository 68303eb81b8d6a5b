//! Which commit is meant: a choice among what a server advertises. Pure: no network here.
//!
//! | asked for | chosen |
//! |---|---|
//! | nothing | the newest version among the tags, or the default branch where no tag is one |
//! | a requirement | the newest version among the tags that satisfies it |
//! | `HEAD` | the default branch |
//! | a name | the tag of that name, or else the branch: a tag is meant to stay what it is |
//! | a full commit | that commit |
//! | the beginning of a commit | the advertised commit that begins so, or else one of the history |

use gix::ObjectId;
use packd_format::{Nearest, PreReleases, Requirement, Version, version};

/// The fewest digits that are taken for the beginning of a commit, as git does.
const FEWEST_DIGITS: usize = 4;
/// The digits of a whole one.
const ALL_DIGITS: usize = 40;
/// How many names an error offers.
const OFFERED: usize = 3;

/// One ref of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advertised {
    /// In full: `refs/tags/v1.0.0`, `refs/heads/main`.
    pub(super) name: String,
    /// What it names in the end; behind a tag object this is the commit.
    pub(super) commit: ObjectId,
    /// The tag object, if there is one between.
    pub(super) tag: Option<ObjectId>,
}

/// What a server has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Advertisement {
    /// Branches, tags and others.
    pub(super) refs: Vec<Advertised>,
    /// The default branch, and its commit.
    pub(super) head: Option<(Option<String>, ObjectId)>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    /// The newest version, or else the default branch.
    Newest {
        /// Whether pre-releases count.
        pre: bool,
    },
    /// The newest version that satisfies a requirement.
    Version {
        /// The requirement.
        requirement: Box<Requirement>,
        /// Whether pre-releases count.
        pre: bool,
    },
    /// A branch, tag or commit.
    Ref(String),
}

/// A commit, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The commit, in full.
    pub commit: String,
    /// The tag or branch that named it, without `refs/tags/` or `refs/heads/`.
    pub git_ref: Option<String>,
    /// The same for people: `tag v1.2.0, the newest version`.
    pub words: String,
    /// Whether a tag named it: one that names another commit later was moved.
    pub is_tag: bool,
    /// Whether whoever asked named this very commit in full: nothing else can come then.
    pub is_exact: bool,
}

/// The outcome of looking at an advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// There is one commit that is meant.
    Commit(Chosen),
    /// No advertised commit begins so; one of the history may.
    InHistory(String),
}

/// Why no commit can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChoiceError {
    /// The repository has no commit at all.
    #[error("the repository is empty")]
    Empty,
    /// Nothing has this name.
    #[error("it has no branch, tag or commit `{wanted}`{}", offered(nearest))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// Names that are nearly it.
        nearest: Vec<String>,
    },
    /// No tag is a version that will do.
    #[error(
        "none of its tags is a version that satisfies `{requirement}`{}",
        offered(tags)
    )]
    NoVersion {
        /// What was asked for.
        requirement: String,
        /// The newest ones that there are.
        tags: Vec<String>,
    },
    /// Several commits begin so.
    #[error("more than one of its commits begins with `{wanted}`")]
    Ambiguous {
        /// What was asked for.
        wanted: String,
    },
    /// It could be no name of anything.
    #[error("`{wanted}` cannot be the name of a branch, tag or commit")]
    NoName {
        /// What was asked for.
        wanted: String,
    },
}

impl ChoiceError {
    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Unknown { nearest, .. } => match nearest.first() {
                Some(name) => format!("did you mean `--ref {name}`?"),
                None => {
                    "without `--ref` it is the newest version, or else the default branch".into()
                }
            },
            Self::NoVersion { .. } => "`--ref` takes any branch, tag or commit".into(),
            Self::Ambiguous { .. } => "write more of its digits".into(),
            Self::Empty => "push a commit to it, then ask again".into(),
            Self::NoName { .. } => "write its name as `git ls-remote` shows it".into(),
        }
    }
}

fn offered(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; it has {}", names.join(", ")),
    }
}

/// Chooses.
///
/// # Errors
/// [`ChoiceError`].
pub(super) fn choose(advertised: &Advertisement, want: &Want) -> Result<Choice, ChoiceError> {
    match want {
        Want::Ref(name) => by_name(advertised, name),
        Want::Version { requirement, pre } => {
            let chosen = newest(advertised, Some(requirement), *pre);
            chosen.ok_or_else(|| ChoiceError::NoVersion {
                requirement: requirement.to_string(),
                tags: newest_tags(advertised),
            })
        }
        Want::Newest { pre } => match newest(advertised, None, *pre) {
            Some(choice) => Ok(choice),
            None => default_branch(advertised),
        },
    }
}

/// The tags that are versions, each with what it says.
fn versions(advertised: &Advertisement) -> impl Iterator<Item = (Version, &str, &Advertised)> {
    advertised.refs.iter().filter_map(|one| {
        let tag = one.name.strip_prefix("refs/tags/")?;
        // `v2` names whatever is newest of a line, and moves; only whole versions are meant to stay
        let whole = tag.strip_prefix('v').unwrap_or(tag);
        let is_whole = whole.split(['-', '+']).next()?.split('.').count() == 3;
        let version = version::parse(tag).ok().filter(|_| is_whole)?.0;
        Some((version, tag, one))
    })
}

fn newest(
    advertised: &Advertisement,
    requirement: Option<&Requirement>,
    pre: bool,
) -> Option<Choice> {
    let policy = if pre {
        PreReleases::Include
    } else {
        PreReleases::Exclude
    };
    let any = Requirement::any();
    let requirement = requirement.unwrap_or(&any);
    let fits = |version: &Version| {
        requirement.exact() == Some(version) || requirement.matches(version, policy)
    };
    let (_, tag, one) = versions(advertised)
        .filter(|(version, _, _)| fits(version))
        // of two spellings of one version the first by name, so that the order of a server decides nothing
        .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    let words = if requirement.is_any() {
        format!("tag {tag}, the newest version")
    } else {
        format!("tag {tag}, the newest version that satisfies {requirement}")
    };
    Some(found(one, tag, words))
}

fn newest_tags(advertised: &Advertisement) -> Vec<String> {
    let mut all: Vec<_> = versions(advertised).collect();
    all.sort_by(|a, b| b.0.cmp(&a.0));
    all.into_iter()
        .take(OFFERED)
        .map(|(_, tag, _)| tag.to_owned())
        .collect()
}

fn found(one: &Advertised, name: &str, words: String) -> Choice {
    Choice::Commit(Chosen {
        commit: one.commit.to_string(),
        git_ref: Some(name.to_owned()),
        words,
        is_tag: one.name.starts_with("refs/tags/"),
        is_exact: false,
    })
}

fn default_branch(advertised: &Advertisement) -> Result<Choice, ChoiceError> {
    let Some((name, commit)) = &advertised.head else {
        return Err(ChoiceError::Empty);
    };
    let name = name
        .as_deref()
        .map(|name| name.strip_prefix("refs/heads/").unwrap_or(name));
    Ok(Choice::Commit(Chosen {
        commit: commit.to_string(),
        git_ref: name.map(ToOwned::to_owned),
        words: match name {
            Some(name) => format!("default branch {name}"),
            None => "HEAD, which names no branch".to_owned(),
        },
        is_tag: false,
        is_exact: false,
    }))
}

fn by_name(advertised: &Advertisement, wanted: &str) -> Result<Choice, ChoiceError> {
    if !packd_format::index::is_git_ref(wanted) || wanted.is_empty() {
        let wanted = wanted.to_owned();
        return Err(ChoiceError::NoName { wanted });
    }
    if wanted == "HEAD" || wanted == "@" {
        return default_branch(advertised);
    }
    let is_hex = wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let wanted_hex = wanted.to_ascii_lowercase();
    if is_hex && wanted.len() == ALL_DIGITS {
        return Ok(Choice::Commit(by_number(advertised, &wanted_hex)));
    }
    let full = |prefix: &str| {
        let name = format!("{prefix}{wanted}");
        advertised.refs.iter().find(move |one| one.name == name)
    };
    if wanted.starts_with("refs/")
        && let Some(one) = full("")
    {
        return Ok(found(one, wanted, wanted.to_owned()));
    }
    match (full("refs/tags/"), full("refs/heads/")) {
        (Some(tag), Some(branch)) if tag.commit != branch.commit => {
            let words =
                format!("tag {wanted}; there is a branch of that name too, `refs/heads/{wanted}`");
            return Ok(found(tag, wanted, words));
        }
        (Some(tag), _) => return Ok(found(tag, wanted, format!("tag {wanted}"))),
        (None, Some(branch)) => return Ok(found(branch, wanted, format!("branch {wanted}"))),
        (None, None) => {}
    }
    // `tags/x` and `heads/x`, as git takes them
    if let Some(one) = full("refs/") {
        return Ok(found(one, wanted, wanted.to_owned()));
    }
    if is_hex && (FEWEST_DIGITS..ALL_DIGITS).contains(&wanted.len()) {
        return by_beginning(advertised, &wanted_hex);
    }
    Err(unknown(advertised, wanted))
}

/// A commit that was asked for in full. Whether the server has it shows when it is fetched.
fn by_number(advertised: &Advertisement, wanted: &str) -> Chosen {
    // the number of a tag object means the commit behind it
    let tag = ObjectId::from_hex(wanted.as_bytes()).ok();
    let behind = advertised
        .refs
        .iter()
        .find(|one| one.tag.is_some() && one.tag == tag);
    Chosen {
        commit: behind.map_or_else(|| wanted.to_owned(), |one| one.commit.to_string()),
        git_ref: None,
        words: format!("commit {wanted}"),
        is_tag: false,
        is_exact: true,
    }
}

fn by_beginning(advertised: &Advertisement, wanted: &str) -> Result<Choice, ChoiceError> {
    let head = advertised.head.iter().map(|(_, commit)| *commit);
    let tips = advertised
        .refs
        .iter()
        .filter(|one| one.name.starts_with("refs/heads/") || one.name.starts_with("refs/tags/"));
    let mut begins: Vec<_> = tips
        .map(|one| one.commit)
        .chain(head)
        .filter(|commit| commit.to_string().starts_with(wanted))
        .collect();
    begins.sort_unstable();
    begins.dedup();
    match begins.as_slice() {
        [] => Ok(Choice::InHistory(wanted.to_owned())),
        [commit] => Ok(Choice::Commit(of_history(*commit))),
        _ => Err(ChoiceError::Ambiguous {
            wanted: wanted.to_owned(),
        }),
    }
}

/// A commit that was found by its beginning.
pub(super) fn of_history(commit: ObjectId) -> Chosen {
    Chosen {
        commit: commit.to_string(),
        git_ref: None,
        words: format!("commit {commit}"),
        is_tag: false,
        is_exact: false,
    }
}

/// That nothing has this name, with names that are nearly it.
pub(super) fn unknown(advertised: &Advertisement, wanted: &str) -> ChoiceError {
    let mut nearest = Nearest::new(wanted);
    let mut prefixed = None;
    for one in &advertised.refs {
        let name = one.name.strip_prefix("refs/tags/");
        let Some(name) = name.or_else(|| one.name.strip_prefix("refs/heads/")) else {
            continue;
        };
        // the difference that is by far the commonest
        if name.strip_prefix('v') == Some(wanted) || wanted.strip_prefix('v') == Some(name) {
            prefixed = Some(name.to_owned());
        }
        nearest.consider(name);
    }
    let mut nearest = nearest.best(OFFERED);
    if let Some(name) = prefixed {
        nearest.retain(|known| *known != name);
        nearest.insert(0, name);
    }
    ChoiceError::Unknown {
        wanted: wanted.to_owned(),
        nearest,
    }
}

#[cfg(test)]
mod tests;
