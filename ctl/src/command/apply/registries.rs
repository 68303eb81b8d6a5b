//! The registries that a file names: added and changed as far as they were added in that way before.

use packd_wire::{RefreshRequest, RegistryView};
use serde::Serialize;

use crate::client::Client;
use crate::command::packs_file::{DesiredRegistry, Headers, PacksFile};
use crate::output::{Failure, Output};

/// What is done about a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RegistryAction {
    /// It is not there yet.
    Add,
    /// It is there, and shall be different.
    Change,
}

/// A registry of the file that is not as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RegistryNote {
    /// Its name.
    pub(crate) name: String,
    /// What is done about it.
    pub(crate) action: RegistryAction,
    /// Where its index is.
    pub(crate) url: String,
}

/// What has to be done about the registries of a file. What is odd is said at once.
pub(super) async fn look(
    file: &PacksFile,
    client: &Client,
    out: &mut Output,
) -> Result<Vec<RegistryNote>, Failure> {
    if file.registries.is_empty() {
        return Ok(Vec::new());
    }
    let views = client.registries().await?.registries;
    let mut notes = Vec::new();
    for (name, desired) in &file.registries {
        let view = views.iter().find(|view| view.name == *name);
        for header in missing_headers(desired, view) {
            out.warn(&format!(
                "registry `{name}` needs the header `{header}`, and the file does not have what it says"
            ));
            out.hint(&format!(
                "packctl registry add {name} {} --replace --header '{header}: …'",
                desired.url
            ));
        }
        let action = match view {
            None => RegistryAction::Add,
            Some(view) if differences(desired, view).is_empty() => continue,
            Some(view) => match &view.defined_at {
                None => RegistryAction::Change,
                Some(place) => {
                    let different = differences(desired, view).join(", ");
                    out.warn(&format!(
                        "registry `{name}` is part of the configuration ({place}), and stays as it is there; \
                         the file says otherwise of: {different}"
                    ));
                    continue;
                }
            },
        };
        notes.push(RegistryNote {
            name: name.clone(),
            action,
            url: desired.url.clone(),
        });
    }
    Ok(notes)
}

/// Adds and changes registries; what stays of the notes is what was different.
pub(super) async fn put(
    file: &PacksFile,
    notes: &mut Vec<RegistryNote>,
    client: &Client,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut changed = Vec::new();
    for note in notes.drain(..) {
        let Some(desired) = file.registries.get(&note.name) else {
            continue;
        };
        let answer = client.change_registry(&note.name, &desired.request()).await;
        let change = answer
            .map_err(|error| Failure::from(error).about(&format!("registry `{}`", note.name)))?;
        for warning in &change.warnings {
            out.warn(warning);
        }
        if change.changed {
            out.say(&match note.action {
                RegistryAction::Add => format!("registry `{}` is added", note.name),
                RegistryAction::Change => format!("registry `{}` is changed", note.name),
            });
            changed.push(note);
        }
    }
    let asked = changed.iter().map(|note| note.name.clone());
    let enabled =
        |name: &String| file.registries.get(name).and_then(|one| one.enabled) != Some(false);
    let registries: Vec<String> = asked.filter(enabled).collect();
    if !registries.is_empty() {
        // one that does not answer is told by whoever needs it
        client.refresh(&RefreshRequest { registries }).await?;
    }
    *notes = changed;
    Ok(())
}

/// The headers that are named, and that the registry does not have.
fn missing_headers(desired: &DesiredRegistry, view: Option<&RegistryView>) -> Vec<String> {
    let Some(Headers::Named(names)) = &desired.headers else {
        return Vec::new();
    };
    let has = |name: &String| view.is_some_and(|view| view.settings.headers.contains(name));
    names.iter().filter(|name| !has(name)).cloned().collect()
}

/// The keys in which a registry is not as it shall be. What headers say cannot be seen, so those that are given always
/// are.
fn differences(desired: &DesiredRegistry, view: &RegistryView) -> Vec<&'static str> {
    let settings = &view.settings;
    let DesiredRegistry {
        url,
        priority,
        enabled,
        refs,
        exclusive,
        headers,
        trust,
        root,
        root_fingerprint,
        max_stale,
        refresh,
        allow_http,
        sandbox,
        updates,
    } = desired;
    let other = |asked: &Option<String>, is: &Option<String>, usual: &str| {
        let is = is.as_deref().unwrap_or(usual);
        asked.as_deref().is_some_and(|asked| asked != is)
    };
    let all = [
        ("url", *url != view.url),
        (
            "priority",
            priority.is_some_and(|asked| asked != view.priority),
        ),
        (
            "enabled",
            enabled.is_some_and(|asked| asked != view.enabled),
        ),
        (
            "refs",
            refs.as_ref().is_some_and(|asked| *asked != view.refs),
        ),
        (
            "exclusive",
            exclusive.is_some_and(|asked| asked != view.exclusive),
        ),
        ("headers", matches!(headers, Some(Headers::Given(_)))),
        ("trust", trust.is_some_and(|asked| asked != view.trust)),
        (
            "root",
            root.as_ref()
                .is_some_and(|asked| !is_root(asked, settings.root.as_deref())),
        ),
        (
            "root_fingerprint",
            other(root_fingerprint, &settings.root_fingerprint, ""),
        ),
        ("max_stale", other(max_stale, &settings.max_stale, "0s")),
        ("refresh", other(refresh, &settings.refresh, "1h")),
        (
            "allow_http",
            allow_http.is_some_and(|asked| asked != settings.allow_http),
        ),
        ("sandbox", other(sandbox, &settings.sandbox, "")),
        ("updates", updates.is_some() && *updates != settings.updates),
    ];
    let different = all.into_iter().filter(|(_, is)| *is);
    different.map(|(key, _)| key).collect()
}

/// Whether a root is the file that is meant: named in full, or as it lies among the keys.
fn is_root(asked: &str, is: Option<&str>) -> bool {
    is.is_some_and(|is| is == asked || is.ends_with(&format!("/keys/{asked}")))
}

#[cfg(test)]
mod tests {
    use packd_wire::RegistryState;

    use super::*;
    use crate::command::registry::tests::registry;

    #[test]
    fn only_what_is_said_and_is_otherwise_is_different() {
        let mut view = registry("acme", RegistryState::Ok);
        view.settings.root = Some("/etc/packd/keys/acme.root.json".to_owned());
        view.settings.headers = vec!["Authorization".to_owned()];
        let same = DesiredRegistry {
            url: view.url.clone(),
            root: Some("acme.root.json".to_owned()),
            refresh: Some("1h".to_owned()),
            headers: Some(Headers::Named(vec!["Authorization".to_owned()])),
            ..DesiredRegistry::default()
        };
        assert_eq!(differences(&same, &view), [""; 0]);
        assert!(missing_headers(&same, Some(&view)).is_empty());
        assert_eq!(missing_headers(&same, None), ["Authorization"]);
        let other = DesiredRegistry {
            url: "https://new.example/index.json".to_owned(),
            priority: Some(7),
            refresh: Some("2h".to_owned()),
            ..same
        };
        assert_eq!(differences(&other, &view), ["url", "priority", "refresh"]);
    }
}
