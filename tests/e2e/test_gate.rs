//! The tests of packs as a gate, and what is remembered of them.

use packd_tests::{Format, PackTree, Packd, Request, Settings, Site};
use packd_wire::{
    ErrorKind, EventKind, JobStatus, JobView, SearchList, StepName, TestList, TestStatus,
    TestTrigger, TestView,
};
use serde_json::json;

/// A pack whose tests print and end as this script says.
fn pack(version: &str, section: &str, script: &str) -> PackTree {
    PackTree::new("demo", version)
        .saying(&format!(
            "ref: demo\nversion: {version}\ntesting: {{{section}runners: {{shell: {{type: script, entry_point: run.sh}}}}}}\n"
        ))
        .file("run.sh", script)
}

const PASSING: &str = "echo Total Tests: 2; echo Passed: 2; echo Failed: 0\n";
const FAILING: &str = "echo Total Tests: 10; echo Passed: 9; echo Failed: 1; exit 1\n";

/// What comes of a pack that is sent as an archive.
pub(crate) fn install(packd: &Packd, pack: &PackTree, flags: &[&str]) -> JobView {
    let folder = packd.state_dir().with_file_name("archives");
    fs_err::create_dir_all(&folder).unwrap();
    let archive = pack.archive(Format::TarGz);
    archive.write_to(&folder);
    let path = folder.join(archive.name);
    let mut words = vec!["-j", "install", path.to_str().unwrap()];
    words.extend(flags);
    packd.ctl(words).job()
}

fn results(packd: &Packd) -> Vec<TestView> {
    packd
        .get("/v1/packs/demo/tests")
        .expect(200)
        .json::<TestList>()
        .tests
}

