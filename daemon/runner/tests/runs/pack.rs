//! A pack in a folder of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use packd_format::Manifest;
use packd_runner::{Environment, Options, Report, RunError, TestSuite, run};

pub(crate) struct Pack {
    folder: tempfile::TempDir,
    testing: String,
    pub(crate) options: Options,
}

impl Pack {
    /// A pack with this `testing` section.
    pub(crate) fn new(testing: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join("scratch");
        fs_err::create_dir(&scratch).unwrap();
        let environment = Environment::with_path(env!("PATH"));
        let mut options = Options::new(Timestamp::UNIX_EPOCH, environment, scratch);
        options.grace = Duration::from_millis(200);
        fs_err::create_dir(folder.path().join("pack")).unwrap();
        Self {
            folder,
            testing: testing.to_owned(),
            options,
        }
    }

    /// A pack with one script as its runner, and what the script does.
    pub(crate) fn script(body: &str) -> Self {
        Self::new("runners: {shell: {type: script, entry_point: tests/run.sh}}")
            .file("tests/run.sh", body)
    }

    /// The same with another format of results.
    pub(crate) fn printing(format: &str, text: &str) -> Self {
        Self::new(&format!(
            "runners: {{shell: {{type: script, entry_point: tests/run.sh, result_format: {format}}}}}"
        ))
        .file("tests/run.sh", &format!("cat <<'END'\n{text}\nEND\n"))
    }

    /// The same with another section.
    pub(crate) fn testing(mut self, testing: &str) -> Self {
        testing.clone_into(&mut self.testing);
        self
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("pack")
    }

    /// What is left of the suites' own folders.
    pub(crate) fn left_behind(&self) -> usize {
        fs_err::read_dir(&self.options.scratch).unwrap().count()
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.root().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
        self
    }

    pub(crate) fn executable(self, path: &str, text: &str) -> Self {
        let pack = self.file(path, text);
        let path = pack.root().join(path);
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        pack
    }

    pub(crate) fn link(self, path: &str, target: &Path) -> Self {
        fs_err::os::unix::fs::symlink(target, self.root().join(path)).unwrap();
        self
    }

    pub(crate) fn try_run(&self) -> Result<Report, RunError> {
        let text = self.testing.replace('\n', "\n  ");
        let text = format!("ref: demo\nversion: 1.2.3\ntesting:\n  {text}\n");
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        run(&self.root(), &manifest, &self.options, &mut |_| ())
    }

    pub(crate) fn run(&self) -> Report {
        let report = self.try_run().unwrap();
        assert_eq!(self.left_behind(), 0, "the suites' own folders are gone");
        for suite in &report.test_suites {
            assert!(
                suite.passed + suite.failed + suite.skipped <= suite.total,
                "no suite has more results than tests: {suite:?}"
            );
        }
        report
    }

    /// The only suite of a run.
    pub(crate) fn suite(&self) -> TestSuite {
        let mut suites = self.run().test_suites;
        assert_eq!(suites.len(), 1, "there is one suite");
        suites.remove(0)
    }
}

/// Total, passed, failed and skipped.
pub(crate) fn counts(suite: &TestSuite) -> [u64; 4] {
    [suite.total, suite.passed, suite.failed, suite.skipped]
}

/// What is wrong with a suite as a whole.
pub(crate) fn problem(suite: &TestSuite) -> &str {
    suite.error_message.as_deref().unwrap_or_default()
}
