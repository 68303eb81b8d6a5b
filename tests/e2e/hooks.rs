//! Hooks: what they are told, what becomes of their failures, and what keeps them in.

use std::time::Instant;

use packd_tests::{PATIENCE, PackTree, Packd, Request, Settings, Site};
use packd_wire::{
    ChangeAction, EventKind, HookStatus, HookView, JobKind, JobStatus, JobView, PackView, path,
};
use serde_json::{Value, json};

const PYTHON: &str = "/usr/bin/python3";
const SHELL: &str = "/bin/sh";

fn site() -> Site {
    let pack = |version: &str| PackTree::new("slack", version).file("version", version);
    Site::serving(&[pack("1.0.0"), pack("2.0.0"), pack("3.0.0")])
}

/// A hook that is a shell script.
fn shell(on: &str, script: &str, more: &Value) -> Value {
    let mut hook = json!({"name": "check", "on": [on], "command": [SHELL, "-c", script]});
    for (key, value) in more.as_object().unwrap() {
        hook[key] = value.clone();
    }
    hook
}

fn install(packd: &Packd, what: &str) -> JobView {
    packd.ctl(["-j", "install", what]).success().job()
}

/// The one hook of a job, once it has ended.
pub(crate) fn hook_of(packd: &Packd, job: i64) -> HookView {
    packd.wait_for(job, |event| {
        matches!(event.kind, EventKind::HookSucceeded | EventKind::HookFailed)
    });
    let mut hooks = packd.job(job).hooks;
    assert_eq!(hooks.len(), 1, "{hooks:#?}");
    hooks.remove(0)
}

fn slack(packd: &Packd) -> PackView {
    packd.ask(&Request::get(&path::pack("slack"))).json()
}

/// Whether a process has this word on its command line.
fn runs(word: &str) -> bool {
    let processes = fs_err::read_dir("/proc").unwrap();
    let mut lines = processes.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_process = path.file_name()?.to_str()?.parse::<u32>().is_ok();
        is_process.then(|| fs_err::read(path.join("cmdline")).unwrap_or_default())
    });
    lines.any(|line| String::from_utf8_lossy(&line).contains(word))
}

/// Waits until processes with this word run, or none does.
fn wait_until(word: &str, wanted: bool) {
    let end = Instant::now() + PATIENCE;
    while runs(word) != wanted {
        assert!(Instant::now() < end, "`{word}` runs: {}", !wanted);
        std::thread::yield_now();
    }
}

#[test]
fn a_hook_is_told_the_event_and_the_job_and_the_job_shows_how_it_went() {
    let site = site();
    let program = "import json, os, sys\n\
        told = json.load(sys.stdin)\n\
        version = open(told['current'] + '/slack/version').read()\n\
        print(json.dumps({'hook': told['hook'], 'event': told['event'], 'kind': told['job']['kind'],\n\
            'status': told['job']['status'], 'change': told['job']['plan']['changes'][0]['to'],\n\
            'source': told['job']['request']['source'], 'version': version,\n\
            'environment': sorted(os.environ)}))\n";
    let hook =
        json!({"name": "told", "on": ["generation_activated"], "command": [PYTHON, "-c", program]});
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let job = install(&packd, "slack@1.0.0");
    let hook = hook_of(&packd, job.id);
    assert_eq!(
        (hook.status, hook.exit, hook.on),
        (
            HookStatus::Succeeded,
            Some(0),
            EventKind::GenerationActivated
        ),
        "{hook:#?}"
    );
    let told: Value = serde_json::from_str(&hook.output).unwrap();
    assert_eq!(told["hook"], "told");
    assert_eq!(told["event"]["kind"], "generation_activated");
    assert_eq!(told["event"]["seq"], hook.event);
    assert_eq!(told["event"]["job"], job.id);
    assert_eq!(told["event"]["data"]["generation"], 1);
    assert_eq!(
        (
            &told["kind"],
            &told["status"],
            &told["change"],
            &told["source"]
        ),
        (
            &json!("install"),
            &json!("succeeded"),
            &json!("1.0.0"),
            &json!("slack@1.0.0")
        )
    );
    assert_eq!(told["version"], "1.0.0", "it can read what is active");
    let environment = json!(["HOME", "LANG", "LC_CTYPE", "PATH", "RES_OPTIONS", "TMPDIR"]);
    let known = environment.as_array().unwrap();
    let told = told["environment"].as_array().unwrap();
    assert!(told.iter().all(|name| known.contains(name)), "{told:?}");
    let job = packd.job(job.id);
    assert!(job.warnings.is_empty(), "{:?}", job.warnings);
    packd
        .ctl(["job", "show", &job.id.to_string()])
        .success()
        .says("hook told on generation_activated: succeeded");
}

