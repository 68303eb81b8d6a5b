//! Signed registries: each of those who might want a host to install something else.

use jiff::{SignedDuration, Timestamp};
use packd_tests::{PackTree, Packd, Publisher, Ran, Settings, support::programs};
use packd_wire::{ErrorKind, RegistryList, RegistryState, RegistryView, Verification, path};
use serde_json::json;

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version)
}

fn demo(packd: &Packd) -> RegistryView {
    let list: RegistryList = packd.get(path::REGISTRIES).expect(200).json();
    list.registries.into_iter().next().unwrap()
}

/// Refreshes, and insists that what there is now is refused in this way.
fn refused(packd: &Packd, kind: ErrorKind) -> RegistryView {
    packd.ctl(["registry", "refresh"]).failure(1);
    let view = demo(packd);
    assert_eq!(view.health.error_kind, Some(kind), "{view:#?}");
    assert!(view.health.hint.is_some(), "{view:#?}");
    view
}

#[test]
fn what_is_signed_is_installed_and_an_unchanged_registry_costs_next_to_nothing() {
    let publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
    let packs = packd.packs();
    assert_eq!(packs[0].verified.by, Verification::RegistrySignature);
    packd.ctl(["show", "slack"]).success().says("signature");
    let view = demo(&packd);
    let signed = view.signed.unwrap();
    assert_eq!((signed.root_version, signed.version), (1, 1));

    let before = publisher.site.served().len();
    packd.ctl(["registry", "refresh"]).success();
    let served = publisher
        .site
        .served_when(|served| served.len() >= before + 2);
    let asked: Vec<_> = served[before..]
        .iter()
        .map(|one| (one.path.as_str(), one.status))
        .collect();
    assert_eq!(
        asked,
        [("/packd/root/2.json", 404), ("/packd/index.meta.json", 304)]
    );
}

#[test]
fn a_replaced_index_and_a_replaced_archive_are_refused() {
    let mut publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();

    // the index alone: hosts that know the right one do not even look
    publisher.site.offer(&slack("6.6.6"));
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack@6.6.6"]).failure(3);
    // and those that do not, look and refuse
    let other = Packd::start(&publisher.settings(&json!({})));
    let view = refused(&other, ErrorKind::RegistryMalformed);
    assert_eq!((view.health.state, view.packs), (RegistryState::Failed, 0));
    other
        .ctl(["install", "slack"])
        .failure(1)
        .says("do not belong together");

    // the bytes of an archive, shorter, longer, and of the same length
    let archive = publisher.file("packs/slack-2.1.0.tar.gz");
    let good = fs_err::read(&archive).unwrap();
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let longer = [good.as_slice(), &[0; 4096]].concat();
    for bytes in [changed.as_slice(), &longer, &good[..good.len() / 2]] {
        fs_err::write(&archive, bytes).unwrap();
        let ran = packd.ctl(["install", "slack"]);
        assert_ne!(ran.code(), Some(0), "{ran:#?}");
    }
    assert_eq!(packd.active(), Vec::<String>::new());
    fs_err::write(&archive, &good).unwrap();
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn an_old_index_replayed_is_refused_and_what_is_known_stays() {
    let mut publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let old = publisher.copy();
    publisher.site.offer(&slack("2.2.0"));
    publisher.sign();
    let mut packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    publisher.publish(&old);
    refused(&packd, ErrorKind::RegistryStale);
    // also after a restart
    packd.restart();
    let view = refused(&packd, ErrorKind::RegistryStale);
    assert_eq!(view.signed.unwrap().version, 2);
    packd.ctl(["versions", "slack"]).success().says("2.2.0");
}

#[test]
fn two_different_files_of_one_version_are_refused() {
    let publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    publisher.rewrite_meta(|meta| meta["targets"] = json!({}));
    refused(&packd, ErrorKind::RegistryStale);
}

#[test]
fn what_has_expired_is_not_installed_from_and_what_is_installed_stays() {
    let mut publisher = Publisher::of([&slack("2.1.0")]);
    publisher.site.offer(&PackTree::new("jira", "1.0.0"));
    let days_ago = Timestamp::now() - SignedDuration::from_hours(72);
    let days_ago = days_ago.to_string();
    publisher
        .sign_as("index", &["--created", &days_ago, "--expires", "24h"])
        .success();
    let mut packd = Packd::start(&publisher.settings(&json!({"max_stale": "14d"})));
    packd
        .ctl(["registry", "refresh"])
        .success()
        .says("max_stale");
    packd.ctl(["install", "slack"]).success();

    packd.configure(&publisher.settings(&json!({})));
    packd.restart();
    let view = refused(&packd, ErrorKind::RegistryExpired);
    assert!(!view.warnings.is_empty(), "{view:#?}");
    packd.ctl(["install", "jira"]).failure(1).says("expired");
    packd
        .ctl(["registry", "list"])
        .says("nothing is installed from it");
    packd.ctl(["status"]).says("nothing is installed from it");
    assert_eq!(packd.active(), ["slack 2.1.0"]);

    publisher.sign();
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "jira"]).success();
}

