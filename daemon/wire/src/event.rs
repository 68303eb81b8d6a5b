//! Events: what happened, in order, each with a sequence number that never repeats.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

macro_rules! event_kinds {
    ($( $(#[$doc:meta])* $variant:ident => $name:literal; )*) => {
        /// What happened. Readers ignore kinds they do not know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum EventKind {
            $( $(#[$doc])* $variant, )*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The name used on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }
        }
    };
}

event_kinds! {
    /// A job was queued: `{summary}`.
    JobQueued => "job_queued";
    /// An attempt began: `{attempt}`.
    JobStarted => "job_started";
    /// A step began: `{step, message}`.
    StepStarted => "step_started";
    /// A step is done: `{step, message, duration_ms}`.
    StepCompleted => "step_completed";
    /// Bytes arrive: `{url, downloaded_bytes, total_bytes}`. Not stored.
    Downloading => "downloading";
    /// Entries are written: `{file, files, bytes}`. Not stored.
    Extracting => "extracting";
    /// A digest was compared: `{message}`; of a repository also `{commit, git_ref}`.
    Verifying => "verifying";
    /// A suite of a pack's tests begins: `{suite, number, of}`; it has ended:
    /// `{suite, status, total, passed, failed, skipped, duration_ms}`. Of a run with very many suites, those after the
    /// 200th are not stored.
    Testing => "testing";
    /// Odd, but not in the way: `{message}`; an attempt that failed, while another one will be made:
    /// `{message, error, retry_at, attempt}`.
    Warning => "warning";
    /// Worth knowing: `{message}`; that a job waits for another one: `{message, waits_for}`.
    Info => "info";
    /// A job ended well: `{summary, changed}`.
    JobSucceeded => "job_succeeded";
    /// A job ended with an error: `{error}`.
    JobFailed => "job_failed";
    /// A job was cancelled: `{}`.
    JobCancelled => "job_cancelled";
    /// A pack became active that was not: `{version}`; from a repository also `{commit}`.
    PackInstalled => "pack_installed";
    /// Another version or tree of a pack became active: `{from, version}`; from a repository also `{commit}`.
    PackUpdated => "pack_updated";
    /// A pack is no longer active: `{version}`.
    PackRemoved => "pack_removed";
    /// A tree is not as it was installed: `{version, state, differences, count}`; the differences are the first ten.
    PackDamaged => "pack_damaged";
    /// The tree of a pack is as it was installed again: `{version, quarantine}`.
    PackRepaired => "pack_repaired";
    /// `current` names another generation: `{generation}`.
    GenerationActivated => "generation_activated";
    /// A generation that packd activated by itself was gone back from, because the host was not well with it:
    /// `{generation, message, rollback}`, the last of which is a job.
    HealthFailed => "health_failed";
    /// A hook ended well: `{hook, on, event, duration_ms}`.
    HookSucceeded => "hook_succeeded";
    /// A hook failed: `{hook, on, event, status, exit, message, rollback, duration_ms}`; `rollback` is a job, where the
    /// hook asks for one.
    HookFailed => "hook_failed";
    /// An index was read: `{registry, packs, changed}`.
    RegistryRefreshed => "registry_refreshed";
    /// An index could not be read: `{registry, error}`.
    RegistryFailed => "registry_failed";
    /// There is a newer version, and updates are in the mode `notify`: `{from, version, registry}`. Once for each version.
    UpdateAvailable => "update_available";
}

impl EventKind {
    /// The kind of this name, if it is one that is known here.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// Reads a list of what has an event kind in the field `key`, without those of kinds that a newer daemon has.
///
/// # Errors
/// What is wrong with one of a known kind.
pub(crate) fn of_known_kinds<'de, D, T>(reader: D, key: &str) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let is_new = |value: &serde_json::Value| {
        let name = value.get(key).and_then(serde_json::Value::as_str);
        name.is_some_and(|name| EventKind::of_name(name).is_none())
    };
    let all = Vec::<serde_json::Value>::deserialize(reader)?;
    all.into_iter()
        .filter(|value| !is_new(value))
        .map(|value| serde_json::from_value(value).map_err(D::Error::custom))
        .collect()
}

fn events<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<EventView>, D::Error> {
    of_known_kinds(reader, "kind")
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Its place in the order; absent on progress, which is not stored and cannot be replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// RFC 3339, UTC.
    pub at: String,
    /// What happened.
    pub kind: EventKind,
    /// The job it belongs to.
    pub job: Option<i64>,
    /// The pack it is about.
    #[serde(rename = "ref")]
    pub pack_ref: Option<String>,
    /// More, by kind.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Stored events, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events. A reader leaves out those of kinds that it does not know.
    #[serde(deserialize_with = "events")]
    pub events: Vec<EventView>,
    /// `?since=` of the next page, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_read_without_the_kinds_that_are_not_known_yet() {
        let event = |seq: i64, kind: &str| json!({"seq": seq, "at": "2026-11-27T11:44:51Z", "kind": kind, "job": null, "ref": null, "data": {}});
        let list = json!({"events": [event(1, "info"), event(2, "moon_rose"), event(3, "warning")], "next": 3});
        let list: EventList = serde_json::from_value(list).unwrap();
        let read: Vec<_> = list.events.iter().filter_map(|event| event.seq).collect();
        assert_eq!((read, list.next), (vec![1, 3], Some(3)));
    }

    #[test]
    fn what_is_wrong_with_a_known_kind_is_not_passed_over() {
        let list = json!({"events": [{"kind": "info"}]});
        let error = serde_json::from_value::<EventList>(list).unwrap_err();
        assert!(error.to_string().contains("missing field"), "{error}");
        assert!(serde_json::from_value::<EventList>(json!({"events": [{}]})).is_err());
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::of_name(kind.as_str()), Some(*kind));
        }
    }
}
