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
fn the_page_about_errors_lists_every_kind_with_its_status() {
    let page = fs_err::read_to_string(docs().join("api.md")).unwrap();
    for kind in ErrorKind::ALL {
        let row = format!("| `{kind}` | {} |", kind.status());
        assert!(page.contains(&row), "docs/api.md has a row `{row}`");
    }
}
