//! What is made before the tests of a pack are run: a copy, folders, limits, a sandbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use packd_format::Manifest;
use packd_runner::{Cancel, Environment, Options};

use super::{copy, user};
use crate::config::Tests;
use crate::sandbox::{self, Limits, Spec};

/// How long tests may take to end when they are asked to.
const GRACE: Duration = Duration::from_secs(1);

/// How much of each stream is kept, in bytes.
const OUTPUT: usize = 1024 * 1024;

/// Processes and threads beside those that the user has already.
const PROCESSES: u64 = 128;

/// Open files of each process.
const FILES: u64 = 256;

/// Seconds of a processor for each process.
const CPU: u64 = 120;

/// The largest file, in bytes.
const FILE: u64 = 256 * 1024 * 1024;

/// All that a run needs.
pub(super) struct Prepared {
    /// The copy.
    pub(super) pack: PathBuf,
    /// How the run is done.
    pub(super) options: Options,
    /// Ends it.
    pub(super) cancel: Cancel,
}

impl Prepared {
    /// Makes the copy and the folders. Blocks.
    pub(super) fn make(
        folder: &Path,
        tree: &Path,
        path: &std::ffi::OsStr,
        tests: &Tests,
        manifest: &Manifest,
    ) -> std::io::Result<Self> {
        let user = user::of_tests();
        // what an attempt that was killed left there
        packd_format::tree::remove(folder).map_err(std::io::Error::other)?;
        copy::make_folder(folder, 0o711, None)?;
        let (pack, scratch) = (folder.join("pack"), folder.join("scratch"));
        copy::make_folder(&scratch, 0o711, user)?;
        copy::copy(tree, &pack, user)?;

        let pack = fs_err::canonicalize(pack)?;
        let scratch = fs_err::canonicalize(scratch)?;
        // elsewhere a list without patterns lets everything through
        let trusted = !tests.network_for.as_slice().is_empty()
            && tests.network_for.allows(manifest.pack_ref.as_str());
        let network = tests.network || trusted;
        let uid = user.map_or_else(
            || rustix::process::geteuid().as_raw(),
            |user: sandbox::User| user.uid,
        );
        let spec = Spec {
            level: tests.sandbox,
            network,
            writable: vec![pack.clone(), scratch.clone()],
            readable: tests.readable.iter().map(PathBuf::from).collect(),
            user,
            limits: Limits {
                memory: tests.memory.bytes(),
                file: FILE.min(tests.disk.bytes()),
                files: FILES,
                processes: PROCESSES + sandbox::processes_of(uid),
                cpu: CPU,
            },
            namespaces: Vec::new(),
        };
        let cancel = Cancel::new()?;
        let mut environment = Environment::with_path(sandbox::usable_path(path, &spec));
        if network {
            // names are asked for over TCP, since nothing else is let through
            let option = ("RES_OPTIONS".into(), "use-vc".into());
            environment.extra.push(option);
        }
        let mut options = Options::new(jiff::Timestamp::now(), environment, scratch);
        options.total = Some(tests.timeout);
        options.cancel = Some(cancel.clone());
        options.grace = GRACE;
        options.output_limit = OUTPUT;
        options.sandbox = Some(sandbox::before(&spec));
        Ok(Self {
            pack,
            options,
            cancel,
        })
    }
}
