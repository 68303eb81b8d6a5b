//! The paths of the API, each said once.

/// `GET`: version, uptime, queue, generation, registries' health.
pub const STATUS: &str = "/v1/status";
/// `GET`: liveness.
pub const HEALTH: &str = "/v1/health";
/// `GET`: figures for monitoring, as OpenMetrics.
pub const METRICS: &str = "/v1/metrics";
/// `GET`: the description of this API.
pub const OPENAPI: &str = "/v1/openapi.json";
/// `GET`: active packs.
pub const PACKS: &str = "/v1/packs";
/// `GET` shows one pack, `PUT` makes it as asked, `DELETE` removes it.
pub const PACK: &str = "/v1/packs/{ref}";
/// `POST`: install from a registry reference or a URL.
pub const INSTALL: &str = "/v1/packs/install";
/// `POST`: install an archive sent as the body.
pub const UPLOAD: &str = "/v1/packs/upload";
/// `POST` holds a pack in its version, `DELETE` lifts that.
pub const PACK_HOLD: &str = "/v1/packs/{ref}/hold";
/// `POST`: run the tests of an active pack.
pub const PACK_TEST: &str = "/v1/packs/{ref}/test";
/// `GET`: results of a pack's tests, newest first.
pub const PACK_TESTS: &str = "/v1/packs/{ref}/tests";
/// `GET`: the latest result of a pack's tests, whole.
pub const PACK_TESTS_LATEST: &str = "/v1/packs/{ref}/tests/latest";
/// `POST`: bring packs to newer versions.
pub const UPDATE: &str = "/v1/packs/update";
/// `GET`: why packs are or are not updated by themselves.
pub const UPDATES: &str = "/v1/updates";
/// `POST` keeps everything from being updated by itself, `DELETE` lifts that.
pub const FREEZE: &str = "/v1/freeze";
/// `POST`: compare the trees of active packs with their lists, and repair them.
pub const VERIFY: &str = "/v1/packs/verify";
/// `POST`: an operator has seen that the database was lost.
pub const ACKNOWLEDGE: &str = "/v1/status/acknowledge";
/// `POST`: make it so: the packs that are named, or a plan that was made before.
pub const APPLY: &str = "/v1/apply";
/// `GET`: generations, newest first.
pub const GENERATIONS: &str = "/v1/generations";
/// `GET`: one generation with its packs.
pub const GENERATION: &str = "/v1/generations/{number}";
/// `GET`: what is different from one generation to another.
pub const GENERATION_DIFF: &str = "/v1/generations/{number}/diff";
/// `POST` keeps a generation for ever, `DELETE` lifts that.
pub const GENERATION_PIN: &str = "/v1/generations/{number}/pin";
/// `POST`: go back to the packs of an earlier generation.
pub const ROLLBACK: &str = "/v1/rollback";
/// `GET`: jobs, newest first.
pub const JOBS: &str = "/v1/jobs";
/// `GET`: one job.
pub const JOB: &str = "/v1/jobs/{id}";
/// `GET`: one job, answered when it has ended or the time is over.
pub const JOB_WAIT: &str = "/v1/jobs/{id}/wait";
/// `POST`: cancel one job.
pub const JOB_CANCEL: &str = "/v1/jobs/{id}/cancel";
/// `POST`: remove what nothing needs any more.
pub const GC: &str = "/v1/gc";
/// `GET`: events, as a stream or as a list.
pub const EVENTS: &str = "/v1/events";
/// `GET`: configured registries and their health.
pub const REGISTRIES: &str = "/v1/registries";
/// `GET`: one registry; `PUT`: add or change one; `DELETE`: remove one.
pub const REGISTRY: &str = "/v1/registries/{name}";
/// `POST`: refresh registries now.
pub const REGISTRIES_REFRESH: &str = "/v1/registries/refresh";
/// `POST`: accept that a registry is not signed any more.
pub const REGISTRY_TRUST: &str = "/v1/registries/{name}/trust";
/// `GET`: what the registries offer, by text.
pub const SEARCH: &str = "/v1/search";
/// `GET`: what the registries offer of one pack.
pub const AVAILABLE: &str = "/v1/available/{ref}";
/// `POST`: read the configuration again.
pub const RELOAD: &str = "/v1/reload";
/// `GET`: who asked for what, and what became of it.
pub const AUDIT: &str = "/v1/audit";
/// `GET`: whether the audit is as it was written.
pub const AUDIT_VERIFY: &str = "/v1/audit/verify";

/// The path of one pack.
#[must_use]
pub fn pack(pack_ref: &str) -> String {
    format!("{PACKS}/{pack_ref}")
}

/// The path of the trust in a registry.
#[must_use]
pub fn registry_trust(name: &str) -> String {
    format!("{REGISTRIES}/{name}/trust")
}

/// The path of the hold of a pack.
#[must_use]
pub fn pack_hold(pack_ref: &str) -> String {
    format!("{PACKS}/{pack_ref}/hold")
}

/// The path that runs the tests of a pack.
#[must_use]
pub fn pack_test(pack_ref: &str) -> String {
    format!("{PACKS}/{pack_ref}/test")
}

/// The path of the results of a pack's tests.
#[must_use]
pub fn pack_tests(pack_ref: &str) -> String {
    format!("{PACKS}/{pack_ref}/tests")
}

/// The path of what is different from one generation to another.
#[must_use]
pub fn generation_diff(number: i64) -> String {
    format!("{GENERATIONS}/{number}/diff")
}

/// The path of one generation.
#[must_use]
pub fn generation(number: i64) -> String {
    format!("{GENERATIONS}/{number}")
}

/// The path of the pin of a generation.
#[must_use]
pub fn generation_pin(number: i64) -> String {
    format!("{GENERATIONS}/{number}/pin")
}

/// The path of one job.
#[must_use]
pub fn job(id: i64) -> String {
    format!("{JOBS}/{id}")
}

/// The path that waits for one job.
#[must_use]
pub fn job_wait(id: i64) -> String {
    format!("{JOBS}/{id}/wait")
}

/// The path that cancels one job.
#[must_use]
pub fn job_cancel(id: i64) -> String {
    format!("{JOBS}/{id}/cancel")
}

/// The path of one registry.
#[must_use]
pub fn registry(name: &str) -> String {
    format!("{REGISTRIES}/{name}")
}

/// The path of what registries offer of one pack.
#[must_use]
pub fn available(pack_ref: &str) -> String {
    format!("/v1/available/{pack_ref}")
}
