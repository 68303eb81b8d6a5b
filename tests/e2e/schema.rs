//! `docs/schema/pack.schema.json` and the reader of manifests say the same of what both can judge.

use packd_format::manifest::{MAX_BYTES, Manifest, yaml};
use packd_tests::support::programs;

/// The checked-in schema, compiled.
fn schema() -> jsonschema::Validator {
    let path = programs::source().join("docs/schema/pack.schema.json");
    let schema = serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// What the schema says of a manifest.
fn judge(schema: &jsonschema::Validator, text: &str) -> Result<(), String> {
    let document = yaml::parse(text.as_bytes(), MAX_BYTES)
        .map_err(|error| error.to_string())?
        .to_json();
    schema
        .validate(&document)
        .map_err(|error| format!("{error} at {}", error.instance_path()))
}

/// A manifest with more lines.
fn with(lines: &str) -> String {
    format!("ref: demo\nversion: 1.0.0\n{lines}\n")
}

#[test]
fn manifests_that_are_read_fit_the_schema() {
    let schema = schema();
    let lines = [
        "",
        "label: Demo\ndescription: d\nauthor: a\nemail: e\nlicense: MIT\nhomepage: h\nrepository: r",
        "name: 17\ndescription: 1.10\nauthor: yes",
        "contributors: null\nkeywords: [a, 1.10, true]\ntags: 'a, b'",
        "python_versions: ['2', 3]\nstackstorm_version: '>=2.1.0, <3.0.0'",
        "python: 3.9\nnodejs: '>=18'\nruntime_deps: [shell, 'python3 >= 3.8', null]",
        "runtime_deps: native",
        "dependencies: [core, 'core@^1', 'core=1.2.3', 'https://e.org/x.git=main', {ref: b, version: 1.2}]",
        "dependencies: {attune_version: '>=0.1', python_version: 3.8, packs: [core@1.0.0]}",
        "dependencies: {core: ^1, slack: {version: 2}, jira:}",
        "dependencies: core",
        "dependencies:",
        "system: yes\nenabled: true",
        "system: {centos: [x]}",
        "conf_schema: {type: object}\nconfig: {a: 1}\nmeta: {category: c}\nmetadata: {x: 1}",
        "actions: {a: {entry_point: b}}\nsensors: [a, {name: b}]\nrules:",
        "testing: {enabled: true, runners: {a: {type: script, entry_point: ./tests/run.sh, timeout: 60}}, min_pass_rate: 0.9, on_failure: warn}",
        "testing: {runners: {a: {type: unittest, entry_point: tests/, result_format: junit-xml, result_path: out.xml}}}",
        "testing: {runners: {a: {type: command, command: make test}, b: {type: bash, entry_point: ., timeout: '5'}}}",
        "testing: {discovery: {method: directory, path: tests}, test_suites: [{name: a, runner: pytest, test_files: ['t/*.py'], timeout_seconds: 5}]}",
        "testing: {discovery: {method: manifest, tests: [{name: a, command: [make, test], timeout: 5}]}}",
        "unknown: [1]\nx-own: {a: b}",
    ];
    for line in lines {
        let text = with(line);
        assert_eq!(judge(&schema, &text), Ok(()), "{line}");
        let read = Manifest::parse(text.as_bytes());
        assert!(read.is_ok(), "{line}: {read:?}");
    }
    for version in [
        "1",
        "1.10",
        "v1.2.3",
        "'1.0.0-rc.1+b.2'",
        "0.1.1-boto3",
        "1.2-rc.1",
    ] {
        let text = format!("ref: demo\nversion: {version}\n");
        assert_eq!(judge(&schema, &text), Ok(()), "{version}");
        assert!(Manifest::parse(text.as_bytes()).is_ok(), "{version}");
    }
    for text in [
        "name : aws\nversion : 2.0.1\n",
        "ref: a\nname: A B\nversion: 1.0.0\n",
    ] {
        assert_eq!(judge(&schema, text), Ok(()), "{text}");
        assert!(Manifest::parse(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn manifests_that_are_refused_do_not_fit_the_schema() {
    let schema = schema();
    for text in [
        "- a\n",
        "version: 1.0.0\n",
        "ref: demo\n",
        "ref: Demo\nversion: 1.0.0\n",
        "ref: aws.ec2\nversion: 1.0.0\n",
        "ref: ../x\nversion: 1.0.0\n",
        "ref: [a]\nversion: 1.0.0\n",
        "name: A B\nversion: 1.0.0\n",
        "ref: demo\nversion: not-a-version\n",
        "ref: demo\nversion: 1.2.3.4\n",
        "ref: demo\nversion: 1.02.3\n",
        "ref: demo\nversion: -1\n",
        "ref: demo\nversion: {a: b}\n",
        "ref: demo\nversion:\n",
    ] {
        assert!(judge(&schema, text).is_err(), "{text}");
        assert!(Manifest::parse(text.as_bytes()).is_err(), "{text}");
    }
    for line in [
        "dependencies: [[core]]",
        "dependencies: [{version: 1}]",
        "dependencies: {Core: ^1}",
        "dependencies: {core: [1]}",
        "dependencies: [{ref: Core}]",
        "runtime_deps: {a: b}",
        "runtime_deps: [[a]]",
        "runtime_deps: ['>=3.8']",
        "runtime_deps: ['a b']",
        "system: maybe",
        "system: [a]",
        "testing: 7",
        "testing: {enabled: maybe}",
        "testing: {runners: [a]}",
        "testing: {runners: {a: {type: script}}}",
        "testing: {runners: {a: {entry_point: a}}}",
        "testing: {runners: {a: {type: script, entry_point: ../a}}}",
        "testing: {runners: {a: {type: script, entry_point: a/../../b}}}",
        "testing: {runners: {a: {type: script, entry_point: /bin/sh}}}",
        "testing: {runners: {a: {type: script, entry_point: --help}}}",
        "testing: {runners: {a: {type: script, entry_point: a, timeout: 0}}}",
        "testing: {runners: {a: {type: script, entry_point: a, timeout: 86401}}}",
        "testing: {runners: {a: {type: script, entry_point: a, result_format: xml}}}",
        "testing: {runners: {a: {type: script, entry_point: a, result_path: ../x}}}",
        "testing: {runners: {a: {type: sorcery, entry_point: a}}}",
        "testing: {runners: {a: {type: command, entry_point: a}}}",
        "testing: {runners: {a: {type: command, command: []}}}",
        "testing: {discovery: {method: magic}}",
        "testing: {discovery: {method: manifest, tests: [{command: a}]}}",
        "testing: {test_suites: [{name: a, runner: pytest}]}",
        "testing: {test_suites: [{name: a, runner: pytest, test_files: [../a]}]}",
        "testing: {min_pass_rate: 2}",
        "testing: {on_failure: maybe}",
    ] {
        let text = with(line);
        assert!(judge(&schema, &text).is_err(), "{line}");
        assert!(Manifest::parse(text.as_bytes()).is_err(), "{line}");
    }
}

/// What only describes is left out where it cannot be read, and lint says so; the schema is stricter.
#[test]
fn what_is_left_out_with_a_warning_does_not_fit_the_schema() {
    let schema = schema();
    for line in [
        "label: [x]",
        "keywords: {a: b}",
        "meta: [x]",
        "conf_schema: text",
        "python: [3]",
    ] {
        let text = with(line);
        assert!(judge(&schema, &text).is_err(), "{line}");
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.warnings.len(), 1, "{line}");
    }
}

/// The packs that packd shows itself with, and the corpus of the fuzzer.
#[test]
fn packs_that_are_there_fit_the_schema_if_they_are_read() {
    let schema = schema();
    let mut looked_at = 0;
    let demo = programs::source().join("packaging/demo");
    let corpus = programs::source().join("tests/fuzz/corpus/manifest");
    let demos = fs_err::read_dir(demo)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("pack.yaml"));
    let seeds = fs_err::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in demos.chain(seeds).filter(|path| path.is_file()) {
        let bytes = fs_err::read(&path).unwrap();
        if let (Ok(manifest), Ok(text)) = (Manifest::parse(&bytes), std::str::from_utf8(&bytes))
            && manifest
                .warnings
                .iter()
                .all(|warning| warning.contains("is read as"))
        {
            assert_eq!(judge(&schema, text), Ok(()), "{}", path.display());
            looked_at += 1;
        }
    }
    assert!(looked_at >= 10, "there are some: {looked_at}");
}