#[test]
fn tests_that_pass_let_a_pack_in_and_the_result_is_kept() {
    let packd = Packd::start(&Settings::new());
    let job = install(&packd, &pack("1.0.0", "", PASSING), &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let steps: Vec<_> = job.steps.iter().map(|step| step.name).collect();
    assert_eq!(
        steps[steps.len() - 3..],
        [StepName::Check, StepName::Test, StepName::Activate]
    );
    let result = &results(&packd)[0];
    assert_eq!(
        (result.status, result.trigger, result.total, result.passed),
        (TestStatus::Passed, TestTrigger::Install, 2, 2)
    );
    assert_eq!(result.job, job.id);
    let shown = &packd.packs()[0];
    assert_eq!(
        (shown.tests.status, shown.tests.id),
        (TestStatus::Passed, Some(result.id))
    );
    assert_eq!(shown.tests.total, 2);
    assert_eq!((shown.quality.installs, shown.quality.tests_passed), (1, 1));
    packd
        .ctl(["show", "demo"])
        .success()
        .says("passed, 2 of 2, install");
    let events = packd.wait_for(job.id, |event| event.kind == EventKind::JobSucceeded);
    let testing: Vec<_> = events
        .iter()
        .filter(|event| event.kind == EventKind::Testing)
        .collect();
    assert_eq!(
        testing[0].data,
        json!({"suite": "shell", "number": 1, "of": 1})
    );
    assert_eq!(testing[1].data["passed"], 2);
}

#[test]
fn tests_that_fail_keep_a_pack_out_and_the_version_before_stays() {
    let packd = Packd::start(&Settings::new());
    install(&packd, &pack("1.0.0", "", PASSING), &[]);
    let link = packd.current_link();
    let job = install(&packd, &pack("2.0.0", "", FAILING), &[]);
    assert_eq!(job.status, JobStatus::Failed);
    let error = job.error.unwrap();
    assert_eq!(
        (error.kind, error.step),
        (ErrorKind::TestsFailed, Some(StepName::Test))
    );
    assert_eq!(
        error.detail,
        "the tests of `demo` 2.0.0 failed: 9 of 10 passed, 1 failed"
    );
    assert!(error.hint.unwrap().contains("--force"));
    assert_eq!(packd.active(), ["demo 1.0.0"]);
    assert_eq!(packd.current_link(), link);
    let result = &results(&packd)[0];
    assert_eq!(
        (
            result.status,
            result.trigger,
            result.version.as_str(),
            result.gate.as_str()
        ),
        (TestStatus::Failed, TestTrigger::Update, "2.0.0", "block")
    );
    assert_eq!(
        packd.packs()[0].tests.status,
        TestStatus::Passed,
        "of the active tree"
    );
    packd
        .ctl(["tests", "demo"])
        .success()
        .says("9/10")
        .says("2/2");
}

#[test]
fn force_activates_with_a_warning_and_skipping_is_recorded() {
    let packd = Packd::start(&Settings::new());
    let job = install(&packd, &pack("1.0.0", "", FAILING), &["--force"]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(
        job.warnings,
        [
            "the tests of `demo` 1.0.0 failed: 9 of 10 passed, 1 failed, and it is installed by force"
        ]
    );
    assert_eq!(packd.packs()[0].tests.status, TestStatus::Failed);

    let job = install(&packd, &pack("2.0.0", "", "exit 1\n"), &["--skip-tests"]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let step = job
        .steps
        .iter()
        .find(|step| step.name == StepName::Test)
        .unwrap();
    assert_eq!(step.message.as_deref(), Some("skipped, as asked"));
    assert_eq!(packd.packs()[0].tests.status, TestStatus::Skipped);
    assert_eq!(results(&packd).len(), 1, "nothing was run");
    packd
        .ctl(["show", "demo"])
        .success()
        .says("skipped when it was installed");
}

#[test]
fn what_a_failure_means_is_for_the_pack_to_say() {
    for (section, expected, warns, status) in [
        (
            "on_failure: warn, ",
            JobStatus::Succeeded,
            true,
            TestStatus::Failed,
        ),
        (
            "on_failure: ignore, ",
            JobStatus::Succeeded,
            false,
            TestStatus::Failed,
        ),
        (
            "on_failure: block, ",
            JobStatus::Failed,
            false,
            TestStatus::Failed,
        ),
        (
            "min_pass_rate: 0.8, ",
            JobStatus::Succeeded,
            false,
            TestStatus::Failed,
        ),
        (
            "min_pass_rate: 0.95, ",
            JobStatus::Failed,
            false,
            TestStatus::Failed,
        ),
    ] {
        let packd = Packd::start(&Settings::new());
        let job = install(&packd, &pack("1.0.0", section, FAILING), &[]);
        assert_eq!(job.status, expected, "{section}: {job:#?}");
        assert_eq!(
            !job.warnings.is_empty(),
            warns,
            "{section}: {:?}",
            job.warnings
        );
        assert_eq!(results(&packd)[0].status, status, "{section}");
    }
}

#[test]
fn verdicts_are_those_of_packctl_test() {
    for (script, good) in [
        ("echo Total Tests: 3; echo Passed: 3; exit 1\n", false),
        ("echo Total Tests: 10; echo Passed: 3\n", false),
        ("echo Total Tests: 0; echo Passed: 0\n", false),
        (
            "printf 'Total Tests: \\033[1m2\\033[0m\\nPassed: \\033[32m2\\033[0m\\n'\n",
            true,
        ),
        ("exit 0\n", true),
        ("exit 3\n", false),
    ] {
        let packd = Packd::start(&Settings::new());
        let pack = pack("1.0.0", "", script);
        let job = install(&packd, &pack, &[]);
        assert_eq!(
            job.status == JobStatus::Succeeded,
            good,
            "{script}: {job:#?}"
        );
        let folder = packd.state_dir().with_file_name("folder");
        fs_err::create_dir(&folder).unwrap();
        fs_err::write(folder.join("pack.yaml"), pack.manifest()).unwrap();
        fs_err::write(folder.join("run.sh"), script).unwrap();
        let ran = packd.ctl(["test", folder.to_str().unwrap()]);
        assert_eq!(ran.code() == Some(0), good, "{script}");
    }
}

#[test]
fn packs_without_tests_are_let_in_unless_tests_are_required() {
    let none = PackTree::new("demo", "1.0.0");
    let off = PackTree::new("demo", "1.0.0")
        .saying("ref: demo\nversion: 1.0.0\ntesting: {enabled: false, runners: {s: {type: script, entry_point: x.sh}}}\n");
    for pack in [&none, &off] {
        let packd = Packd::start(&Settings::new());
        assert_eq!(install(&packd, pack, &[]).status, JobStatus::Succeeded);
        assert_eq!(packd.packs()[0].tests.status, TestStatus::Untested);
        let answer = packd.get("/v1/packs/demo/tests/latest");
        assert_eq!(answer.expect(404).problem().kind, ErrorKind::TestsNotFound);

        let packd = Packd::start(&Settings::new().set("tests.required", true));
        let error = install(&packd, pack, &[]).error.unwrap();
        assert_eq!(error.kind, ErrorKind::TestsFailed, "{error:?}");
        assert!(packd.active().is_empty());
    }
    let packd = Packd::start(&Settings::new().set("tests.run", false));
    let job = install(&packd, &pack("1.0.0", "", "exit 1\n"), &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "tests are switched off");
    assert_eq!(packd.packs()[0].tests.status, TestStatus::Untested);
}

#[test]
fn the_tests_of_an_installed_pack_can_be_run_and_compared() {
    let packd = Packd::start(&Settings::new());
    // what the tests find is the same each time but for what the first line of a file says
    let script = "cat results.json\n";
    let results_of = |second: &str| {
        json!({"packRef": "demo", "status": "passed", "totalTests": 2, "passed": 2, "failed": 0, "skipped": 0,
            "testSuites": [{"name": "s", "total": 2, "passed": 2, "failed": 0, "skipped": 0, "testCases": [
                {"name": "first", "status": "passed"}, {"name": second, "status": "passed"}]}]})
        .to_string()
    };
    let made = |version: &str, second: &str| {
        PackTree::new("demo", version)
            .saying(&format!(
                "ref: demo\nversion: {version}\ntesting: {{runners: {{shell: {{type: script, entry_point: run.sh, result_format: json}}}}}}\n"
            ))
            .file("run.sh", script)
            .file("results.json", results_of(second))
    };
    install(&packd, &made("1.0.0", "second"), &[]);
    packd
        .ctl(["test", "demo"])
        .success()
        .says("the tests of demo are good");
    let all = results(&packd);
    assert_eq!(all.len(), 2);
    assert_eq!(
        all[0].trigger,
        TestTrigger::Manual,
        "the newest is the first"
    );
    packd
        .ctl(["tests", "demo", "--diff"])
        .success()
        .says("every test has the same result");
    install(&packd, &made("2.0.0", "third"), &[]);
    packd
        .ctl(["tests", "demo", "--diff"])
        .success()
        .says("third: not there -> passed")
        .says("second: passed -> not there");

    let validation = packd.post(
        "/v1/packs/demo/test?wait=60",
        &json!({"trigger": "validation"}),
    );
    let job: JobView = validation.expect(200).json();
    assert_eq!((job.status, job.changed), (JobStatus::Succeeded, false));
    let latest: TestView = packd.get("/v1/packs/demo/tests/latest").expect(200).json();
    assert_eq!(latest.trigger, TestTrigger::Validation);
    assert!(latest.report.is_some(), "the latest is shown whole");
    let page: TestList = packd.get("/v1/packs/demo/tests?limit=1").expect(200).json();
    assert_eq!((page.tests.len(), page.next), (1, Some(latest.id)));
    let refused = packd.ask(&Request::post(
        "/v1/packs/demo/test",
        &json!({"trigger": "install"}),
    ));
    refused.expect(400);
}

#[test]
fn the_tests_of_an_installed_pack_fail_whatever_it_says_about_that() {
    let packd = Packd::start(&Settings::new());
    install(&packd, &pack("1.0.0", "on_failure: ignore, ", FAILING), &[]);
    packd
        .ctl(["test", "demo"])
        .failure(1)
        .says("9 of 10 passed, 1 failed");
    packd
        .ctl(["test", "nobody"])
        .failure(3)
        .says("`nobody` is not installed");
    install(&packd, &PackTree::new("plain", "1.0.0"), &[]);
    packd
        .ctl(["test", "plain"])
        .failure(1)
        .says("it brings no tests");
}

#[test]
fn how_versions_fared_is_counted_and_shown() {
    let good = PackTree::new("demo", "1.0.0");
    let mut site = Site::serving([&good]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "demo"]).success();
    packd.ctl(["install", "demo", "--force"]).success();
    site.offer(&pack("2.0.0", "", FAILING));
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "demo@2.0.0"]).failure(1);
    let quality = packd.packs()[0].quality;
    assert_eq!((quality.installs, quality.failures), (2, 0));
    let found: SearchList = packd.get("/v1/search?q=demo").expect(200).json();
    let quality = found.packs[0].quality.unwrap();
    assert_eq!(
        (quality.installs, quality.failures, quality.tests_failed),
        (0, 1, 1)
    );
}
