use insta::assert_snapshot;
use packd_wire::{ErrorKind, RegistryHealth};

use super::*;
use crate::command::show::tests::now;

pub(crate) fn registry(name: &str, state: RegistryState) -> RegistryView {
    RegistryView {
        name: name.to_owned(),
        url: format!("https://{name}.example/index.json"),
        priority: 100,
        enabled: true,
        trust: Trust::Checksum,
        refs: Vec::new(),
        packs: 42,
        problems: Vec::new(),
        health: RegistryHealth {
            state,
            last_success: Some("2026-03-01T11:00:00Z".to_owned()),
            age_seconds: Some(3900),
            error_kind: None,
            error: None,
            consecutive_failures: 0,
            next_refresh: None,
        },
    }
}

#[test]
fn registries_say_how_they_fare() {
    let mut failing = registry("public", RegistryState::Failed);
    failing.health.last_success = None;
    failing.packs = 0;
    failing.trust = Trust::Unverified;
    failing.health.error_kind = Some(ErrorKind::RegistryUnreachable);
    failing.health.error = Some("connection refused".to_owned());
    failing.health.consecutive_failures = 3;
    failing.problems.push("entry 7 has no ref".to_owned());
    let all = [registry("acme", RegistryState::Ok), failing];
    let table = table(&all, now(), Width::Unlimited);
    assert_snapshot!(anstream::adapter::strip_str(&table).to_string(), @"
    NAME    STATE   PACKS  READ     PRIORITY  TRUST       URL
    acme    ok      42     1 h ago  100       checksum    https://acme.example/index.json
    public  failed  0      never    100       unverified  https://public.example/index.json
    ");
    assert!(complaints(&all[0]).is_empty(), "acme is well");
    assert_snapshot!(complaints(&all[1]).join("\n"), @"
    registry `public`: connection refused (3 times in a row)
    registry `public`: nothing that comes from it is verified
    registry `public`: entry 7 has no ref
    ");
    assert!(
        is_failed(&all[1]) && !is_failed(&all[0]),
        "a refresh tells them apart"
    );
}
