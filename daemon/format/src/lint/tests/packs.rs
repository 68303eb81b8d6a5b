//! Whole packs of both ecosystems: what works there has no errors here.

use super::*;

/// Attune's core pack in small: folders of every kind, its own vocabulary, a program that is built later.
fn attune() -> Sample {
    Sample::named("core")
        .with(
            "pack.yaml",
            "ref: core\nlabel: Core Pack\ndescription: Built-in\nversion: \"1.0.0\"\nauthor: Attune Team\nemail: core@attune.io\n\
             license: Apache-2.0\nsystem: true\nenabled: true\nconf_schema:\n  type: object\n  properties: {}\nconfig: {a: 1}\n\
             meta:\n  category: core\n  keywords: [a]\ntags: [core]\nruntime_deps: [shell, native]\n\
             testing:\n  enabled: true\n  discovery: {method: directory, path: tests}\n  runners:\n    shell: {type: script, entry_point: tests/run_tests.sh, timeout: 60}\n\
             \x20   python: {type: unittest, entry_point: tests/test_actions.py}\n",
        )
        .with_program("tests/run_tests.sh", "#!/bin/bash\n")
        .with("tests/test_actions.py", "import unittest\n")
        .with(
            "actions/echo.yaml",
            "ref: core.echo\nlabel: Echo\ndescription: Echoes\nenabled: true\nrunner_type: shell\nentry_point: echo.sh\n\
             parameters:\n  message: {type: string, required: true}\n",
        )
        .with_program("actions/echo.sh", "#!/bin/sh\necho \"$1\"\n")
        .with(
            "actions/install_packs.yaml",
            "ref: core.install_packs\nlabel: Install\nrunner_type: workflow\nworkflow_file: workflows/install_packs.workflow.yaml\n",
        )
        .with("actions/workflows/install_packs.workflow.yaml", "version: 1.0.0\ntasks: []\n")
        .with("triggers/intervaltimer.yaml", "ref: core.intervaltimer\nlabel: Interval\n")
        .with(
            "sensors/interval_timer_sensor.yaml",
            "ref: core.interval_timer_sensor\nrunner_type: native\nentry_point: attune-core-timer-sensor\ntrigger_types: [core.intervaltimer]\n",
        )
        .with("rules/tick.yaml", "ref: core.tick\ntrigger_ref: core.intervaltimer\naction_ref: core.echo\n")
        .with("runtimes/shell.yaml", "ref: core.shell\nname: Shell\n")
        .with("queues/default.yaml", "ref: core.default\n")
        .with("permission_sets/admin.yml", "ref: core.admin\n")
        .with("README.md", "# Core\n")
}

