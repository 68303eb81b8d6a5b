#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn inventory(manifest: &str, files: &[(&str, &str)]) -> Inventory {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    let manifest = Manifest::parse(format!("ref: a\nversion: 1.0.0\n{manifest}").as_bytes());
    let list = crate::tree::scan(dir.path()).unwrap();
    Inventory::read(dir.path(), &manifest.unwrap(), &list)
}

fn told(components: &[Component]) -> Vec<(&str, &str)> {
    components
        .iter()
        .map(|one| (one.name.as_str(), one.description.as_str()))
        .collect()
}

#[test]
fn component_files_are_listed_by_the_names_of_either_vocabulary() {
    let found = inventory(
        "",
        &[
            (
                "actions/b.yaml",
                "ref: a.b\nlabel: B\ndescription: Does b\n",
            ),
            ("actions/a.yml", "---\nname: a\ndescription: 'Does a'\n"),
            ("actions/run.sh", "#!/bin/sh\n"),
            (
                "actions/workflows/w.yaml",
                "version: 1.0\ndescription: All of it\n",
            ),
            (
                "sensors/s.yaml",
                "class_name: WatchSensor\nentry_point: s.py\n",
            ),
            ("workflows/deploy.yaml", "name: deploy\n"),
        ],
    );
    assert_eq!(told(&found.actions), [("a", "Does a"), ("a.b", "Does b")]);
    assert_eq!(told(&found.sensors), [("WatchSensor", "")]);
    assert_eq!(
        told(&found.workflows),
        [("deploy", ""), ("w", "All of it")],
        "a file without a name goes by its own"
    );
    assert_eq!(found.rules, [], "there is no such folder");
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn merge_keys_and_keys_given_twice_lose_no_component() {
    let found = inventory(
        "",
        &[
            (
                "actions/a.yaml",
                "name: a\nparameters:\n  x: &base {type: string}\n  y:\n    <<: *base\n    required: true\n",
            ),
            ("actions/b.yaml", "name: x\nname: b\n"),
            (
                "actions/c.yaml",
                "x-base: &base {name: x, description: Base}\nname: c\n<<: *base\n",
            ),
            (
                "actions/d.yaml",
                "x-base: &base {name: x, description: Base}\n<<: *base\nname: d\n",
            ),
        ],
    );
    assert_eq!(
        told(&found.actions),
        [("a", ""), ("b", ""), ("c", "Base"), ("d", "Base")],
        "the last of equal keys counts, and one's own before one that is merged"
    );
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn what_the_manifest_lists_is_taken_instead_of_files() {
    let found = inventory(
        "actions:\n  post: {description: Posts}\n  get:\nsensors: [s, {ref: a.t, description: T}]\nrules: {}\n",
        &[("actions/x.yaml", "name: x"), ("rules/r.yaml", "name: r")],
    );
    assert_eq!(told(&found.actions), [("post", "Posts"), ("get", "")]);
    assert_eq!(told(&found.sensors), [("s", ""), ("a.t", "T")]);
    assert_eq!(found.rules, [], "an empty list is a list");
}

#[test]
fn a_component_file_that_cannot_be_read_is_named_and_left_out() {
    let large = format!("name: large\n# {}\n", "x".repeat(MAX_BYTES));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let found = inventory(
        "",
        &[
            ("actions/bad.yaml", "name: [\n"),
            ("actions/bomb.yaml", bomb),
            ("actions/good.yaml", "name: good\n"),
            ("actions/large.yaml", &large),
            ("actions/list.yaml", "- name: a\n"),
        ],
    );
    assert_eq!(told(&found.actions), [("good", "")]);
    for name in ["bad", "bomb", "large", "list"] {
        let file = format!("`actions/{name}.yaml`");
        let count = found.warnings.iter().filter(|text| text.contains(&file));
        assert_eq!(count.count(), 1, "{file} is named in {:?}", found.warnings);
    }
}

#[test]
fn a_file_that_became_a_link_or_a_pipe_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let actions = dir.path().join("actions");
    fs_err::create_dir(&actions).unwrap();
    for name in ["link.yaml", "pipe.yaml"] {
        fs_err::write(actions.join(name), "name: x\n").unwrap();
    }
    let list = crate::tree::scan(dir.path()).unwrap();
    for name in ["link.yaml", "pipe.yaml"] {
        fs_err::remove_file(actions.join(name)).unwrap();
    }
    fs_err::os::unix::fs::symlink("/etc/hostname", actions.join("link.yaml")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        actions.join("pipe.yaml"),
        rustix::fs::FileType::Fifo,
        mode,
        0,
    )
    .unwrap();
    let manifest = Manifest::parse(b"ref: a\nversion: 1.0.0\n").unwrap();
    let found = Inventory::read(dir.path(), &manifest, &list);
    assert_eq!(found.actions, []);
    assert_eq!(found.warnings.len(), 2, "both are named: {found:?}");
}

#[test]
fn a_pack_of_very_many_components_is_listed_up_to_a_bound() {
    let many = (0..MAX_COMPONENTS + 5).fold("actions:\n".to_owned(), |text, number| {
        format!("{text}  a{number}:\n")
    });
    let found = inventory(&many, &[]);
    assert_eq!(found.actions.len(), MAX_COMPONENTS);
    assert_eq!(found.warnings, ["there are more actions than are listed"]);

    let wordy = "ä".repeat(MAX_DESCRIPTION);
    let one = Component::new("x", &wordy);
    assert_eq!(
        one.description.len(),
        MAX_DESCRIPTION,
        "cut between characters"
    );
}
