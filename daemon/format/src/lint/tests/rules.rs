//! Each rule by itself: a pack without a fault, and one fault in it.

use super::*;

/// `docs/pack-format.md#11-lint` and the code say the same.
#[test]
fn the_rules_are_those_of_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pack-format.md");
    let text = fs_err::read_to_string(page).unwrap();
    let (_, section) = text.split_once("\n## 11. Lint\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let documented: Vec<String> = (section.lines())
        .filter(|line| line.starts_with("| P"))
        .map(str::to_owned)
        .collect();
    let coded: Vec<String> = (Rule::ALL.iter())
        .map(|rule| format!("| {} | {} | {} |", rule.id(), rule.severity(), rule.asks()))
        .collect();
    assert_eq!(documented, coded);
}

#[test]
fn a_pack_without_a_fault_has_no_findings() {
    assert_eq!(lines(&Sample::clean().report()), Vec::<String>::new());
}

/// Every rule is broken by the one pack that is made to break it, and by that one alone.
#[test]
#[expect(clippy::too_many_lines, reason = "a line or two for each rule")]
fn each_rule_is_broken_by_one_fault() {
    let action = |text: &str| Sample::clean().with("actions/run.yaml", text);
    let of_shell = |entry_point: &str| {
        action(&format!(
            "ref: demo.run\nrunner_type: shell\nentry_point: {entry_point}\n"
        ))
    };
    let large = format!("name: x\nx: {}\n", "y".repeat(256 * 1024));
    let huge = Sample::clean().with("data.bin", "");
    fs_err::OpenOptions::new()
        .write(true)
        .open(huge.root.join("data.bin"))
        .and_then(|file| file.set_len(51 * 1024 * 1024))
        .unwrap();
    let samples = [
        (Rule::Manifest, Sample::clean().without("version")),
        (Rule::MisspeltKey, Sample::clean().saying("keyword: [a]\n")),
        (Rule::UnknownKey, Sample::clean().saying("zebra: 1\n")),
        (
            Rule::Version,
            Sample::clean().without("version").saying("version: 1.10\n"),
        ),
        (Rule::LeftOut, Sample::clean().saying("keywords: {a: b}\n")),
        (Rule::NoLicense, Sample::clean().without("license")),
        (
            Rule::License,
            Sample::clean()
                .without("license")
                .saying("license: Apache 2.0\n"),
        ),
        (Rule::NoDescription, Sample::clean().without("description")),
        (Rule::NoLabel, Sample::clean().without("label")),
        (Rule::NoAuthor, Sample::clean().without("author")),
        (
            Rule::NoRef,
            Sample::clean().without("ref").saying("name: demo\n"),
        ),
        (
            Rule::SelfDependency,
            Sample::clean().saying("dependencies: [demo]\n"),
        ),
        (
            Rule::DuplicateDependency,
            Sample::clean().saying("dependencies: [core, 'core@^1']\n"),
        ),
        (
            Rule::Engine,
            Sample::clean().saying("stackstorm_version: three\n"),
        ),
        (Rule::Url, Sample::clean().saying("repository: github\n")),
        (
            Rule::Runtime,
            Sample::clean().saying("runtime_deps: [pyton3]\n"),
        ),
        (
            Rule::ComponentSyntax,
            Sample::clean().with("rules/a.yaml", "ref: [\n"),
        ),
        (
            Rule::ComponentDialect,
            Sample::clean().with("rules/a.yaml", "ref: demo.a\nref: demo.a\n"),
        ),
        (
            Rule::ComponentShape,
            Sample::clean().with("rules/a.yaml", "- a\n"),
        ),
        (
            Rule::ComponentName,
            Sample::clean().with("rules/a.yaml", "label: a\n"),
        ),
        (
            Rule::ComponentPack,
            Sample::clean().with("rules/a.yaml", "name: a\npack: other\n"),
        ),
        (
            Rule::ComponentTwice,
            Sample::clean()
                .with("rules/a.yaml", "ref: demo.a\n")
                .with("rules/b.yaml", "name: a\n"),
        ),
        (Rule::EntryPoint, of_shell("rum.sh")),
        (Rule::EntryPointOutside, of_shell("../../bin/sh")),
        (
            Rule::NotExecutable,
            of_shell("other.sh").with("actions/other.sh", "echo\n"),
        ),
        (
            Rule::Workflow,
            action("ref: demo.run\nworkflow_file: workflows/gone.yaml\n"),
        ),
        (Rule::Runner, action("ref: demo.run\nrunner_type: pythn\n")),
        (
            Rule::ComponentSize,
            Sample::clean().with("rules/a.yaml", large),
        ),
        (
            Rule::Program,
            action("ref: demo.run\nrunner_type: native\nentry_point: timer\n"),
        ),
        (
            Rule::TestEntryPoint,
            Sample::clean()
                .saying("testing: {runners: {a: {type: script, entry_point: tests/run.sh}}}\n"),
        ),
        (
            Rule::NoTests,
            Sample::clean().saying("testing: {enabled: true}\n"),
        ),
        (Rule::File, Sample::clean().linking("out", "/etc/passwd")),
        (Rule::Size, huge),
        (Rule::Secret, Sample::clean().with("tests/id_rsa", "x")),
        (
            Rule::Crlf,
            Sample::clean().with_program("lib/a.sh", "#!/bin/sh\r\necho\r\n"),
        ),
        (
            Rule::Shebang,
            Sample::clean().with("lib/a.py", "#!/usr/bin/env python3\n"),
        ),
        (
            Rule::Repository,
            Sample::clean().with("vendor/x/.git/HEAD", "ref: refs/heads/main\n"),
        ),
    ];
    let tried: Vec<Rule> = samples.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(tried, Rule::ALL, "every rule is tried, in their order");
    for (rule, sample) in samples {
        let report = sample.report();
        assert_eq!(
            sample.broken(),
            BTreeSet::from([rule.id()]),
            "{:#?}",
            lines(&report)
        );
    }
}

