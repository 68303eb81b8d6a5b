//! URLs, as far as a text can tell: what may be fetched, its reader decides.

use super::super::make::{is_of_template, is_placeholder};
use super::super::source::is_plausible;
use super::Rule;
use crate::name::shown;

/// What is wrong with a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) why: String,
    pub(super) hint: Option<&'static str>,
}

impl Fault {
    fn of(rule: Rule, why: impl Into<String>) -> Self {
        Self {
            rule,
            why: why.into(),
            hint: None,
        }
    }
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Archive,
    Git,
}

/// What is wrong with the URL of a source.
pub(super) fn source_fault(url: &str, what: For) -> Option<Fault> {
    // said only where something is wrong: an index has many URLs
    let plain = || shown(&without_credentials(url));
    if is_placeholder(url) {
        let mut fault = Fault::of(
            Rule::Placeholder,
            format!("`{}` is the placeholder of a template", plain()),
        );
        fault.hint = Some("give the real URL to `packctl index-entry`");
        return Some(fault);
    }
    if !is_plausible(url) {
        return Some(Fault::of(Rule::Url, format!("`{}` is no URL", plain())));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return relative_fault(url, what);
    };
    let scheme = scheme.to_ascii_lowercase();
    let is_known = match what {
        For::Archive => matches!(&*scheme, "https" | "http" | "file"),
        For::Git => matches!(
            &*scheme,
            "https" | "http" | "file" | "ssh" | "git" | "git+https" | "git+http" | "git+ssh"
        ),
    };
    if !is_known {
        return Some(Fault::of(
            Rule::Url,
            format!("nobody fetches from `{scheme}://`"),
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() && scheme != "file" {
        return Some(Fault::of(Rule::Url, format!("`{}` names no host", plain())));
    }
    if let Some((user, _)) = authority.rsplit_once('@') {
        // ssh needs the name of the user, and that is no secret
        let is_secret = !scheme.ends_with("ssh") || user.contains(':');
        if is_secret {
            let mut fault = Fault::of(
                Rule::Credentials,
                format!("`{}` is written with a user or a password in it", plain()),
            );
            fault.hint = Some(
                "everybody reads an index: give access by other means, and change the password",
            );
            return Some(fault);
        }
    }
    if is_of_template(url) {
        let mut fault = Fault::of(
            Rule::Template,
            format!("`{}` looks like the placeholder of a template", plain()),
        );
        fault.hint = Some("write where the pack is");
        return Some(fault);
    }
    let is_open = matches!(&*scheme, "http" | "git+http" | "git");
    is_open.then(|| {
        let mut fault = Fault::of(
            Rule::Unencrypted,
            format!("`{}` is fetched without encryption", plain()),
        );
        fault.hint = Some("hosts refuse it unless they are configured otherwise");
        fault
    })
}

/// What is wrong with a URL that has no scheme.
fn relative_fault(url: &str, what: For) -> Option<Fault> {
    let first = url.split('/').next().unwrap_or_default();
    // `git@host:path`, and the short forms of hosts
    let why = match (what, first.contains(':')) {
        (For::Archive, false) | (For::Git, true) => return None,
        (For::Archive, true) => "is neither relative nor absolute with `https://`",
        (For::Git, false) => "is no absolute URL, as a repository's is",
    };
    Some(Fault::of(Rule::Url, format!("`{}` {why}", shown(url))))
}

/// What is wrong with the URL of a page, or of the registry itself.
pub(super) fn home_fault(url: &str) -> Option<Fault> {
    let plain = || shown(&without_credentials(url));
    let fault = source_fault(url, For::Git);
    match fault {
        Some(fault) if matches!(fault.rule, Rule::Credentials) => Some(fault),
        Some(fault) if matches!(fault.rule, Rule::Unencrypted | Rule::Template) => None,
        Some(_) => Some(Fault::of(
            Rule::Home,
            format!("is `{}`, which is no URL", plain()),
        )),
        None if !url.contains("://") && !url.contains('@') => Some(Fault::of(
            Rule::Home,
            format!("is `{}`, which is no absolute URL", plain()),
        )),
        None => None,
    }
}

/// A URL as it may be printed.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => url.to_owned(),
    }
}
