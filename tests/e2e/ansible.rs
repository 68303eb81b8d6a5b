//! The collection of `packaging/ansible`, run by a real ansible-core.

use std::{path::PathBuf, process::Command};

use fs_err::os::unix::fs::symlink;
use packd_tests::{
    Format, PackTree, Packd, Ran, Settings, Site,
    support::{page::Page, programs},
};
use packd_wire::{JobKind, JobList, PackView, path};
use tempfile::TempDir;

/// A host that is managed, which is also the one that manages it.
struct Managed {
    packd: Packd,
    folder: TempDir,
}

impl Managed {
    fn new(site: &Site) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let namespace = folder.path().join("ansible_collections/packd");
        fs_err::create_dir_all(&namespace).unwrap();
        symlink(
            programs::source().join("packaging/ansible"),
            namespace.join("packd"),
        )
        .unwrap();
        let settings = Settings::new().set("net.ca_file", site.authority().to_str());
        Self {
            packd: Packd::start(&settings),
            folder,
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("PACKD_SOCKET", self.packd.socket())
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("ANSIBLE_COLLECTIONS_PATH", self.folder.path())
            .env("ANSIBLE_LOCALHOST_WARNING", "False")
            .env("ANSIBLE_NOCOLOR", "1");
        command
    }

    /// Runs a playbook on this host.
    fn play(&self, playbook: &str, arguments: &[&str]) -> Ran {
        let file: PathBuf = self.folder.path().join("playbook.yml");
        fs_err::write(&file, playbook).unwrap();
        let mut command = self.command("ansible-playbook");
        command
            .args(["-i", "localhost,", "-c", "local", "-e"])
            .arg("ansible_python_interpreter=/usr/bin/python3 ansible_become=false")
            .args(arguments)
            .arg(file);
        Ran::of(&mut command)
    }
}

