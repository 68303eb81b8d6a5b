//! From a folder with a pack to a host that has it installed: what the tools write, the daemon takes.

use packd_tests::{Format, PackTree, Packd, Ran, Settings, Site};
use packd_wire::{JobStatus, Verification};
use serde_json::{Value, json};

#[test]
fn a_pack_published_with_index_entry_is_installed_by_name() {
    let pack = PackTree::new("slack", "2.1.0")
        .label("Slack")
        .executable("bin/tool", "#!/bin/sh\n")
        .link("tool", "bin/tool")
        .with_bulk(20, 300);
    let site = Site::serving([]);
    let archive = site.publish(&pack, Format::TarGz);
    let url = site.url(&format!("packs/{}", archive.name));
    let folder = tempfile::tempdir().unwrap();
    pack.write_to(folder.path());
    let mut packd = Packd::prepare(&Settings::for_site(&site));

    // an authority that nobody trusts
    let path = folder.path().to_str().unwrap();
    let arguments = [
        "index-entry",
        path,
        "--archive-url",
        &url,
        "--format",
        "json",
    ];
    packd
        .ctl(arguments)
        .failure(1)
        .says("cannot trust the certificate of `127.0.0.1`");
    let mut trusting = packd.ctl_command(arguments);
    trusting.env("SSL_CERT_FILE", site.authority());
    let entry: Value = Ran::of(&mut trusting).success().json();
    let source = &entry["install_sources"][0];
    assert_eq!(source["checksum"], archive.sha256());
    assert_ne!(source["checksum"], source["tree"]);

    let index = json!({
        "registry_name": "Demo",
        "registry_url": "https://packs.example",
        "version": "1.0",
        "last_updated": "2026-01-31T12:00:00Z",
        "packs": [entry]
    });
    fs_err::write(site.root().join("index.json"), index.to_string()).unwrap();
    packd.begin();
    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let installed = packd.packs().remove(0);
    assert_eq!(installed.verified.by, Verification::RegistryChecksum);
    assert_eq!(installed.digest.archive, Some(archive.sha256()));
    assert_eq!(
        installed.digest.tree,
        source_tree(&index),
        "the daemon finds the tree that the tool saw"
    );
}

fn source_tree(index: &Value) -> &str {
    index["packs"][0]["install_sources"][0]["tree"]
        .as_str()
        .unwrap()
}