#[test]
fn a_mixture_of_old_and_new_files_is_refused() {
    let mut publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let old = publisher.copy();
    publisher.site.offer(&slack("2.2.0"));
    publisher.sign();
    // the new description with the old index
    let index = old.path().join("root/index.json");
    let new = fs_err::read(publisher.file("index.json")).unwrap();
    fs_err::copy(index, publisher.file("index.json")).unwrap();
    let packd = Packd::start(&publisher.settings(&json!({})));
    refused(&packd, ErrorKind::RegistryMalformed);
    fs_err::write(publisher.file("index.json"), new).unwrap();
    packd.ctl(["registry", "refresh"]).success();
    // the old archive under the new one's name
    let newer = publisher.file("packs/slack-2.2.0.tar.gz");
    fs_err::copy(publisher.file("packs/slack-2.1.0.tar.gz"), newer).unwrap();
    packd.ctl(["install", "slack"]).failure(1);
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn numbers_that_a_stolen_key_used_up_begin_anew_with_other_keys() {
    let publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let good = publisher.copy();
    publisher.rewrite_meta(|meta| meta["version"] = json!(u64::MAX));
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    publisher.publish(&good);
    publisher.sign();
    refused(&packd, ErrorKind::RegistryStale);

    let new = publisher.new_key("index-2");
    let old: serde_json::Value = publisher
        .ctl(&[
            "-j",
            "key",
            "show",
            &publisher.key("index").replace(".key", ".pub"),
        ])
        .json();
    let old = old[0]["keyid"].as_str().unwrap().to_owned();
    let root = publisher.file("").display().to_string();
    let key = publisher.key("root");
    publisher
        .ctl(&[
            "root", "rotate", &root, "--add", &new, "--remove", &old, "--key", &key,
        ])
        .success();
    // the old key is nobody's any more
    publisher.sign_as("index", &[]).failure(2);
    refused(&packd, ErrorKind::RegistryUnsigned);
    packd.ctl(["install", "slack"]).failure(1);
    publisher.sign_as("index-2", &[]).success();
    packd.ctl(["registry", "refresh"]).success();
    let signed = demo(&packd).signed.unwrap();
    assert_eq!(signed.root_version, 2);
    packd.ctl(["install", "slack"]).success();

    // whoever shows the first root only does not get further than that
    publisher.publish(&good);
    refused(&packd, ErrorKind::RegistryUnsigned);
}

#[test]
fn a_wrong_key_a_missing_signature_and_one_that_counts_twice_are_refused() {
    let words = ["--index-keys", "2", "--index-threshold", "2"];
    let publisher = Publisher::with([&slack("2.1.0")], &words);
    let meta = publisher.file("packd/index.meta.json");
    let packd = Packd::start(&publisher.settings(&json!({})));
    refused(&packd, ErrorKind::RegistryUnsigned);
    publisher.sign_as("index-1", &[]).success();
    let view = refused(&packd, ErrorKind::RegistryUnsigned);
    assert!(view.health.error.unwrap().contains("needs 2"));

    // the one signature under both names
    let first = publisher.signatures("packd/index.meta.json").remove(0);
    let root = fs_err::read_to_string(publisher.pin()).unwrap();
    let root: serde_json::Value = serde_json::from_str(&root).unwrap();
    let ids = root["roles"]["index"]["keyids"].as_array().unwrap();
    let name = |id: &serde_json::Value| {
        meta.with_file_name(format!("index.meta.json.minisig.{}", id.as_str().unwrap()))
    };
    let second = ids.iter().map(name).find(|path| *path != first).unwrap();
    fs_err::copy(&first, &second).unwrap();
    refused(&packd, ErrorKind::RegistryUnsigned);

    // one by somebody else's key
    let _public = publisher.new_key("thief");
    let path = meta.to_str().unwrap();
    publisher
        .ctl(&["key", "sign", path, "--key", &publisher.key("thief")])
        .failure(2);
    let thief = publisher.key("thief");
    Ran::of(
        std::process::Command::new("minisign")
            .args(["-S", "-s", &thief, "-m", path, "-x"])
            .arg(&second),
    )
    .success();
    refused(&packd, ErrorKind::RegistryUnsigned);

    publisher
        .ctl(&["key", "sign", path, "--key", &publisher.key("index-2")])
        .success();
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn what_was_signed_once_is_not_believed_without_signatures() {
    let publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let mut packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    fs_err::remove_dir_all(publisher.file("packd")).unwrap();
    refused(&packd, ErrorKind::RegistryUnsigned);
    packd
        .ctl(["registry", "trust", "demo", "--accept-unsigned"])
        .failure(1)
        .says("trust: signed");

    packd.configure(&Settings::for_site(&publisher.site));
    packd.restart();
    refused(&packd, ErrorKind::RegistryUnsigned);
    packd
        .ctl(["install", "slack"])
        .failure(1)
        .says("--accept-unsigned");
    packd
        .ctl(["registry", "trust", "demo", "--accept-unsigned"])
        .success();
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
    packd
        .ctl(["audit"])
        .success()
        .says("/v1/registries/demo/trust");
}

#[test]
fn another_registrys_root_and_a_root_that_is_none_are_refused() {
    let (publisher, other) = (
        Publisher::of([&slack("2.1.0")]),
        Publisher::of([&slack("1.0.0")]),
    );
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({"root": other.pin()})));
    refused(&packd, ErrorKind::RegistryUnsigned);
    packd.ctl(["install", "slack"]).failure(1);

    let mut packd = Packd::prepare(&publisher.settings(&json!({"root": "nothing.json"})));
    assert!(!packd.begin_in_vain().success());
    assert!(packd.log().contains("keys/nothing.json"), "{}", packd.log());
}