#[test]
fn licences_are_named_as_spdx_has_them() {
    for (written, meant) in [
        ("Apache 2.0", Some("Apache-2.0")),
        ("Apache License 2.0", Some("Apache-2.0")),
        ("GPLv2", Some("GPL-2.0-only")),
        ("mit", Some("MIT")),
        ("Proprietary", None),
        ("UNLICENSED", None),
    ] {
        let sample = Sample::clean()
            .without("license")
            .saying(&format!("license: {written}\n"));
        let report = sample.report();
        let [finding] = &report.findings[..] else {
            panic!("`{written}`: {:?}", lines(&report))
        };
        let hint = finding.hint.as_deref().unwrap();
        match meant {
            Some(meant) => assert_eq!(hint, format!("did you mean `{meant}`?"), "{written}"),
            None => assert!(hint.contains("LicenseRef-"), "{written}: {hint}"),
        }
    }
    for fine in [
        "MIT",
        "MIT OR Apache-2.0",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "LicenseRef-Acme",
        "NOASSERTION",
    ] {
        let sample = Sample::clean()
            .without("license")
            .saying(&format!("license: {fine}\n"));
        assert_eq!(lines(&sample.report()), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn every_error_of_a_manifest_is_found() {
    let sample = Sample::clean()
        .without("version")
        .saying("version: 1.x\ndependencies: [Core, demo]\nruntime_deps: ['>1']\nunknwn: 1\n");
    let report = sample.report();
    let broken: Vec<_> = (report.findings.iter())
        .map(|finding| (finding.rule.id(), finding.line.unwrap_or_default()))
        .collect();
    assert_eq!(
        broken,
        [("P101", 6), ("P101", 7), ("P101", 8), ("P103", 9)],
        "{:#?}",
        lines(&report)
    );
    for (text, line) in [
        ("ref: a\nref: b\n", 2),
        ("a: [\n", 1),
        ("- a\n", 0),
        ("", 0),
    ] {
        let report = Sample::named("x").with("pack.yaml", text).report();
        let finding = &report.findings[0];
        assert_eq!(finding.rule, Rule::Manifest, "{text:?}");
        assert_eq!(
            finding.line.unwrap_or_default(),
            line,
            "{text:?}: {finding:?}"
        );
        assert!(
            !finding.message.contains("line "),
            "the place is said once: {finding:?}"
        );
    }
}

#[test]
fn files_that_cannot_be_packed_are_all_named() {
    let sample = Sample::clean()
        .linking("absolute", "/etc/passwd")
        .linking("dangling", "nowhere")
        .linking("leaves", "../x")
        .linking("fine", "pack.yaml")
        .with("a\\b", "x")
        .with("README", "x")
        .with("Readme", "x");
    fs_err::create_dir(sample.root.join("bad\u{202e}")).unwrap();
    let sample = sample.with("bad\u{202e}/inner", "x");
    let fifo = sample.root.join("pipe");
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    );
    made.unwrap();
    let report = sample.report();
    let files: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| finding.file.as_str())
        .collect();
    assert_eq!(
        files,
        [
            "Readme",
            "a\\\\b",
            "absolute",
            "bad\\u{202e}",
            "dangling",
            "leaves",
            "pipe"
        ],
        "{:#?}",
        lines(&report)
    );
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.rule == Rule::File)
    );
}

