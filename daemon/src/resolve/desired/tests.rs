#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{DesiredPack, ErrorKind, HoldRequest, HoldView};

use super::*;
use crate::resolve::Active;
use crate::store::pack::Record;

const POLICY: Policy = Policy {
    allow_http: false,
    allow_git_protocol: false,
    reads_files: true,
};

fn version(text: &str) -> Desired {
    Desired::Version(text.to_owned())
}

fn request(packs: &[(&str, Desired)], prune: bool) -> ApplyRequest {
    let packs = packs.iter().cloned();
    ApplyRequest {
        packs: Some(packs.map(|(name, pack)| (name.to_owned(), pack)).collect()),
        prune,
        ..ApplyRequest::default()
    }
}

fn checked(packs: &[(&str, Desired)], prune: bool) -> Result<(), ResolveError> {
    let request = request(packs, prune);
    check(&request, request.packs.as_ref().unwrap(), POLICY)
}

fn installed(name: &str, needs: &[&str], change: impl FnOnce(&mut Record)) -> Installed {
    let mut record = Record::with_dependencies(needs);
    change(&mut record);
    Installed {
        install: 1,
        pack_ref: name.to_owned(),
        version: "2.1.0".to_owned(),
        dir: format!("{name}/2.1.0-0123456789ab"),
        job: 1,
        generation: 1,
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        record,
    }
}

fn active(packs: impl IntoIterator<Item = Installed>) -> Active {
    let packs = packs.into_iter();
    packs.map(|pack| (pack.pack_ref.clone(), pack)).collect()
}

fn spec(desired: DesiredPack) -> Spec {
    Spec::read(&"slack".parse().unwrap(), desired, false).unwrap()
}

#[test]
fn what_is_wrong_with_a_pack_is_said_with_its_name() {
    let pack = |change: fn(&mut DesiredPack)| {
        let mut pack = DesiredPack::default();
        change(&mut pack);
        Desired::from(pack)
    };
    let url = "https://example.org/a.tgz";
    for (desired, kind, words) in [
        (
            version("^x"),
            ErrorKind::InvalidReference,
            "`^x` is not a version requirement",
        ),
        (
            pack(|pack| pack.source = Some("./slack".into())),
            ErrorKind::InvalidReference,
            "neither a URL nor",
        ),
        (
            pack(|pack| pack.source = Some("http://example.org/a.tgz".into())),
            ErrorKind::SourceRefused,
            "plain http",
        ),
        (
            pack(|pack| pack.source = Some("https://u:p@example.org/a.tgz".into())),
            ErrorKind::SourceRefused,
            "credentials",
        ),
        (
            pack(|pack| {
                pack.source = Some("https://example.org/a.tgz".into());
                pack.registry = Some("acme".into());
            }),
            ErrorKind::InvalidReference,
            "`registry` cannot be used with `source`",
        ),
        (
            pack(|pack| pack.git_ref = Some("main".into())),
            ErrorKind::InvalidReference,
            "commit in full",
        ),
        (
            pack(|pack| pack.tree = Some("md5:12".into())),
            ErrorKind::InvalidReference,
            "md5",
        ),
        (
            pack(|pack| pack.uploaded = true),
            ErrorKind::InvalidReference,
            "needs `checksum` or `tree`",
        ),
    ] {
        let error = checked(&[("slack", desired.clone())], false).unwrap_err();
        let text = packd_format::error::chain(&error);
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains("`slack`") && text.contains(words), "{text}");
    }
    assert!(
        checked(&[("Slack", version("1"))], false).is_err(),
        "no name"
    );
    assert!(checked(&[("slack", version("^2"))], true).is_ok());
    let fine = pack(|pack| {
        pack.version = Some("2.1.0".into());
        pack.source = Some("https://example.org/a.tgz".into());
    });
    let local = pack(|pack| pack.source = Some("file:///srv/slack.git".into()));
    let request = request(&[("slack", local)], false);
    let stranger = Policy {
        reads_files: false,
        ..POLICY
    };
    let error = check(&request, request.packs.as_ref().unwrap(), stranger).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(
        checked(&[("slack", fine)], false).is_ok(),
        "{url} with a version"
    );
}

#[test]
fn who_names_nothing_does_not_remove_everything_by_a_slip() {
    assert_eq!(
        checked(&[], true).unwrap_err().kind(),
        ErrorKind::BadRequest
    );
    assert!(checked(&[], false).is_ok(), "nothing is asked for");
    let all = ApplyRequest {
        force: true,
        ..request(&[], true)
    };
    assert!(check(&all, &BTreeMap::new(), POLICY).is_ok());
}