/// A pack of the Exchange in small: every kind of runner, aliases, policies, chains and workflows.
fn stackstorm() -> Sample {
    Sample::named("stackstorm-aws")
        .with(
            "pack.yaml",
            "---\nname : aws\ndescription : AWS integrations\nkeywords: [aws]\nversion : 2.0.1\npython_versions: ['3']\n\
             author : StackStorm, Inc.\nemail : info@stackstorm.com\nstackstorm_version: '>=2.1.0, <3.9.0'\ndependencies: [core, linux=0.2.0]\n\
             contributors: null\n",
        )
        .with("LICENSE", "Apache License\n")
        .with("config.schema.yaml", "---\nregion: {type: string}\n")
        .with("requirements.txt", "boto3\n")
        .with(
            "actions/ec2_create_vm.yaml",
            "---\nname: ec2_create_vm\npack: aws\nrunner_type: python-script\nentry_point: run.py\nenabled: true\nparameters: {}\n",
        )
        .with("actions/run.py", "#!/usr/bin/env python\n")
        .with(
            "actions/list.yaml",
            "name: \"list\"\nrunner_type: \"local-shell-cmd\"\nentry_point: \"\"\nparameters: {cmd: {immutable: true, default: ls}}\n",
        )
        .with("actions/script.yaml", "name: script\nrunner_type: local-shell-script\nentry_point: scripts/a.sh\n")
        .with_program("actions/scripts/a.sh", "#!/bin/sh\n")
        .with("actions/flow.yaml", "name: flow\nrunner_type: orquesta\nentry_point: workflows/flow.yaml\n")
        .with("actions/workflows/flow.yaml", "version: 1.0\ntasks:\n  a:\n    action: core.noop\n    next: [{do: [b]}]\n")
        .with("actions/old.yaml", "name: old\nrunner_type: mistral-v2\nentry_point: workflows/old.yaml\n")
        .with("actions/workflows/old.yaml", "---\nversion: '2.0'\naws.old:\n  tasks: {}\n")
        .with("actions/chain.yaml", "name: chain\nrunner_type: action-chain\nentry_point: chains/chain.yaml\n")
        .with("actions/chains/chain.yaml", "chain: []\n")
        .with(
            "sensors/sqs.yaml",
            "---\nclass_name: AWSSQSSensor\nentry_point: sqs.py\ndescription: x\npoll_interval: 10\ntrigger_types: [{name: sqs_new_message}]\n",
        )
        .with("sensors/sqs.py", "class AWSSQSSensor: pass\n")
        .with(
            "rules/notify.yaml",
            "---\nname: notify\npack: aws\ntrigger: {type: aws.sqs_new_message}\naction: {ref: core.local, parameters: {cmd: \"echo {{trigger.body}}\"}}\n",
        )
        .with("aliases/list.yaml", "---\nname: ec2_list\naction_ref: aws.list\nformats: ['list {{a}}']\n")
        .with("policies/retry.yaml", "name: retry\nresource_ref: aws.list\npolicy_type: action.retry\n")
}

#[test]
fn a_pack_of_attune_has_no_errors() {
    let report = attune().report();
    assert_eq!(
        lines(&report),
        [
            "sensors/interval_timer_sensor.yaml:3:14: warning P213: entry point `attune-core-timer-sensor` is a program that is not there (build it before the pack is published)"
        ]
    );
    let built = attune().with_program("sensors/attune-core-timer-sensor", "\u{7f}ELF");
    assert_eq!(lines(&built.report()), Vec::<String>::new());
}

#[test]
fn a_pack_of_stackstorm_has_no_errors() {
    let report = stackstorm().report();
    assert_eq!(
        lines(&report),
        [
            "pack.yaml: note P111: there is no `ref`; `aws` is used (add `ref: aws`)",
            "pack.yaml: warning P106: there is no `license` (say which one `LICENSE` is, for example `license: Apache-2.0`)",
            "actions/run.py:1:1: note P405: it begins with `#!`, but is not executable (chmod +x actions/run.py)",
        ]
    );
    assert_eq!(report.pack.as_deref(), Some("aws 2.0.1"));
}

#[test]
fn a_pack_whose_name_is_no_ref_is_known_by_its_folder() {
    let sample = Sample::named("stackstorm-travis_ci")
        .with(
            "pack.yaml",
            "name: Travis CI\nversion: 0.2\nauthor: A\ndescription: d\nlicense: MIT\n",
        )
        .with(
            "actions/a.yaml",
            "name: a\npack: travis_ci\nrunner_type: noop\n",
        );
    let report = sample.report();
    assert_eq!(report.errors, 0, "{:#?}", lines(&report));
    assert_eq!(report.pack.as_deref(), Some("travis_ci 0.2.0"));
}

/// The packs that packd shows itself with are good ones.
#[test]
fn the_demo_packs_have_no_findings() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/demo");
    let mut looked_at = 0;
    for entry in fs_err::read_dir(demo).unwrap() {
        let path = entry.unwrap().path();
        if path.join(FILE_NAME).is_file() {
            assert_eq!(
                lines(&lint(&path, &PackOptions::default()).unwrap()),
                Vec::<String>::new(),
                "{}",
                path.display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at >= 3, "there are demo packs");
}