/// How many tasks have changed something, by what ansible says at the end.
fn changed(ran: &Ran) -> u32 {
    ran.success();
    let rest = ran.stdout().rsplit_once("changed=").unwrap().1;
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

fn site() -> Site {
    Site::serving([
        &PackTree::new("core", "1.0.0"),
        &PackTree::new("slack", "2.0.0"),
        &PackTree::new("slack", "2.1.0").needs("core@^1"),
        &PackTree::new("jira", "1.2.3"),
    ])
}

#[test]
fn the_playbook_of_the_page_changes_a_host_once() {
    let site = site();
    let host = Managed::new(&site);
    let page = Page::read("configuration-management.md");
    let playbook = &page.block("ansible").text;
    let playbook = playbook
        .replace(
            "https://packs.acme.example/index.json",
            &site.url("index.json"),
        )
        .replace("- hosts: all", "- hosts: all\n  gather_facts: false");
    let first = host.play(&playbook, &["--diff"]);
    assert_eq!(changed(&first), 3, "{}", first.stdout());
    first
        .says("+slack 2.1.0")
        .says("+core 1.0.0")
        .says("+hold jira");
    assert_eq!(
        host.packd.active(),
        ["core 1.0.0", "jira 1.2.3", "slack 2.1.0"]
    );
    let jira: PackView = host.packd.get(&path::pack("jira")).expect(200).json();
    assert!(jira.hold.is_some());
    let second = host.play(&playbook, &[]);
    assert_eq!(changed(&second), 0, "{}", second.stdout());
}

#[test]
fn a_check_says_what_a_run_would_do() {
    let site = site();
    let host = Managed::new(&site);
    host.packd
        .ctl(["registry", "add", "acme", &site.url("index.json")])
        .success();
    host.packd.ctl(["install", "slack@2.0.0", "jira"]).success();
    let playbook = "\
- hosts: all
  gather_facts: false
  tasks:
    - packd.packd.pack: {name: slack, state: latest}
      register: slack
    - packd.packd.pack: {name: jira, state: absent}
    - packd.packd.hold: {name: slack, reason: a release}
    - packd.packd.registry: {name: acme, priority: 7}
    - packd.packd.facts:
    - ansible.builtin.assert:
        that:
          - slack.changes | selectattr('ref', 'eq', 'slack') | map(attribute='to') | list == ['2.1.0']
          - ansible_facts.packd.packs.slack.version == ('2.0.0' if ansible_check_mode else '2.1.0')
          - ansible_facts.packd.registries.acme.priority == (100 if ansible_check_mode else 7)
";
    let check = host.play(playbook, &["--check", "--diff"]);
    assert_eq!(changed(&check), 4, "{}", check.stdout());
    check
        .says("-slack 2.0.0")
        .says("+slack 2.1.0")
        .says("-jira 1.2.3")
        .says("+hold slack: a release")
        .says("\"priority\": 7");
    assert_eq!(
        host.packd.active(),
        ["jira 1.2.3", "slack 2.0.0"],
        "nothing has changed"
    );

    let run = host.play(playbook, &[]);
    assert_eq!(changed(&run), 4, "{}", run.stdout());
    assert_eq!(host.packd.active(), ["core 1.0.0", "slack 2.1.0"]);
    let again = host.play(
        &playbook.replace(
            "    - ansible.builtin.assert",
            "    - name: not again\n      when: false\n      ansible.builtin.assert",
        ),
        &["--check"],
    );
    assert_eq!(changed(&again), 0, "{}", again.stdout());
}

#[test]
fn what_cannot_be_done_is_told_in_packds_words() {
    let site = site();
    let host = Managed::new(&site);
    host.packd
        .ctl(["registry", "add", "acme", &site.url("index.json")])
        .success();
    let playbook = "\
- hosts: all
  gather_facts: false
  tasks:
    - packd.packd.pack: {name: slack, version: ^9}
      register: no_version
      ignore_errors: true
    - packd.packd.pack: {name: slack, version: one}
      register: no_requirement
      ignore_errors: true
    - packd.packd.hold: {name: slack}
      register: no_pack
      ignore_errors: true
    - packd.packd.registry: {name: beta}
      register: no_url
      ignore_errors: true
    - packd.packd.pack: {name: jira, version: 1.2.3}
    - packd.packd.pack: {name: slack, version: 2.1.0}
    - packd.packd.pack: {name: core, state: absent}
      register: needed
      ignore_errors: true
    - packd.packd.facts: {socket: /nowhere/packd.sock}
      register: no_packd
      ignore_errors: true
    - ansible.builtin.assert:
        that:
          - no_version is failed and no_version.kind == 'version_not_found' and '2.1.0' in no_version.msg
          - no_requirement is failed and no_requirement.kind == 'invalid_reference' and 'hint' in no_requirement.msg
          - no_pack is failed and no_pack.kind == 'pack_not_installed'
          - needed is failed and needed.kind == 'required_by' and '`cascade: true` removes them too' in needed.msg
          - no_url is failed and '`url` is needed' in no_url.msg
          - no_packd is failed and '/nowhere/packd.sock' in no_packd.msg
";
    assert_eq!(changed(&host.play(playbook, &[])), 2);
    assert_eq!(
        host.packd.active(),
        ["core 1.0.0", "jira 1.2.3", "slack 2.1.0"]
    );
}

#[test]
fn each_module_has_its_manual() {
    let host = Managed::new(&Site::serving([]));
    let mut command = host.command("ansible-doc");
    command.args(["-t", "module"]);
    for module in ["pack", "registry", "hold", "facts"] {
        command.arg(format!("packd.packd.{module}"));
    }
    let ran = Ran::of(&mut command);
    ran.success();
    for module in ["PACK", "REGISTRY", "HOLD", "FACTS"] {
        ran.says(&format!("> PACKD.PACKD.{module}"));
    }
    ran.says("EXAMPLES:").says("RETURN VALUES:");
}

#[test]
fn an_archive_and_a_folder_of_the_host_are_sent_once() {
    let site = site();
    let host = Managed::new(&site);
    let archive = PackTree::new("deploy", "1.4.0").archive(Format::TarGz);
    archive.write_to(host.folder.path());
    let folder = host.folder.path().join("tools");
    PackTree::new("tools", "0.1.0").write_to(&folder);
    fs_err::create_dir(folder.join(".git")).unwrap();
    fs_err::write(folder.join(".git/config"), "not part of it").unwrap();
    fs_err::hard_link(folder.join("pack.yaml"), folder.join("again.yaml")).unwrap();
    let playbook = format!(
        "\
- hosts: all
  gather_facts: false
  tasks:
    - packd.packd.pack: {{name: deploy, source: ./{archive}, checksum: '{checksum}'}}
    - packd.packd.pack: {{name: tools, source: '{folder}', version: '>=0.1'}}
      register: tools
    - ansible.builtin.assert:
        that: tools.pack is none or tools.pack.source.type == 'upload'
",
        archive = archive.name,
        checksum = archive.sha256(),
        folder = folder.display(),
    );
    let check = host.play(&playbook, &["--check", "--diff"]);
    assert_eq!(changed(&check), 2, "{}", check.stdout());
    check.says("+deploy 1.4.0").says("+tools 0.1.0");
    assert_eq!(host.packd.active(), [""; 0], "nothing has changed");
    assert_eq!(changed(&host.play(&playbook, &[])), 2);
    assert_eq!(host.packd.active(), ["deploy 1.4.0", "tools 0.1.0"]);
    let tree = host.packd.tree("tools").unwrap();
    let has = |start: &str| tree.0.keys().any(|path| path.starts_with(start));
    assert!(has("again.yaml") && !has(".git"), "{tree:#?}");

    let sent = |packd: &Packd| {
        let list: JobList = packd.get(path::JOBS).expect(200).json();
        let jobs = list.jobs.into_iter();
        jobs.filter(|job| job.kind == JobKind::Upload).count()
    };
    let before = sent(&host.packd);
    assert_eq!(changed(&host.play(&playbook, &[])), 0);
    assert_eq!(sent(&host.packd), before, "what is there is not sent again");

    let wrong = format!(
        "\
- hosts: all
  gather_facts: false
  tasks:
    - packd.packd.pack: {{name: other, source: ./{archive}}}
      register: other
      ignore_errors: true
    - packd.packd.pack: {{name: deploy, source: ./{archive}, checksum: 'sha256:{zeros}'}}
      register: bytes
      ignore_errors: true
    - packd.packd.pack: {{name: deploy, source: ./nowhere.tar.gz}}
      register: nowhere
      ignore_errors: true
    - ansible.builtin.assert:
        that:
          - other is failed and other.kind == 'content_mismatch' and 'deploy' in other.msg
          - bytes is failed and bytes.kind == 'digest_mismatch'
          - nowhere is failed and 'nowhere.tar.gz' in nowhere.msg
",
        archive = archive.name,
        zeros = "0".repeat(64),
    );
    assert_eq!(changed(&host.play(&wrong, &[])), 0);
}