#[test]
fn a_pack_is_as_asked_for_by_version_place_and_bytes() {
    let tree = format!("sha256:{}", "a".repeat(64));
    let other = format!("sha256:{}", "b".repeat(64));
    let commit = "c".repeat(40);
    let of_registry = installed("slack", &[], |record| {
        record.registry = Some("acme".to_owned());
        record.tree.clone_from(&tree);
    });
    let of_git = installed("slack", &[], |record| {
        record.tree.clone_from(&tree);
        record.source.url = Some("https://example.org/slack.git".to_owned());
        record.source.commit = Some(commit.clone());
    });
    let asked = |change: &dyn Fn(&mut DesiredPack)| {
        let mut pack = DesiredPack::default();
        change(&mut pack);
        spec(pack)
    };
    let git = |pack: &mut DesiredPack| pack.source = Some("https://example.org/slack.git".into());
    for (spec, pack, is_met) in [
        (asked(&|_| {}), &of_registry, true),
        (
            asked(&|pack| pack.version = Some("^2".into())),
            &of_registry,
            true,
        ),
        (
            asked(&|pack| pack.version = Some("^3".into())),
            &of_registry,
            false,
        ),
        (
            asked(&|pack| pack.version = Some("latest".into())),
            &of_registry,
            false,
        ),
        (
            asked(&|pack| pack.registry = Some("acme".into())),
            &of_registry,
            true,
        ),
        (
            asked(&|pack| pack.registry = Some("beta".into())),
            &of_registry,
            false,
        ),
        (
            asked(&|pack| pack.registry = Some("acme".into())),
            &of_git,
            false,
        ),
        (
            asked(&|pack| pack.tree = Some(tree.clone())),
            &of_registry,
            true,
        ),
        (
            asked(&|pack| pack.tree = Some(other.clone())),
            &of_registry,
            false,
        ),
        (asked(&git), &of_git, true),
        (asked(&git), &of_registry, false),
        (
            asked(&|pack| {
                git(pack);
                pack.git_ref = Some(commit.clone());
            }),
            &of_git,
            true,
        ),
        (
            asked(&|pack| {
                git(pack);
                pack.git_ref = Some("main".into());
            }),
            &of_git,
            false,
        ),
        (
            asked(&|pack| {
                git(pack);
                pack.path = Some("packs/slack".into());
            }),
            &of_git,
            false,
        ),
        (
            asked(&|pack| {
                pack.uploaded = true;
                pack.tree = Some(tree.clone());
            }),
            &of_git,
            true,
        ),
    ] {
        assert_eq!(spec.is_met_by(pack, POLICY), is_met, "{spec:?}");
    }
}

#[test]
fn what_nobody_named_and_nobody_needs_goes() {
    let needs = prune::needs(&active([
        installed("app", &["lib@^2"], |_| {}),
        installed("lib", &["core"], |_| {}),
        installed("core", &[], |_| {}),
        installed("old", &["core", "older"], |_| {}),
        installed("older", &["old"], |_| {}),
    ]));
    let gone = |named: &[&str]| prune::unreached(&needs, named.iter().copied());
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        gone(&["app"]),
        set(&["old", "older"]),
        "a circle goes as a whole"
    );
    assert_eq!(gone(&["core"]), set(&["app", "lib", "old", "older"]));
    assert_eq!(gone(&["old", "app", "new"]), set(&[]));
}

#[test]
fn holds_and_packs_of_the_system_stay() {
    let hold = HoldView {
        until: None,
        reason: Some("a release".to_owned()),
        by: "ada".to_owned(),
        at: "2026-01-01T00:00:00.000Z".to_owned(),
    };
    let active = active([
        installed("app", &[], |_| {}),
        installed("held", &[], |_| {}),
        installed("core", &[], |record| record.system = true),
    ]);
    let holds = [("held".to_owned(), hold.clone()), ("app".to_owned(), hold)].into();
    let named = ["app".to_owned()].into();
    let staying = prune::staying(&active, &holds, &named, false);
    assert_eq!(
        staying.into_iter().collect::<Vec<_>>(),
        [
            ("core".to_owned(), "it is a system pack".to_owned()),
            (
                "held".to_owned(),
                "it is held, by ada: a release".to_owned()
            ),
        ]
    );
    let forced = prune::staying(&active, &holds, &named, true);
    assert_eq!(forced.into_keys().collect::<Vec<_>>(), ["held"]);
}

#[test]
fn holds_change_only_where_something_else_is_asked_for() {
    let hold = |until: Option<&str>, reason: Option<&str>| HoldRequest {
        until: until.map(ToOwned::to_owned),
        reason: reason.map(ToOwned::to_owned),
    };
    let now: Holds = [(
        "slack".to_owned(),
        HoldView {
            until: None,
            reason: Some("why".to_owned()),
            by: "ada".to_owned(),
            at: "2026-01-01T00:00:00.000Z".to_owned(),
        },
    )]
    .into();
    let change = |asked: Option<DesiredHold>, now: &Holds| {
        let spec = spec(DesiredPack {
            hold: asked,
            ..DesiredPack::default()
        });
        let (changes, warnings) = holds(&[spec], now);
        (changes.first().map(|change| change.held), warnings.len())
    };
    let none = Holds::new();
    let until = DesiredHold::Until;
    assert_eq!(change(None, &now), (None, 0), "nothing is said of it");
    assert_eq!(change(Some(DesiredHold::Is(false)), &now), (Some(false), 0));
    assert_eq!(change(Some(DesiredHold::Is(false)), &none), (None, 0));
    assert_eq!(change(Some(DesiredHold::Is(true)), &none), (Some(true), 0));
    assert_eq!(
        change(Some(until(hold(None, Some("why")))), &now),
        (None, 0)
    );
    assert_eq!(
        change(Some(until(hold(None, Some("else")))), &now),
        (Some(true), 0)
    );
    let over = until(hold(Some("2001-01-01T00:00:00.000Z"), None));
    assert_eq!(change(Some(over), &none), (None, 1), "it is over");
}
