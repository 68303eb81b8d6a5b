use insta::assert_snapshot;
use packd_wire::{ErrorKind, RegistryHealth, Trust};

use super::*;
use crate::args::Format;
use crate::command::show::tests::now;
use crate::output::tests::output;

pub(crate) fn registry(name: &str, state: RegistryState) -> RegistryView {
    RegistryView {
        name: name.to_owned(),
        url: format!("https://{name}.example/index.json"),
        defined_at: None,
        priority: 100,
        enabled: true,
        trust: Trust::Checksum,
        refs: Vec::new(),
        settings: packd_wire::RegistrySettings::default(),
        exclusive: false,
        packs: 42,
        problems: Vec::new(),
        signed: None,
        warnings: Vec::new(),
        health: RegistryHealth {
            state,
            last_success: Some("2026-03-01T11:00:00Z".to_owned()),
            age_seconds: Some(3900),
            error_kind: None,
            error: None,
            hint: None,
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
    failing
        .warnings
        .push("nothing that comes from it is verified".to_owned());
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

#[test]
fn a_refresh_exits_with_what_a_retry_can_do_about_it() {
    let failing = |name: &str, kind| {
        let mut registry = registry(name, RegistryState::Stale);
        registry.health.error_kind = Some(kind);
        registry
    };
    let well = registry("acme", RegistryState::Ok);
    let down = failing("down", ErrorKind::RegistryUnreachable);
    let refused = failing("refused", ErrorKind::SourceRefused);
    let unset = failing("unset", ErrorKind::InvalidConfig);
    for (registries, code) in [
        (vec![&well], Exit::Done),
        (vec![&well, &down], Exit::Transient),
        (vec![&refused], Exit::Failed),
        (vec![&down, &unset, &down], Exit::Failed),
    ] {
        assert_eq!(exit(registries.into_iter()), code);
    }
}

#[test]
fn what_to_try_stands_below_what_is_wrong() {
    let mut failing = registry("acme", RegistryState::Failed);
    failing.health.error = Some("cannot trust the certificate of `acme.example`".to_owned());
    failing.health.hint = Some("name its PEM file in `net.ca_file`".to_owned());
    let list = RegistryList {
        registries: vec![failing],
    };
    let (mut out, _, talk) = output(Format::Human, false);
    show(&mut out, &list);
    assert_snapshot!(talk.text(), @"
    warning: registry `acme`: cannot trust the certificate of `acme.example`
    hint: name its PEM file in `net.ca_file`
    ");
}