#[test]
fn a_hook_that_fails_is_a_warning_and_nothing_more() {
    let site = site();
    let script = "echo it does not like it >&2; exit 3";
    let hook = shell("generation_activated", script, &json!({}));
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let job = install(&packd, "slack@1.0.0");
    let hook = hook_of(&packd, job.id);
    assert_eq!((hook.status, hook.exit), (HookStatus::Failed, Some(3)));
    assert_eq!(hook.output, "it does not like it\n");
    let job = packd.job(job.id);
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(
        job.warnings,
        ["hook `check` on generation_activated: it ended with the status 3"]
    );
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let metrics = packd.get(path::METRICS).expect(200).text();
    assert!(
        metrics.contains("packd_hook_runs_total{hook=\"check\",result=\"failed\"} 1"),
        "{metrics}"
    );
}

#[test]
fn a_job_that_fails_runs_the_hooks_for_that() {
    let site = site();
    let hook = shell(
        "job_failed",
        "grep -o '\"kind\":\"[a-z_]*not_found\"'",
        &json!({}),
    );
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let job = packd.ctl(["-j", "install", "nobody"]).job();
    assert_eq!(job.status, JobStatus::Failed);
    let hook = hook_of(&packd, job.id);
    assert_eq!(hook.status, HookStatus::Succeeded, "{hook:#?}");
    assert_eq!(hook.on, EventKind::JobFailed);
}

#[test]
fn a_hook_can_take_the_generation_back_and_the_next_version_is_another_chance() {
    let site = site();
    let packd = Packd::prepare(&Settings::for_site(&site));
    let script = format!(
        "test $(cat {}/current/slack/version) != 2.0.0",
        packd.state_dir().display()
    );
    let hook = shell(
        "generation_activated",
        &script,
        &json!({"on_failure": "rollback"}),
    );
    packd.configure(&Settings::for_site(&site).hook(&hook));
    let mut packd = packd;
    packd.begin();
    let first = install(&packd, "slack@1.0.0");
    assert_eq!(hook_of(&packd, first.id).status, HookStatus::Succeeded);

    let second = install(&packd, "slack@2.0.0");
    let hook = hook_of(&packd, second.id);
    assert_eq!(hook.status, HookStatus::Failed);
    let rollback = packd.finished(hook.rollback.unwrap());
    assert_eq!(
        (rollback.kind, rollback.status, rollback.automatic),
        (JobKind::Rollback, JobStatus::Succeeded, true),
        "{rollback:#?}"
    );
    assert_eq!(
        rollback.summary,
        "rollback to generation 1: hook `check` failed"
    );
    assert_eq!(
        rollback.plan.unwrap().changes[0].action,
        ChangeAction::Downgrade
    );
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let blocked = slack(&packd).blocked;
    assert_eq!((blocked.len(), blocked[0].version.as_str()), (1, "2.0.0"));
    assert_eq!(hook_of(&packd, rollback.id).status, HookStatus::Succeeded);

    // whoever names the version gets it, with a warning, and updates pass it over until somebody did
    packd
        .ctl(["update", "slack", "--dry-run"])
        .success()
        .says("3.0.0");
    let again = install(&packd, "slack@2.0.0");
    assert!(
        again
            .warnings
            .iter()
            .any(|warning| warning.contains("2.0.0 was rolled back from by job")),
        "{again:#?}"
    );
    let hook = hook_of(&packd, again.id);
    assert_eq!(hook.status, HookStatus::Failed);
    let back = packd.finished(hook.rollback.unwrap());
    assert_eq!(back.status, JobStatus::Succeeded, "{back:#?}");
    assert_eq!(packd.active(), ["slack 1.0.0"]);

    let third = install(&packd, "slack@3.0.0");
    assert_eq!(hook_of(&packd, third.id).status, HookStatus::Succeeded);
    assert_eq!(packd.active(), ["slack 3.0.0"]);
}