#[test]
fn a_source_that_was_not_described_is_not_installed_from() {
    let publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    publisher.rewrite_meta(|meta| meta["targets"] = json!({}));
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    packd
        .ctl(["install", "slack"])
        .failure(1)
        .says("not described");
}

#[test]
fn refs_that_the_root_does_not_allow_are_left_out() {
    let packs = [&slack("2.1.0"), &PackTree::new("jira", "1.0.0")];
    let publisher = Publisher::with(packs, &["--namespace", "sl*"]);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    let view = demo(&packd);
    assert_eq!(view.packs, 1, "{view:#?}");
    assert!(view.problems[0].contains("jira"), "{view:#?}");
    packd.ctl(["install", "jira"]).failure(3);
}

#[test]
fn freshness_is_said_by_a_key_of_its_own() {
    let publisher = Publisher::with([&slack("2.1.0")], &["--fresh-key"]);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    refused(&packd, ErrorKind::RegistryUnsigned);
    let index = publisher.file("index.json").display().to_string();
    let fresh = publisher.key("fresh");
    let say = |words: &[&str]| {
        let line = ["index-fresh", &index, "--key", &fresh];
        publisher.ctl(&[&line, words].concat()).success();
    };
    say(&["--created", "2026-01-01T00:00:00Z"]);
    refused(&packd, ErrorKind::RegistryExpired);
    say(&[]);
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
    // an index that nobody called current
    publisher.sign();
    refused(&packd, ErrorKind::RegistryMalformed);
}

