//! The page about publishing from CI, followed word for word: every step of it is run.

use std::path::Path;

use packd_tests::{
    Packd, Settings,
    support::{
        forge::{Checkout, Forge},
        page::{Mark, Page},
    },
};
use serde_json::{Value, json};

const PAGE: &str = "ci-cd.md";

/// A forge with an empty registry, made as the page says.
fn forge(page: &Page) -> Forge {
    let forge = Forge::new();
    let folder = forge.workspace();
    forge.sh(&folder, &page.block("new-registry").text);
    forge.publish("acme/registry", &folder.join("registry"), &[]);
    forge
}

/// A pack as `packctl create` makes it, in a repository of its own, tagged with its version.
fn offer(forge: &Forge, name: &str) {
    let folder = forge.workspace();
    forge.sh(&folder, &format!("packctl create {name}"));
    let version = version_of(&folder.join(name));
    forge.publish(
        &format!("acme/{name}"),
        &folder.join(name),
        &[&format!("v{version}")],
    );
}

fn version_of(pack: &Path) -> String {
    let text = fs_err::read_to_string(pack.join("pack.yaml")).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("version:"))
        .unwrap();
    line.trim_start_matches("version:")
        .trim()
        .trim_matches(['"', '\''])
        .to_owned()
}

/// The registry as everybody sees it, and that packd installs these packs from it.
fn installs(forge: &Forge, packs: &[&str]) -> Value {
    let registry = forge.clone_of("acme/registry", "main");
    let index = registry.join("index.json");
    let url = format!("file://{}", index.display());
    let packd = Packd::start(&Settings::new().registry("acme", &url, &json!({})));
    for pack in packs {
        packd.ctl(["install", pack]).success();
    }
    serde_json::from_str(&fs_err::read_to_string(&index).unwrap()).unwrap()
}

fn publish_tag(repository: &str) -> Checkout<'_> {
    Checkout {
        repository,
        pushed: "v0.1.0",
    }
}

#[test]
fn every_block_of_shell_on_the_page_is_run_by_a_test() {
    let page = Page::read(PAGE);
    let forgotten: Vec<_> = page
        .blocks
        .iter()
        .filter(|block| block.mark == Mark::Plain && !block.language.is_empty())
        .collect();
    assert!(forgotten.is_empty(), "these have no mark: {forgotten:#?}");
    assert_eq!(
        page.names(),
        [
            "attune",
            "by-hand",
            "github-many",
            "github-publish",
            "github-registry",
            "gitlab-publish",
            "jenkins-publish",
            "new-registry",
        ]
    );
}

#[test]
fn a_pack_is_published_by_hand() {
    let page = Page::read(PAGE);
    let forge = forge(&page);
    let folder = forge.workspace();
    forge.sh(
        &folder,
        &format!(
            "git clone --quiet '{}' registry",
            forge.url("acme/registry")
        ),
    );
    forge.sh(
        &folder,
        "packctl create hello && sed -i 's/^version:.*/version: 1.0.0/' hello/pack.yaml",
    );
    forge.sh(
        &folder.join("hello"),
        "git init --quiet --initial-branch main && git add --all && git commit --quiet --message hello",
    );
    forge.sh(&folder.join("hello"), &page.block("by-hand").text);
    forge.sh(&folder.join("registry"), "git push --quiet");

    let index = installs(&forge, &["hello"]);
    let sources = &index["packs"][0]["install_sources"];
    assert_eq!(sources[0]["type"], "git", "{sources:#}");
    assert!(sources[0]["commit"].is_string(), "{sources:#}");
    assert_eq!(sources[1]["type"], "archive", "{sources:#}");
    assert_eq!(
        sources[0]["tree"], sources[1]["tree"],
        "both hold the same files"
    );

    forge.sh(&folder.join("hello"), &page.block("attune").text);
}

#[test]
fn a_workflow_of_github_publishes_a_tag_and_again_without_a_change() {
    let page = Page::read(PAGE);
    let forge = forge(&page);
    offer(&forge, "hello");
    forge.github(page.block("github-publish"), publish_tag("acme/hello"));
    let first = installs(&forge, &["hello"]);
    forge.github(page.block("github-publish"), publish_tag("acme/hello"));
    assert_eq!(
        installs(&forge, &["hello"]),
        first,
        "the same publish again"
    );
}

#[test]
fn workflows_that_publish_at_once_lose_nothing() {
    let page = Page::read(PAGE);
    let forge = forge(&page);
    let names = ["alpha", "beta", "gamma"];
    for name in names {
        offer(&forge, name);
    }
    std::thread::scope(|scope| {
        for name in names {
            let (forge, page) = (&forge, &page);
            scope.spawn(move || {
                let repository = format!("acme/{name}");
                forge.github(page.block("github-publish"), publish_tag(&repository));
            });
        }
    });
    let index = installs(&forge, &names);
    assert_eq!(
        index["packs"].as_array().unwrap().len(),
        names.len(),
        "{index:#}"
    );
}

#[test]
fn a_workflow_of_github_publishes_the_packs_that_changed() {
    let page = Page::read(PAGE);
    let forge = forge(&page);
    let folder = forge.workspace();
    forge.sh(
        &folder,
        "mkdir packs && for name in alpha beta gamma; do packctl create $name --path packs/$name; done",
    );
    forge.publish("acme/packs", &folder, &[]);
    forge.sh(
        &folder,
        "for name in alpha gamma; do sed -i 's/^version:.*/version: 0.2.0/' packs/$name/pack.yaml; done",
    );
    forge.publish("acme/packs", &folder, &[]);
    let pushed = Checkout {
        repository: "acme/packs",
        pushed: "main",
    };
    forge.github(page.block("github-many"), pushed);
    let index = installs(&forge, &["alpha@0.2.0", "gamma@0.2.0"]);
    assert_eq!(
        index["packs"].as_array().unwrap().len(),
        2,
        "beta did not change"
    );
}

#[test]
fn the_registry_is_checked_and_the_teams_indexes_become_one() {
    let page = Page::read(PAGE);
    let forge = forge(&page);
    offer(&forge, "hello");
    forge.github(page.block("github-publish"), publish_tag("acme/hello"));
    let registry = forge.clone_of("acme/registry", "main");
    forge.sh(
        &registry,
        "mkdir teams && sed 's/\"hello\"/\"howdy\"/' index.json > teams/one.json",
    );
    forge.publish("acme/registry", &registry, &[]);
    let pushed = Checkout {
        repository: "acme/registry",
        pushed: "main",
    };
    forge.github(page.block("github-registry"), pushed);
}

#[test]
fn pipelines_of_gitlab_and_jenkins_publish_a_tag() {
    let page = Page::read(PAGE);
    let forge = forge(&page);
    offer(&forge, "hello");
    offer(&forge, "howdy");
    forge.gitlab(
        page.block("gitlab-publish"),
        publish_tag("acme/hello"),
        "acme/registry",
    );
    forge.jenkins(
        page.block("jenkins-publish"),
        publish_tag("acme/howdy"),
        "acme/registry",
    );
    installs(&forge, &["hello", "howdy"]);
}
