//! `packctl doctor`: one thing to do about each thing that is wrong.

use std::os::unix::fs::PermissionsExt;

use packd_tests::{PackTree, Packd, Settings, Site};
use serde_json::Value;

/// What was found by a check, with what to do.
fn findings(report: &Value, check: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|one| one["check"] == check)
        .map(|one| {
            format!(
                "{} => {}",
                one["what"].as_str().unwrap(),
                one["fix"].as_str().unwrap()
            )
        })
        .collect()
}

fn report(packd: &Packd) -> Value {
    packd.ctl(["-j", "doctor"]).json()
}

#[test]
fn a_running_packd_is_asked_and_its_folder_is_looked_at() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let whole = report(&packd);
    assert_eq!(whole["daemon"], true);
    for check in [
        "daemon",
        "state",
        "registries",
        "state folder",
        "socket",
        "secrets",
    ] {
        assert_eq!(findings(&whole, check), Vec::<String>::new(), "{whole:#}");
    }

    let mode = |mode| PermissionsExt::from_mode(mode);
    fs_err::set_permissions(packd.state_dir().join("packd.db"), mode(0o644)).unwrap();
    let tree = fs_err::canonicalize(packd.pack_dir("slack")).unwrap();
    fs_err::remove_dir_all(tree).unwrap();
    let ran = packd.ctl(["doctor"]);
    ran.failure(1);
    let found = report(&packd);
    let folder = findings(&found, "state folder");
    assert!(
        folder.len() == 1 && folder[0].contains("`chmod 0600 "),
        "{found:#}"
    );
    let state = findings(&found, "state");
    assert!(
        state.len() == 1 && state[0].contains("packctl install slack"),
        "{found:#}"
    );
    assert!(ran.stdout().contains("fix: `chmod 0600"), "{ran:#?}");
}

#[test]
fn without_a_packd_the_rest_is_looked_at() {
    let mut packd = Packd::start(&Settings::new());
    packd.terminate();
    let ran = packd.ctl(["doctor"]);
    ran.failure(1);
    assert!(ran.stdout().contains("no packd answered"), "{ran:#?}");
    let found = report(&packd);
    assert_eq!(found["daemon"], false);
    let daemon = findings(&found, "daemon");
    assert!(
        daemon[0].contains("systemctl start packd.socket"),
        "{found:#}"
    );
    let checked = found["checked"].as_array().unwrap();
    assert!(checked.iter().any(|check| check == "kernel"), "{found:#}");
}

#[test]
fn a_registry_that_does_not_answer_is_found() {
    let settings =
        Settings::new().registry("gone", "file:///nowhere/index.json", &serde_json::json!({}));
    let packd = Packd::start(&settings);
    packd.ctl(["registry", "refresh"]).failure(1);
    let found = findings(&report(&packd), "registries");
    assert!(
        found.len() == 1 && found[0].contains("registry `gone`"),
        "{found:#?}"
    );
}