#[test]
fn after_an_outage_nothing_is_asked_for_again_that_is_known() {
    let mut publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();
    publisher.site.stop();
    packd.ctl(["registry", "refresh"]).failure(6);
    let view = demo(&packd);
    assert_eq!(view.health.state, RegistryState::Stale);
    assert_eq!(view.health.error_kind, Some(ErrorKind::RegistryUnreachable));
    let before = publisher.site.served().len();
    publisher.site.resume();
    packd.ctl(["registry", "refresh"]).success();
    let served = publisher.site.served_when(|all| all.len() >= before + 2);
    assert!(
        served[before..].iter().all(|one| one.path != "/index.json"),
        "{served:?}"
    );
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn a_checksum_that_changes_under_a_version_is_refused() {
    let mut site = packd_tests::Site::serving([&slack("2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["remove", "slack"]).success();
    // the same version at the same place, with other content and the checksum of that
    site.offer(&slack("2.1.0").file("actions/more.sh", "echo more\n"));
    // to nginx, an index of the same second and length is the same one
    site.offer(&PackTree::new("jira", "1.0.0"));
    packd.ctl(["registry", "refresh"]).success();
    packd
        .ctl(["install", "slack"])
        .failure(1)
        .says("must not change");
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn a_root_that_two_people_sign_is_followed_and_minisign_reads_what_they_wrote() {
    let words = ["--root-keys", "2", "--threshold", "2"];
    let publisher = Publisher::with([&slack("2.1.0")], &words);
    publisher.sign();
    let packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["registry", "refresh"]).success();

    let new = publisher.new_key("index-2");
    let folder = publisher.file("").display().to_string();
    let (first, second) = (publisher.key("root-1"), publisher.key("root-2"));
    publisher
        .ctl(&["root", "rotate", &folder, "--add", &new, "--key", &first])
        .success()
        .says("one more signature");
    refused(&packd, ErrorKind::RegistryUnsigned);
    let root = publisher.file("packd/root/2.json").display().to_string();
    publisher
        .ctl(&["key", "sign", &root, "--key", &second])
        .success();
    publisher.sign_as("index-2", &[]).success();
    packd.ctl(["registry", "refresh"]).success();
    assert_eq!(demo(&packd).signed.unwrap().root_version, 2);
    let index = publisher.file("index.json").display().to_string();
    let pin = publisher.pin().display().to_string();
    let base = publisher.site.url("");
    publisher
        .ctl(&["index-verify", &index, "--root", &pin, "--base", &base])
        .success()
        .says("1 archive compared");

    let meta = publisher.file("packd/index.meta.json");
    let signature = publisher.signatures("packd/index.meta.json").remove(0);
    Ran::of(
        std::process::Command::new("minisign")
            .args(["-V", "-p", &new, "-m"])
            .arg(&meta)
            .arg("-x")
            .arg(signature),
    )
    .success()
    .says("Signature and comment signature verified");
}

#[test]
fn a_registry_is_believed_by_the_fingerprint_of_its_root() {
    let publisher = Publisher::of([&slack("2.1.0")]);
    publisher.sign();
    let pin = publisher.pin();
    let ran = publisher.ctl(&["root", "fingerprint", pin.to_str().unwrap()]);
    let fingerprint = ran.success().stdout().trim().to_owned();
    let authority = publisher.site.authority().to_str();
    let mut packd = Packd::start(&Settings::new().set("net.ca_file", authority));
    let url = publisher.site.url("index.json");
    let add = |packd: &Packd, name: &str, fingerprint: &str| {
        packd.ctl([
            "registry",
            "add",
            name,
            &url,
            "--root-fingerprint",
            fingerprint,
        ])
    };
    add(&packd, "demo", &fingerprint).success();
    packd.ctl(["install", "slack"]).success();
    assert_eq!(
        packd.packs()[0].verified.by,
        Verification::RegistrySignature
    );
    packd.restart();
    packd.ctl(["registry", "refresh", "demo"]).success();

    // somebody else's root, and no fingerprint at all
    let other = format!("sha256:{}", "0".repeat(64));
    add(&packd, "other", &other)
        .failure(1)
        .says("no root of registry `other` has the fingerprint");
    add(&packd, "odd", "0000").failure(2).says("sha256:");
}

#[test]
fn a_name_that_means_another_registry_now_is_another_origin() {
    let publisher = Publisher::of([&slack("1.0.0"), &PackTree::new("jira", "1.0.0")]);
    publisher.sign();
    let mut packd = Packd::start(&publisher.settings(&json!({})));
    packd.ctl(["install", "slack"]).success();

    // the operator pins the root of somebody else under the same name
    let mut other = Publisher::of([
        &slack("2.0.0"),
        &PackTree::new("jira", "2.0.0"),
        &PackTree::new("zoom", "1.0.0"),
    ]);
    other.sign();
    packd.terminate();
    packd.configure(&other.settings(&json!({})));
    packd.begin();
    packd.ctl(["registry", "refresh"]).success();
    packd
        .ctl(["install", "slack@^2"])
        .failure(1)
        .says("`slack` came from registry `demo` when its root called it")
        .says("--change-origin");
    packd.ctl(["install", "jira"]).success();
    other.site.offer(&PackTree::new("jira", "2.1.0"));
    other.sign();
    // an update leaves out what is not its own, and brings the rest
    packd.ctl(["registry", "refresh"]).success();
    let job = packd.ctl(["-j", "update", "--all"]).success().job();
    let left_out = job.plan.unwrap().left_out;
    assert_eq!(left_out.len(), 1, "{left_out:#?}");
    assert_eq!(left_out[0].pack_ref, "slack");
    assert_eq!(packd.active(), ["jira 2.1.0", "slack 1.0.0"]);

    packd
        .ctl(["install", "slack@^2", "--change-origin"])
        .success();
    assert_eq!(packd.active(), ["jira 2.1.0", "slack 2.0.0"]);
    // from now on it is its own
    other.site.offer(&slack("2.1.0"));
    other.sign();
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["update", "slack"]).success();
    assert_eq!(packd.active(), ["jira 2.1.0", "slack 2.1.0"]);
}

#[test]
fn a_registry_is_made_in_a_folder_that_is_not_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(programs::packctl());
    command.current_dir(folder.path());
    command.args(["key", "init", "./new", "--keys", "./keys", "--unencrypted"]);
    Ran::of(&mut command)
        .success()
        .says("new/packd/root/1.json");
    assert!(folder.path().join("new/packd/root/1.json").is_file());
    assert!(
        !folder.path().join("packd").exists(),
        "nothing lies beside it"
    );
}
