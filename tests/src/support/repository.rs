//! A git repository made for a test, by the git program.

use std::{
    fmt::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{packs::PackTree, process::Ran, tree::Tree};

/// A working copy with its history.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    name: String,
}

impl Repository {
    /// An empty repository on branch `main`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("packd-repository-")
            .tempdir()
            .unwrap();
        fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let repository = Self {
            folder,
            name: name.to_owned(),
        };
        repository.git(["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// One with a pack in each of these versions, each a commit with a tag `v<version>`.
    #[must_use]
    pub fn of<'a>(packs: impl IntoIterator<Item = &'a PackTree>) -> Self {
        let mut packs = packs.into_iter().peekable();
        let name = packs.peek().map_or("empty", |pack| pack.name()).to_owned();
        let repository = Self::new(&name);
        for pack in packs {
            repository.commit(pack);
            repository.tag(&format!("v{}", pack.version()));
        }
        repository
    }

    /// What it is called where it is served, without `.git`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The working copy.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces everything by the tree of a pack, and commits it; the number of the commit.
    pub fn commit(&self, pack: &PackTree) -> String {
        for entry in fs_err::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() == ".git" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                fs_err::remove_dir_all(entry.path()).unwrap();
            } else {
                fs_err::remove_file(entry.path()).unwrap();
            }
        }
        pack.write_to(self.path());
        self.commit_all(&format!("{} {}", pack.name(), pack.version()))
    }

    /// Writes a file, without a commit.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    /// Commits what there is; the number of the commit.
    pub fn commit_all(&self, message: &str) -> String {
        self.git(["add", "--all", "--force"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self.commit_of("HEAD")
    }

    /// Tags what is checked out, with an annotated tag.
    pub fn tag(&self, name: &str) {
        self.git(["tag", "--force", "--annotate", "--message", name, name]);
    }

    /// Begins a branch, and checks it out.
    pub fn branch(&self, name: &str) {
        self.git(["checkout", "--quiet", "-B", name]);
    }

    /// Checks something out.
    pub fn checkout(&self, name: &str) {
        self.git(["checkout", "--quiet", name]);
    }

    /// Puts so many commits onto the branch `main`, each of which changes one of a hundred small files.
    pub fn grow(&self, commits: usize) {
        let mut history = String::new();
        for number in 0..commits {
            let from = if number == 0 {
                "from refs/heads/main^0\n"
            } else {
                ""
            };
            let message = format!("change {number}");
            let content = format!("{number}\n").repeat(40);
            write!(
                history,
                "commit refs/heads/main\ncommitter A <a@example.org> {number} +0000\ndata {}\n{message}\n{from}\
                 M 100644 inline history/{}\ndata {}\n{content}\n",
                message.len(),
                number % 100,
                content.len(),
            )
            .unwrap();
        }
        let stream = self.path().join(".git/history");
        fs_err::write(&stream, history).unwrap();
        let script = format!(
            "alias.load=!git fast-import --quiet < '{}'",
            stream.display()
        );
        self.git(["-c", &script, "load"]);
        fs_err::remove_file(stream).unwrap();
        self.git(["reset", "--quiet", "--hard"]);
    }

    /// The number of a commit.
    #[must_use]
    pub fn commit_of(&self, name: &str) -> String {
        let spec = format!("{name}^{{commit}}");
        self.git(["rev-parse", &spec])
    }

    /// What `git archive NAME | tar x` makes: the second opinion.
    #[must_use]
    pub fn archived(&self, name: &str) -> Tree {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("archive.tar");
        let root = folder.path().join("root");
        fs_err::create_dir(&root).unwrap();
        self.git(["archive", "--output", file.to_str().unwrap(), name]);
        let mut command = Command::new("tar");
        command.arg("xf").arg(&file).arg("-C").arg(&root);
        Ran::of(&mut command).success();
        Tree::of(&root)
    }

    /// Publishes everything in a folder, as `<name>.git`; what was published before and is gone here goes there.
    pub fn publish(&self, folder: &Path) -> PathBuf {
        let bare = folder.join(format!("{}.git", self.name));
        if !bare.exists() {
            self.git([
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                bare.to_str().unwrap(),
            ]);
        }
        self.git(["push", "--quiet", "--mirror", bare.to_str().unwrap()]);
        bare
    }

    /// Runs git in it, and insists that it succeeds; what it printed.
    pub fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        let mut command = git();
        command.arg("-C").arg(self.path()).args(arguments);
        let ran = Ran::of(&mut command);
        ran.success();
        ran.stdout().trim().to_owned()
    }
}

/// The git program, with nobody's configuration.
#[must_use]
pub fn git() -> Command {
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.org")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.org");
    command
}
