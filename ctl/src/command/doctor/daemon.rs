//! What the running daemon says of itself, and whether it is the program that is installed.

use std::path::Path;
use std::process::Command;

use packd_wire::{RegistryState, StatusView};

use super::Report;
use super::host::Host;
use crate::client::{Client, ClientError};

/// The check of what is configured.
const CONFIGURATION: &str = "configuration";

/// Asks the daemon how it fares; that it does not answer is a finding.
pub(super) async fn ask(client: &Client, report: &mut Report) -> Option<StatusView> {
    const CHECK: &str = "daemon";
    report.checked(CHECK);
    match client.status().await {
        Ok(status) => {
            report.daemon = true;
            Some(status)
        }
        Err(error) => {
            let what = packd_format::error::chain(&error);
            let fix = match error {
                ClientError::Denied { .. } => {
                    "run it as a user who may connect to the socket".to_owned()
                }
                ClientError::Refused(problem) => problem
                    .hint
                    .unwrap_or_else(|| "run it as another user".to_owned()),
                _ => "`systemctl start packd.socket`, or start packd by hand".to_owned(),
            };
            report.error(CHECK, what, fix);
            None
        }
    }
}

/// Looks at what the daemon said, and at the program that is installed.
pub(super) fn examine(host: &Host, status: Option<&StatusView>, report: &mut Report) {
    if let Some(status) = status {
        problems(status, report);
        clock(host, status, report);
        let mut programs = host.programs.iter();
        let installed = programs.find_map(|program| version(host, program));
        let ours = env!("CARGO_PKG_VERSION");
        versions(&status.version, installed.as_deref(), ours, report);
    }
    let Some(program) = host.programs.iter().find(|program| host.has(program)) else {
        return report.skip(
            CONFIGURATION,
            "packd is not in /usr/bin, nor in /usr/local/bin",
        );
    };
    let checked = Command::new(host.at(program))
        .arg("--check-config")
        .output();
    match checked {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            configuration(output.status.success(), &text, report);
        }
        Err(error) => report.skip(CONFIGURATION, error.to_string()),
    }
}

/// Each thing that the daemon says is wrong.
pub(super) fn problems(status: &StatusView, report: &mut Report) {
    const REGISTRIES: &str = "registries";
    const STATE: &str = "state";
    report.checked(STATE);
    report.checked(REGISTRIES);
    for registry in status.registries.iter().filter(|one| one.enabled) {
        let health = &registry.health;
        let words = match health.state {
            RegistryState::Failed => "cannot be used",
            RegistryState::Stale => "is stale",
            _ => continue,
        };
        let name = &registry.name;
        let error = health.error.as_deref().unwrap_or("no reason is known");
        let fix = health.hint.clone();
        report.error(
            REGISTRIES,
            format!("registry `{name}` {words}: {error}"),
            fix.unwrap_or_else(|| format!("`packctl registry refresh {name}` asks it again")),
        );
    }
    // those of registries are told above, with what to do
    let others = status.problems.iter();
    for problem in others.filter(|text| !text.starts_with("registry `")) {
        // what can be done stands behind what is wrong
        let told = problem.rsplit_once("; ");
        let (what, fix) = told.unwrap_or((problem, "look at `journalctl -u packd -p warning`"));
        report.error(STATE, what, fix);
    }
}

/// Whether the clock went on as the daemon did.
pub(super) fn clock(host: &Host, status: &StatusView, report: &mut Report) {
    const SECONDS: u64 = 120;
    let Ok(started) = status.started_at.parse::<jiff::Timestamp>() else {
        return;
    };
    let up = i64::try_from(status.uptime_seconds).unwrap_or(i64::MAX);
    let passed = host.now.as_second().saturating_sub(started.as_second());
    let jumped = passed.saturating_sub(up);
    if jumped.unsigned_abs() > SECONDS {
        report.warning(
            "clock",
            format!("the clock was set by {jumped} s since packd started"),
            "see that something keeps it (`timedatectl`), then `systemctl restart packd`",
        );
    }
}

/// Whether what runs, what is installed and what asks are of one version.
pub(super) fn versions(running: &str, installed: Option<&str>, ours: &str, report: &mut Report) {
    const CHECK: &str = "versions";
    report.checked(CHECK);
    match installed {
        Some(installed) if installed != running => report.warning(
            CHECK,
            format!("packd {running} runs, and {installed} is installed"),
            "`systemctl restart packd`",
        ),
        _ if ours != running => report.warning(
            CHECK,
            format!("packd is {running}, packctl is {ours}"),
            "install both from the same package",
        ),
        _ => {}
    }
}

/// The version of a program, as it says itself.
fn version(host: &Host, program: &Path) -> Option<String> {
    let output = Command::new(host.at(program)).arg("--version").output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    text.split_whitespace().nth(1).map(ToOwned::to_owned)
}

/// What `packd --check-config` printed.
pub(super) fn configuration(is_right: bool, text: &str, report: &mut Report) {
    report.checked(CONFIGURATION);
    if is_right {
        let lines = text.lines();
        for warning in lines.filter_map(|line| line.strip_prefix("# warning: ")) {
            let fix = "change that key, then `systemctl reload packd`";
            report.warning(CONFIGURATION, warning, fix);
        }
    } else {
        // the last line counts the others
        let mut lines: Vec<_> = text.lines().collect();
        lines.pop();
        for line in lines {
            report.error(
                CONFIGURATION,
                line,
                "correct it, then `systemctl reload packd`",
            );
        }
    }
}