#[test]
fn what_no_archive_would_have_is_not_looked_at() {
    let sample = Sample::clean()
        .with(".gitignore", "secret/\n")
        .with(".packignore", "*.log\nscratch.yaml\n")
        .with("secret/id_rsa", "x")
        .with("actions/scratch.yaml", "[")
        .with(".git/hooks/x.sh", "#!/bin/sh\r\n")
        .with("x.log", "#!/bin/sh\r\n");
    assert_eq!(lines(&sample.report()), Vec::<String>::new());
    let sample = sample.with(".packignore", "pack.yaml\n*.log\nscratch.yaml\n");
    assert_eq!(
        sample.broken(),
        BTreeSet::from(["P401"]),
        "no archive would be a pack"
    );
}

#[test]
fn only_private_keys_are_secrets_among_pem_files() {
    let sample = Sample::clean()
        .with("ca.pem", "-----BEGIN CERTIFICATE-----\n")
        .with(".env.example", "A=b\n");
    assert_eq!(lines(&sample.report()), Vec::<String>::new());
    let sample = sample
        .with("key.pem", "-----BEGIN RSA PRIVATE KEY-----\n")
        .with(".env", "A=b\n");
    let report = sample.report();
    let files: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| finding.file.as_str())
        .collect();
    assert_eq!(files, [".env", "key.pem"]);
}

#[test]
fn entry_points_are_found_where_either_ecosystem_has_them() {
    let of = |runner: &str, entry_point: &str| {
        Sample::clean()
            .with("actions/lib/tool.py", "x")
            .with("actions/workflows/flow.yaml", "version: 1.0\n")
            .with("workflows/top.yaml", "ref: demo.top\n")
            .with(
                "actions/run.yaml",
                format!("name: run\nrunner_type: {runner}\nentry_point: {entry_point}\n"),
            )
    };
    for (runner, entry_point) in [
        ("shell", "run.sh"),
        ("shell", "./run.sh"),
        ("shell", "actions/run.sh"),
        ("python-script", "lib/tool.py"),
        ("python", "lib/tool.py:main"),
        ("python", "lib.tool"),
        ("python", "lib.tool.main"),
        ("python", "lib/tool:main"),
        ("orquesta", "workflows/flow.yaml"),
        ("workflow", "top.yaml"),
        ("core.shell", "run.sh"),
        ("Python3", "lib/tool.py"),
        ("local-shell-cmd", "''"),
        ("http-request", "ignored"),
        ("noop", ""),
    ] {
        let sample = of(runner, entry_point);
        assert_eq!(
            lines(&sample.report()),
            Vec::<String>::new(),
            "{runner} {entry_point}"
        );
    }
    for (runner, entry_point, rule, hint) in [
        ("shell", "rnu.sh", "P207", "did you mean `actions/run.sh`?"),
        (
            "python",
            "tool.py",
            "P207",
            "there is `actions/lib/tool.py`",
        ),
        ("python", "/usr/bin/x", "P208", ""),
        ("python", "--version", "P208", ""),
        (
            "orquesta",
            "flow.yaml2",
            "P210",
            "did you mean `actions/workflows/flow.yaml`?",
        ),
        ("orquesta", "../../../flow.yaml", "P208", ""),
    ] {
        let report = of(runner, entry_point).report();
        let [finding] = &report.findings[..] else {
            panic!("{runner} {entry_point}: {:?}", lines(&report))
        };
        assert_eq!(finding.rule.id(), rule, "{runner} {entry_point}");
        assert_eq!(
            finding.hint.as_deref().unwrap_or_default(),
            hint,
            "{runner} {entry_point}"
        );
    }
}

#[test]
fn a_runner_that_the_pack_brings_or_asks_for_is_known() {
    let of = |runner: &str| {
        Sample::clean().with(
            "actions/run.yaml",
            format!("ref: demo.run\nruntime: {runner}\nentry_point: run.sh\n"),
        )
    };
    let report = of("pythn3").report();
    assert_eq!(
        report.findings[0].hint.as_deref(),
        Some("did you mean `python3`?")
    );
    assert_eq!(of("ruby").broken(), BTreeSet::from(["P211"]));
    let brought = of("ruby").with("runtimes/ruby.yaml", "ref: demo.ruby\n");
    assert_eq!(lines(&brought.report()), Vec::<String>::new());
    let asked = of("ruby").saying("runtime_deps: [ruby]\n");
    assert_eq!(
        asked.broken(),
        BTreeSet::from(["P116"]),
        "known, if not to every host"
    );
}

