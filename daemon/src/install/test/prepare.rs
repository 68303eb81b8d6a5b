//! What is made before the tests of a pack are run: a copy, folders, limits, a sandbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use packd_format::Manifest;
use packd_runner::{Cancel, Environment, Options};

use super::copy;
use crate::config::Tests;
use crate::sandbox::{self, Spec, User};

/// How long tests may take to end when they are asked to.
const GRACE: Duration = Duration::from_secs(1);

/// How much of each stream is kept, in bytes.
const OUTPUT: usize = 1024 * 1024;

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
        let user = User::of_tests();
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
        let readable = tests.readable.iter().map(PathBuf::from).collect();
        let writable = vec![pack.clone(), scratch.clone()];
        let mut spec = Spec::of_tests(tests, writable, readable, user);
        spec.network = network;
        let cancel = Cancel::new()?;
        let mut environment = Environment::with_path(sandbox::usable_path(path, &spec));
        if network {
            environment = environment.with_network();
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
