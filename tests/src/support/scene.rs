//! A host as a page of the documentation describes it, and a reader who types what stands there.
//!
//! Pages name the folders of a real host, `/etc/packd` for one. Here these lie below a folder of the test: they are
//! replaced in what is typed, and put back in what is printed.

use std::{
    fmt::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use fs_err::os::unix::fs::symlink;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::{
    desk,
    page::{Mark, Page},
    process::{Ran, wait},
    programs,
    transcript::Said,
};

/// The folders of a host that pages speak of.
const FOLDERS: [&str; 6] = [
    "/etc/packd",
    "/run/packd",
    "/srv/packs",
    "/var/backups",
    "/var/lib/packd",
    "/var/lib/prometheus/node-exporter",
];

/// How long the reader of one page may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// What is there before the page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The programs, and an empty folder.
    Programs,
    /// A packd that knows a registry, and has installed nothing yet.
    Registry,
    /// A packd with packs, and with generations to go back to.
    Host,
}

impl Start {
    fn script(self) -> String {
        let parts: &[&str] = match self {
            Self::Programs => &[],
            Self::Registry => &["registry.sh"],
            Self::Host => &["registry.sh", "host.sh"],
        };
        let read = |part| fs_err::read_to_string(stand_ins().join(part)).unwrap();
        parts.iter().map(read).collect()
    }
}

/// Begins and ends what the script itself has to say, on a line of its own.
const SIGN: char = '\u{1e}';

/// Runs every block of shell of a page that is not marked, from top to bottom in one shell, and compares what is printed.
pub fn follow(page: &Page, start: Start) {
    let scene = Scene::new();
    let said: Vec<(usize, Said)> = page
        .blocks
        .iter()
        .filter(|block| block.is_shell() && block.mark == Mark::Plain)
        .flat_map(|block| Said::of(block).into_iter().map(|said| (block.line, said)))
        .collect();
    let mut script = format!(
        "shopt -s expand_aliases\nset -e\n{}set +e\n",
        scene.placed(&start.script())
    );
    for (number, (_, said)) in said.iter().enumerate() {
        let command = scene.placed(&said.command);
        writeln!(script, "printf '{SIGN}begin {number}\\n'\n{command}").unwrap();
        writeln!(script, "printf '{SIGN}end %s\\n' $?").unwrap();
        if let Some(socket) = background_socket(&command) {
            writeln!(script, "answers {socket}").unwrap();
        }
    }
    let printed = scene.type_in(&script);
    for (number, (line, said)) in said.iter().enumerate() {
        let place = format!("{}, the block in line {line}", page.name);
        let begin = format!("{SIGN}begin {number}\n");
        let (_, rest) = printed
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{place} was not reached; before it:\n{printed}"));
        let (output, rest) = rest.split_once(&format!("{SIGN}end ")).unwrap_or_else(|| {
            panic!(
                "{place}: a command ended the shell:\n{}\n{rest}",
                said.command
            )
        });
        let code = rest.lines().next().unwrap_or_default();
        assert!(
            (code == "0") != said.fails(),
            "{place}: `{}` ended with exit code {code}, and printed\n{output}\n--- packd said\n{}",
            said.command,
            scene.log(),
        );
        assert!(
            said.agrees(output, &scene.user),
            "{place}: `{}` does not print what the page shows, but\n{output}",
            said.command
        );
    }
}

/// The socket of a packd that a command leaves behind in the background: a reader waits until it answers.
fn background_socket(command: &str) -> Option<&str> {
    command.trim_end().strip_suffix('&')?;
    let mut words = command.split_whitespace();
    words.find(|word| *word == "--socket")?;
    words.next()
}

/// Programs and scripts of the host.
fn stand_ins() -> PathBuf {
    programs::source().join("tests/src/support/scene")
}

struct Scene {
    folder: TempDir,
    user: String,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("packd-page-")
            .tempdir()
            .unwrap();
        let root = folder.path();
        for name in FOLDERS {
            fs_err::create_dir_all(root.join(&name[1..])).unwrap();
        }
        fs_err::create_dir(root.join("etc/packd/conf.d")).unwrap();
        desk::set(root);
        symlink(programs::packd(), root.join("bin/packd")).unwrap();
        for name in ["systemctl", "answers"] {
            symlink(stand_ins().join(name), root.join("bin").join(name)).unwrap();
        }
        let user = Ran::of(Command::new("id").arg("-un"))
            .success()
            .stdout()
            .trim()
            .to_owned();
        Self { folder, user }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The text with the host's folders where they lie.
    fn placed(&self, text: &str) -> String {
        FOLDERS.iter().fold(text.to_owned(), |text, folder| {
            text.replace(folder, &format!("{}{folder}", self.root().display()))
        })
    }

    fn log(&self) -> String {
        fs_err::read_to_string(self.root().join("packd.log")).unwrap_or_default()
    }

    /// What a shell prints, with the host's folders as the page names them.
    fn type_in(&self, script: &str) -> String {
        let root = self.root();
        let file = root.join("page.sh");
        let paper = root.join("printed");
        fs_err::write(&file, script).unwrap();
        let printed = fs_err::File::create(&paper).unwrap().into_parts().0;
        let mut command = Command::new("bash");
        desk::seat(&mut command, root)
            .arg(&file)
            .current_dir(root.join("home"))
            .env("PAGE_ROOT", root)
            .env("PAGE_SOURCE", programs::source())
            .env("PACKD_SOCKET", root.join("run/packd/packd.sock"))
            .stdin(Stdio::null())
            .stdout(printed.try_clone().unwrap())
            .stderr(printed)
            .process_group(0);
        let mut child = command.spawn().unwrap();
        let group = Pid::from_child(&child);
        let ended = wait(&mut child, PATIENCE);
        // whatever the page left running
        let _gone_already = kill_process_group(group, Signal::KILL);
        let text = String::from_utf8_lossy(&fs_err::read(&paper).unwrap()).into_owned();
        assert!(
            ended.is_some(),
            "the page did not end within {PATIENCE:?}; it printed\n{text}"
        );
        text.replace(&root.join("home").display().to_string(), "/home/you")
            .replace(&root.display().to_string(), "")
    }
}