#[test]
fn a_hook_that_fails_on_every_generation_does_not_go_back_for_ever() {
    let site = site();
    let hook = shell(
        "generation_activated",
        "false",
        &json!({"on_failure": "rollback"}),
    );
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let first = install(&packd, "slack@1.0.0");
    let hook = hook_of(&packd, first.id);
    assert_eq!(hook.rollback, None, "there is nothing before it");
    let second = install(&packd, "slack@2.0.0");
    let back = hook_of(&packd, second.id).rollback.unwrap();
    assert_eq!(packd.finished(back).status, JobStatus::Succeeded);
    let hook = hook_of(&packd, back);
    assert_eq!((hook.status, hook.rollback), (HookStatus::Failed, None));
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn a_hook_that_hangs_is_ended_with_its_children() {
    let site = site();
    let script = "trap '' TERM; (setsid sleep 4242.5 &) ; sleep 4242.5";
    let hook = shell("generation_activated", script, &json!({"timeout": "1s"}));
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let job = install(&packd, "slack@1.0.0");
    let hook = hook_of(&packd, job.id);
    assert_eq!((hook.status, hook.exit), (HookStatus::TimedOut, None));
    assert_eq!(
        hook.message.as_deref(),
        Some("it was not done within 1 s, and was ended with all that it started")
    );
    wait_until("4242.5", false);
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn what_a_hook_writes_is_bounded() {
    let site = site();
    let script = "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo the end";
    let hook = shell("generation_activated", script, &json!({}));
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let job = install(&packd, "slack@1.0.0");
    let hook = hook_of(&packd, job.id);
    assert_eq!(hook.status, HookStatus::Succeeded, "{hook:#?}");
    assert!(hook.output.len() <= 4096, "{}", hook.output.len());
    assert!(hook.output.ends_with("x\nthe end\n"));
}

#[test]
fn a_hook_writes_nowhere_but_to_its_own_folder_and_reads_no_secrets() {
    let site = site();
    let packd = Packd::prepare(&Settings::for_site(&site));
    let state = packd.state_dir().display().to_string();
    let script = format!(
        "touch mine && touch $TMPDIR/mine && ! touch {state}/current/slack/theirs 2>/dev/null \
         && ! cat {state}/packd.db >/dev/null 2>&1 && ! cat {} >/dev/null 2>&1",
        packd.config_file().display()
    );
    let hook = shell("generation_activated", &script, &json!({}));
    packd.configure(&Settings::for_site(&site).hook(&hook));
    let mut packd = packd;
    packd.begin();
    let job = install(&packd, "slack@1.0.0");
    let hook = hook_of(&packd, job.id);
    assert_eq!(hook.status, HookStatus::Succeeded, "{hook:#?}");
    let left = fs_err::read_dir(packd.state_dir().join("testing")).unwrap();
    assert_eq!(left.count(), 0, "its folder is gone with it");
}

#[test]
fn a_hook_is_run_again_when_packd_was_killed_before_it_ended() {
    let site = site();
    let hook = shell("generation_activated", "sleep 4243.5", &json!({}));
    let mut packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    let job = install(&packd, "slack@1.0.0");
    wait_until("4243.5", true);
    packd.kill();
    wait_until("4243.5", false);
    let hook = shell("generation_activated", "echo again", &json!({}));
    packd.configure(&Settings::for_site(&site).hook(&hook));
    packd.begin();
    let hook = hook_of(&packd, job.id);
    assert_eq!(
        (hook.status, hook.output.as_str()),
        (HookStatus::Succeeded, "again\n")
    );
}

#[test]
fn a_program_that_is_not_there_is_a_warning_of_the_job_and_of_the_configuration() {
    let site = site();
    let hook = json!({"on": ["generation_activated"], "command": ["/nonexistent/notify"], "on_failure": "rollback"});
    let packd = Packd::start(&Settings::for_site(&site).hook(&hook));
    install(&packd, "slack@1.0.0");
    let job = install(&packd, "slack@2.0.0");
    let hook = hook_of(&packd, job.id);
    assert_eq!(
        (hook.name.as_str(), hook.status, hook.rollback),
        ("notify", HookStatus::NotStarted, None),
        "it says nothing about the generation: {hook:#?}"
    );
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    assert!(
        packd.log().contains("`hooks[0].command` cannot be run"),
        "{}",
        packd.log()
    );
}
