//! The description says what there is, and the checked-in copy is the description.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::path::Path;

use packd_wire::ErrorKind;
use serde_json::Value;

use super::*;

fn docs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

#[test]
fn the_checked_in_copy_is_what_the_code_says() {
    let copy = docs().join("openapi.json");
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of the test, not a setting"
    )]
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs_err::write(&copy, text()).unwrap();
    }
    let known = fs_err::read_to_string(&copy).unwrap_or_default();
    assert!(
        known == text(),
        "docs/openapi.json is old: `UPDATE_OPENAPI=1 cargo test -p packd openapi` renews it"
    );
}

#[test]
fn it_has_exactly_the_routes_of_the_table_with_their_roles() {
    let document: Value = serde_json::from_str(&text()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let role = operation["x-packd-role"].as_str().unwrap_or("no role");
            described.insert(format!("{verb} {path} {role}"));
            assert!(
                operation["responses"]["default"].is_object(),
                "{verb} {path} can be refused"
            );
        }
    }
    let routed: BTreeSet<String> = ROUTES
        .iter()
        .map(|route| format!("{} {} {}", route.verb.as_str(), route.path, route.role))
        .collect();
    assert_eq!(
        described, routed,
        "the description and the table name the same routes"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let text = text();
    let document: Value = serde_json::from_str(&text).unwrap();
    for reference in text.split("\"$ref\": \"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{pointer} is in the document"
        );
    }
}

#[test]
fn the_page_about_trouble_has_an_entry_for_every_kind_and_no_other() {
    let page = fs_err::read_to_string(docs().join("troubleshooting.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### `"));
    let entries: Vec<&str> = headings.filter_map(|rest| rest.strip_suffix('`')).collect();
    let kinds: BTreeSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(entries.iter().copied().collect::<BTreeSet<_>>(), kinds);
    assert_eq!(entries.len(), kinds.len(), "each has one entry");
}

#[test]
fn every_body_has_an_example_that_can_be_sent() {
    let document: Value = serde_json::from_str(&text()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"];
            assert!(
                body.is_null() || body["example"].is_object(),
                "{verb} {path} has an example"
            );
        }
    }
    for (verb, path, example) in told::all() {
        let read = |value: Value| -> Result<(), serde_json::Error> {
            use packd_wire as wire;
            fn is<T: serde::de::DeserializeOwned>(value: Value) -> Result<(), serde_json::Error> {
                serde_json::from_value::<T>(value).map(drop)
            }
            match (verb, path) {
                (_, path::INSTALL) => is::<wire::InstallRequest>(value),
                (_, path::APPLY) => is::<wire::ApplyRequest>(value),
                (_, path::VERIFY) => is::<wire::VerifyRequest>(value),
                (_, path::PACK_HOLD | path::FREEZE) => is::<wire::HoldRequest>(value),
                (_, path::PACK) => is::<wire::DesiredPack>(value),
                (_, path::UPDATE) => is::<wire::UpdateRequest>(value),
                (_, path::PACK_TEST) => is::<wire::TestRequest>(value),
                (_, path::GENERATION_PIN) => is::<wire::PinRequest>(value),
                (_, path::ROLLBACK) => is::<wire::RollbackRequest>(value),
                (_, path::GC) => is::<wire::GcRequest>(value),
                (_, path::REGISTRIES | path::REGISTRY) => is::<wire::RegistryRequest>(value),
                (_, path::REGISTRIES_REFRESH) => is::<wire::RefreshRequest>(value),
                (_, path::REGISTRY_TRUST) => is::<wire::TrustRequest>(value),
                (verb, path) => panic!("{verb:?} {path} has an example that nothing reads"),
            }
        };
        let read = read(example);
        assert!(read.is_ok(), "{verb:?} {path}: {read:?}");
    }
}

#[test]
fn a_route_says_with_what_it_refuses() {
    let document: Value = serde_json::from_str(&text()).unwrap();
    let of = |verb: &str, path: &str, status: &str| {
        document["paths"][path][verb]["responses"][status]["description"].to_string()
    };
    assert!(of("get", path::PACK, "404").contains("`pack_not_installed`"));
    assert!(of("post", path::INSTALL, "409").contains("`idempotency_conflict`"));
    assert!(of("post", path::RELOAD, "403").contains("`access_denied`"));
    assert!(of("post", path::JOB_CANCEL, "409").contains("`job_not_cancellable`"));
}

#[test]
fn the_page_about_errors_lists_every_kind_with_its_status() {
    let page = fs_err::read_to_string(docs().join("api.md")).unwrap();
    for kind in ErrorKind::ALL {
        let row = format!("| `{kind}` | {} | {} |", kind.status(), kind.exit() as u8);
        assert!(page.contains(&row), "docs/api.md has a row `{row}`");
    }
}
