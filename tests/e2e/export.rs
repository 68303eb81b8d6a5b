//! What one host has is written to a file, and another one has it then, to the byte.

use packd_tests::{Format, GitSite, PackTree, Packd, Ran, Repository, Settings, Site};
use serde_json::Value;

fn trees(packd: &Packd) -> Vec<(String, packd_tests::Tree)> {
    let names = packd.current().into_iter();
    names
        .map(|name| (name.clone(), packd.tree(&name).unwrap()))
        .collect()
}

fn digests(packd: &Packd) -> Vec<(String, String)> {
    let packs = packd.packs().into_iter();
    packs
        .map(|pack| (pack.pack_ref, pack.digest.tree))
        .collect()
}

/// Without a registry, but trusting the site.
fn bare(site: &Site) -> Packd {
    Packd::start(&Settings::new().set("net.ca_file", site.authority().to_str()))
}

fn changed(ran: &Ran) -> bool {
    let value: Value = ran.json();
    value["changed"].as_bool().unwrap()
}

#[test]
fn another_host_has_the_same_packs_to_the_byte() {
    let repository = Repository::of([&PackTree::new("gitpack", "1.0.0")
        .file("lib/ünïcode", "y")
        .link("run", "actions/say.sh")]);
    let mut site = GitSite::serving([&repository]);
    site.site.offer(&PackTree::new("core", "1.0.0"));
    site.site.offer(
        &PackTree::new("slack", "2.1.0")
            .needs("core@^1")
            .with_bulk(30, 500),
    );
    site.site
        .offer(&PackTree::new("slack", "2.0.0").needs("core"));
    let archive = site
        .site
        .publish(&PackTree::new("urlpack", "3.0.0"), Format::Zip);

    let a = bare(&site.site);
    a.ctl([
        "registry",
        "add",
        "acme",
        &site.site.url("index.json"),
        "--priority",
        "7",
    ])
    .success();
    a.ctl(["install", "slack@2.0.0"]).success();
    a.ctl(["install", &site.url(&repository), "--ref", "main"])
        .success();
    a.ctl([
        "install",
        &site.site.url(&format!("packs/{}", archive.name)),
    ])
    .success();
    a.ctl(["hold", "slack", "--reason", "the bot: breaks"])
        .success();

    let file = a.state_dir().join("packs.yaml");
    let file = file.to_str().unwrap();
    a.ctl(["export", "-o", file]).success().says("4 packs");
    let text = fs_err::read_to_string(file).unwrap();
    assert_eq!(
        a.ctl(["export"]).success().stdout(),
        text,
        "the same packs, the same bytes"
    );
    assert!(
        !text.contains("packd-e2e"),
        "nothing of the host is in it:\n{text}"
    );

    let b = bare(&site.site);
    let check = b.ctl(["apply", "-f", file, "--check", "--diff"]);
    check
        .success()
        .says("+registry acme ")
        .says("+slack 2.0.0 (acme)")
        .says("+gitpack 1.0.0")
        .says("+urlpack 3.0.0");
    assert!(changed(
        b.ctl(["-j", "apply", "-f", file, "--check"]).success()
    ));
    assert_eq!(b.active(), [""; 0]);

    let first = b.ctl(["-j", "apply", "-f", file]);
    assert!(changed(first.success()), "{}", first.stdout());
    assert_eq!(b.active(), a.active());
    assert_eq!(digests(&b), digests(&a));
    assert_eq!(trees(&b), trees(&a));
    let second = b.ctl(["-j", "apply", "-f", file, "--prune"]);
    assert!(!changed(second.success()), "{}", second.stdout());
    b.ctl(["apply", "-f", file])
        .success()
        .says("nothing had to change");
    assert_eq!(b.ctl(["export"]).success().stdout(), text, "B is what A is");
}

