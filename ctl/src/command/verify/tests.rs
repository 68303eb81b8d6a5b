use insta::assert_snapshot;
use packd_wire::{TreeChange, TreeDifference};

use super::*;

fn tree(name: &str, state: PackState, paths: &[&str]) -> TreeView {
    let difference = |path: &&str| TreeDifference {
        path: (*path).to_owned(),
        change: TreeChange::Content,
    };
    TreeView {
        pack_ref: name.to_owned(),
        version: "1.0.0".to_owned(),
        state,
        differences: paths.iter().map(difference).collect(),
        count: 0,
        repaired: false,
        quarantine: None,
        error: None,
    }
}

#[test]
fn what_is_good_is_not_shown() {
    let good = tree("slack", PackState::Ok, &[]);
    assert_eq!(table(&[good], Width::Unlimited), "");
}

#[test]
fn each_path_has_a_line() {
    let mut slack = tree("slack", PackState::Modified, &["actions/a.py", "pack.yaml"]);
    slack.count = 40;
    let mut jira = tree("jira", PackState::Modified, &["pack.yaml"]);
    jira.count = 1;
    jira.repaired = true;
    jira.quarantine = Some("/var/lib/packd/quarantine/jira-1.0.0.x".to_owned());
    let gone = tree("teams", PackState::Missing, &[]);
    let text = table(&[slack, jira, gone], Width::Unlimited);
    let text = anstream::adapter::strip_str(&text).to_string();
    assert_snapshot!(text, @r"
    REF    VERSION  STATE               CHANGE   PATH
    slack  1.0.0    modified            content  actions/a.py
                                        content  pack.yaml
                                        …        and 38 more
    jira   1.0.0    modified, repaired  content  pack.yaml
    teams  1.0.0    missing             -        -
    what lay in the place of jira is in /var/lib/packd/quarantine/jira-1.0.0.x
    ");
}
