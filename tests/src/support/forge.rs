//! A forge with repositories, and a runner for its pipelines: what a CI system does with a repository, as far
//! as the steps of a pipeline can see it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{desk, page::Block, process::Ran};

/// Repositories below one folder, and a home for those who work on them.
#[derive(Debug)]
pub struct Forge {
    folder: TempDir,
}

/// One repository at one commit, as a pipeline gets it.
#[derive(Debug, Clone, Copy)]
pub struct Checkout<'a> {
    /// `OWNER/NAME`
    pub repository: &'a str,
    /// The branch or tag that was pushed.
    pub pushed: &'a str,
}

impl Default for Forge {
    fn default() -> Self {
        Self::new()
    }
}

impl Forge {
    /// A forge without repositories.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("packd-forge-")
            .tempdir()
            .unwrap();
        let forge = Self { folder };
        desk::set(forge.folder.path());
        fs_err::create_dir(forge.folder.path().join("work")).unwrap();
        forge
    }

    /// A new folder to work in.
    #[must_use]
    pub fn workspace(&self) -> PathBuf {
        tempfile::Builder::new()
            .tempdir_in(self.folder.path().join("work"))
            .unwrap()
            .keep()
    }

    /// Where a repository lies; a URL as good as any.
    #[must_use]
    pub fn url(&self, repository: &str) -> String {
        format!("file://{}", self.bare(repository).display())
    }

    fn bare(&self, repository: &str) -> PathBuf {
        self.folder.path().join(format!("{repository}.git"))
    }

    /// Runs a script in a folder; it must succeed.
    pub fn sh(&self, folder: &Path, script: &str) {
        self.shell("bash", folder, script, &[]);
    }

    fn shell(&self, shell: &str, folder: &Path, script: &str, more: &[(&str, &str)]) {
        let mut command = Command::new(shell);
        desk::seat(&mut command, self.folder.path())
            .args(["-e", "-c", script])
            .current_dir(folder)
            .envs(more.iter().copied());
        Ran::of(&mut command).success();
    }

    /// Makes a repository of a folder, with everything in it as one commit on `main`, and these tags.
    pub fn publish(&self, repository: &str, folder: &Path, tags: &[&str]) {
        let tags: Vec<String> = tags.iter().map(|tag| format!("git tag {tag}")).collect();
        let tags = tags.join("\n");
        let bare = self.bare(repository);
        self.sh(
            folder,
            &format!(
                "test -d .git || git init --quiet --initial-branch main\n\
                 git add --all\n\
                 git diff --cached --quiet || git commit --quiet --message 'The next state'\n\
                 {tags}\n\
                 test -d '{bare}' || git init --quiet --bare --initial-branch main '{bare}'\n\
                 git push --quiet --tags '{bare}' main",
                bare = bare.display()
            ),
        );
    }

    /// Clones what a repository has by now.
    #[must_use]
    pub fn clone_of(&self, repository: &str, at: &str) -> PathBuf {
        let folder = self.workspace().join("clone");
        self.clone_into(repository, at, &folder);
        folder
    }

    fn clone_into(&self, repository: &str, at: &str, folder: &Path) {
        self.sh(
            self.folder.path(),
            &format!(
                "git clone --quiet --branch '{at}' '{}' '{}'",
                self.url(repository),
                folder.display()
            ),
        );
    }

    /// Runs the jobs of a workflow of GitHub.
    pub fn github(&self, workflow: &Block, pushed: Checkout<'_>) {
        let workflow = yaml(workflow);
        for (_, job) in workflow["jobs"].as_object().unwrap() {
            // each job has a machine of its own there: `git config --global` of one is not seen by another
            let (workspace, home) = (self.workspace(), self.workspace());
            for step in job["steps"].as_array().unwrap() {
                match (step["uses"].as_str(), step["run"].as_str()) {
                    (Some(action), None) => {
                        assert!(action.starts_with("actions/checkout@"), "{action}");
                        let with = &step["with"];
                        let folder = workspace.join(with["path"].as_str().unwrap_or("."));
                        match with["repository"].as_str() {
                            Some(other) => self.clone_into(other, "main", &folder),
                            None => self.clone_into(pushed.repository, pushed.pushed, &folder),
                        }
                    }
                    (None, Some(script)) => {
                        let server = format!("file://{}", self.folder.path().display());
                        let known = [
                            ("HOME", home.to_str().unwrap()),
                            ("GITHUB_SERVER_URL", server.as_str()),
                            ("GITHUB_REPOSITORY", pushed.repository),
                            ("GITHUB_REF_NAME", pushed.pushed),
                        ];
                        self.shell("bash", &workspace, script, &known);
                    }
                    other => panic!("a step uses something or runs something: {other:?}"),
                }
            }
        }
    }

    /// Runs the jobs of a pipeline of GitLab, for a tag. `registry` is what `REGISTRY_URL` leads to.
    pub fn gitlab(&self, pipeline: &Block, pushed: Checkout<'_>, registry: &str) {
        let pipeline = yaml(pipeline);
        let stages = pipeline["stages"].as_array().unwrap();
        for stage in stages {
            let jobs = pipeline.as_object().unwrap().values();
            for job in jobs.filter(|job| job["stage"] == *stage) {
                let lines = job["script"].as_array().unwrap().iter();
                let script: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
                let project = self.url(pushed.repository);
                let known = [
                    ("CI_COMMIT_TAG", pushed.pushed),
                    ("CI_PROJECT_URL", project.trim_end_matches(".git")),
                    ("REGISTRY_URL", &self.url(registry)),
                ];
                let folder = self.clone_of(pushed.repository, pushed.pushed);
                self.shell("bash", &folder, &script.join("\n"), &known);
            }
        }
    }

    /// Runs the shell steps of a pipeline of Jenkins, for a tag. `registry` is what `REGISTRY_URL` leads to.
    pub fn jenkins(&self, pipeline: &Block, pushed: Checkout<'_>, registry: &str) {
        let folder = self.clone_of(pushed.repository, pushed.pushed);
        let temporary = self.workspace();
        let steps: Vec<&str> = pipeline.text.split("'''").skip(1).step_by(2).collect();
        assert!(!steps.is_empty(), "the pipeline has steps");
        for step in steps {
            let known = [
                ("TAG_NAME", pushed.pushed),
                ("WORKSPACE_TMP", temporary.to_str().unwrap()),
                ("REGISTRY_URL", &self.url(registry)),
            ];
            self.shell("sh", &folder, step, &known);
        }
    }
}

fn yaml(block: &Block) -> Value {
    assert_eq!(block.language, "yaml");
    serde_yaml::from_str(&block.text).unwrap()
}