#[test]
fn what_came_from_a_client_is_told_and_kept_where_it_is() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let own = PackTree::new("own", "1.0.0").archive(Format::TarGz);
    let folder = tempfile::tempdir().unwrap();
    own.write_to(folder.path());
    let path = folder.path().join(&own.name);
    let path = path.to_str().unwrap();
    let settings = Settings::for_site(&site);
    let a = Packd::start(&settings);
    a.ctl(["install", "slack"]).success();
    a.ctl(["install", path]).success();
    let file = folder.path().join("packs.yaml");
    let file = file.to_str().unwrap();
    a.ctl(["export", "-o", file])
        .success()
        .says("`own` 1.0.0 came from a client");
    let text = fs_err::read_to_string(file).unwrap();
    assert!(
        text.contains("uploaded: true") && text.contains("cannot be brought"),
        "{text}"
    );

    let b = Packd::start(&settings);
    b.ctl(["apply", "-f", file])
        .failure(1)
        .says("`own` 1.0.0 came from a client")
        .says("packctl install ./ARCHIVE");
    assert_eq!(b.active(), [""; 0], "all or nothing");
    b.ctl(["install", path]).success();
    b.ctl(["apply", "-f", file]).success();
    assert_eq!(digests(&b), digests(&a));
    // it was removed since, and its tree is still in the store
    b.ctl(["remove", "own", "--yes"]).success();
    b.ctl(["apply", "-f", file]).success();
    assert_eq!(digests(&b), digests(&a));
    assert_eq!(b.ctl(["export"]).success().stdout(), text);
}

#[test]
fn registries_of_the_configuration_stay_and_headers_are_named_only() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let a = bare(&site);
    let url = site.url("guarded/index.json");
    let header = format!("Authorization: {}", packd_tests::PASSWORD);
    a.ctl(["registry", "add", "demo", &url, "--header", &header])
        .success();
    a.ctl(["install", "slack"]).success();
    let text = a.ctl(["export"]).success().stdout().to_owned();
    assert!(text.contains("- Authorization"), "{text}");
    assert!(!text.contains("open-sesame"), "{text}");

    let file = a.state_dir().join("packs.yaml");
    fs_err::write(&file, &text).unwrap();
    let file = file.to_str().unwrap();
    let b = Packd::start(&Settings::for_site(&site));
    b.ctl(["apply", "-f", file])
        .success()
        .says("needs the header `Authorization`")
        .says("is part of the configuration")
        .says("url");
    assert_eq!(b.active(), ["slack 2.1.0"]);
}

#[test]
fn a_file_that_is_written_by_hand_will_do_and_slips_are_named() {
    let site = Site::serving([
        &PackTree::new("slack", "2.1.0"),
        &PackTree::new("jira", "1.2.3"),
    ]);
    let packd = Packd::start(&Settings::for_site(&site));
    let file = packd.state_dir().join("packs.yaml");
    let write = |text: &str| fs_err::write(&file, text).unwrap();
    let name = file.to_str().unwrap();
    write("packs: {slack: \"^2\", jira: 1.2.3}\n");
    packd
        .ctl(["apply", "-f", name, "--diff"])
        .success()
        .says("+jira 1.2.3 (demo)");
    assert_eq!(packd.active(), ["jira 1.2.3", "slack 2.1.0"]);
    write("packs: {slack: \"^2\"}\n");
    packd
        .ctl(["apply", "-f", name, "--prune", "--check", "--diff"])
        .success()
        .says("-jira 1.2.3");
    packd
        .ctl(["apply", "-f", name, "--prune"])
        .success()
        .says("jira 1.2.3 removed");

    for (text, words, hint) in [
        (
            "packs:\n  slack: {versoin: 1}\n",
            "line 2",
            "did you mean `version`?",
        ),
        ("packs:\n  slack: 1.10\n", "packs.slack", "quotes"),
        (
            "pack: {}\n",
            "unknown field `pack`",
            "did you mean `packs`?",
        ),
        (
            "packs:\n  slack: 1\n  slack: 2\n",
            "duplicate",
            "packctl export",
        ),
    ] {
        write(text);
        packd
            .ctl(["apply", "-f", name])
            .failure(2)
            .says(words)
            .says(hint);
    }
    write("packs: {slack: ^x}\n");
    packd
        .ctl(["apply", "-f", name])
        .failure(2)
        .says("`slack`")
        .says("^x");
    packd
        .ctl(["apply", "-f", "/nowhere/packs.yaml"])
        .failure(3)
        .says("/nowhere/packs.yaml");
    write("packs: {}\n");
    packd
        .ctl(["apply", "-f", name, "--prune"])
        .failure(2)
        .says("remove every pack");
}