#[test]
fn merge_keys_are_fine_in_components() {
    let sample = Sample::clean().with(
        "rules/a.yaml",
        "base: &base {enabled: true}\nname: a\ncriteria:\n  <<: *base\n",
    );
    assert_eq!(lines(&sample.report()), Vec::<String>::new());
}

#[test]
fn tests_are_there_wherever_they_are_said_to_be() {
    let with = |testing: &str| {
        Sample::clean()
            .with_program("tests/run.sh", "#!/bin/sh\n")
            .saying(&format!("testing: {testing}\n"))
    };
    for fine in [
        "{runners: {a: {type: script, entry_point: ./tests/run.sh}}}",
        "{runners: {a: {type: unittest, entry_point: tests/}}}",
        "{enabled: false, runners: {a: {type: script, entry_point: tests/gone.sh}}}",
        "{discovery: {method: directory, path: tests}}",
        "{test_suites: [{name: s, runner: script, test_files: ['tests/*.sh']}]}",
        "{runners: {a: {type: command, command: [make, test]}}}",
        "{enabled: true}",
    ] {
        assert_eq!(lines(&with(fine).report()), Vec::<String>::new(), "{fine}");
    }
    for wrong in [
        "{runners: {a: {type: script, entry_point: tests/gone.sh}}}",
        "{discovery: {method: directory, path: test}}",
        "{test_suites: [{name: s, runner: script, test_files: [tests/gone.sh]}]}",
    ] {
        assert_eq!(with(wrong).broken(), BTreeSet::from(["P301"]), "{wrong}");
    }
}

#[test]
fn an_ignore_file_that_is_none_is_found_once() {
    let sample = Sample::clean();
    let fifo = sample.root.join(".packignore");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let report = lint(&sample.root, &PackOptions::default()).unwrap();
    let found: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.file == ".packignore")
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
}

/// What `pack.yaml` lists is held to the rules of components that have files, with places in it.
#[test]
fn listed_components_are_looked_at() {
    let sample = Sample::clean()
        .with("actions/plain.sh", "echo\n")
        .saying(concat!(
            "actions:\n",
            "  gone: {runner_type: shell, entry_point: gone.sh}\n",
            "  out: {runner_type: shell, entry_point: ../../out.sh}\n",
            "  plain:\n",
            "    runner_type: shell\n",
            "    entry_point: plain.sh\n",
            "  good: {runner_type: shell, entry_point: run.sh}\n",
            "  odd: {runner_type: pythn}\n",
            "  flow: {workflow_file: workflows/elsewhere.yaml}\n",
            "  demo.good: {ref: demo.good}\n",
            "sensors:\n",
            "  - {name: a, pack: other}\n",
            "  - ref: other.b\n",
            "triggers: [a, demo.a]\n",
            "rules:\n",
            "  - label: nameless\n",
            "workflows: {a: null}\n",
        ));
    let report = sample.report();
    assert_eq!(
        lines(&report),
        [
            "pack.yaml:8:43: error P207: entry point `gone.sh` is not there, neither in `actions` nor at the root of the pack",
            "pack.yaml:9:42: error P208: entry point `../../out.sh` leads out of the pack",
            "pack.yaml:12:18: warning P209: entry point `actions/plain.sh` is not executable (chmod +x actions/plain.sh)",
            "pack.yaml:14:22: warning P211: `runner_type` is `pythn`, which no ecosystem has (did you mean `python`?)",
            "pack.yaml:15:25: error P210: workflow `workflows/elsewhere.yaml` is not there",
            "pack.yaml:16:20: error P206: action `demo.good` is in `pack.yaml:13` already",
            "pack.yaml:18:21: error P205: its `pack` is `other`, but this is `demo`",
            "pack.yaml:19:10: error P205: the ref of the sensor is `other.b`, which is not of this pack (write `ref: demo.b`)",
            "pack.yaml:20:15: error P206: trigger `demo.a` is in `pack.yaml:20` already",
            "pack.yaml:22:5: error P204: the rule has neither a `ref` nor a `name`",
        ]
    );
    drop(sample.outer);
}
