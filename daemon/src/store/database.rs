//! SQLite behind two threads: one that writes, one that reads.
//!
//! Async code hands a closure over and awaits its result. A write is one
//! transaction, on disk (`synchronous=FULL`) when the call returns. What shall
//! happen only when the commit succeeded, such as telling subscribers of an
//! event, is given to [`Tx::after_commit`] and runs on the writer thread, so
//! that everybody sees commits in the same order.

use std::cell::RefCell;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::ops::Deref;
use std::os::unix::fs::{FileExt as _, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fs_err::os::unix::fs::OpenOptionsExt;
use packd_wire::DegradedView;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

use super::degraded::Marker;
use super::error::is_no_space;
use super::integrity::{self, Depth, Unread};
use super::numbers::{self, Ledger, Numbers};
use super::{StoreError, reserve, schema};
use crate::fault;
use crate::logging::chain;

/// How many tasks may wait at each thread; more wait in their callers.
const WAITING: usize = 256;

type Task = Box<dyn FnOnce(&mut Connection) + Send>;
type AfterCommit = Box<dyn FnOnce() + Send>;

/// A handle to the database; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    writer: mpsc::Sender<Task>,
    reader: mpsc::Sender<Task>,
    packs_version: watch::Sender<u64>,
    path: Arc<Path>,
    marker: Marker,
    /// Only the writer thread takes it.
    ledger: Arc<Mutex<Ledger>>,
    /// Whether most of it was not looked at yet since the start.
    is_unread: Arc<AtomicBool>,
}

/// The threads behind a [`Database`]; joined when every handle is gone.
#[derive(Debug)]
pub(crate) struct Threads {
    handles: Vec<JoinHandle<()>>,
    /// Where the database is, if it goes with them.
    folder: Option<TempDir>,
}

/// A transaction on the writer thread.
#[derive(Debug)]
pub(crate) struct Tx<'c> {
    transaction: Transaction<'c>,
    hooks: RefCell<Hooks>,
}

#[derive(Default)]
struct Hooks {
    after_commit: Vec<AfterCommit>,
    packs_changed: bool,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("after_commit", &self.after_commit.len())
            .finish_non_exhaustive()
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Transaction<'c>;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

impl Tx<'_> {
    /// Runs `hook` on the writer thread once the transaction is on disk, and never if it fails.
    pub(crate) fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.borrow_mut().after_commit.push(Box::new(hook));
    }

    /// Says that the list of packs, as the API shows it, is different after this transaction.
    pub(crate) fn packs_changed(&self) {
        self.hooks.borrow_mut().packs_changed = true;
    }
}

impl Database {
    /// Opens or creates the database and starts its threads.
    ///
    /// Blocks; call it before the runtime starts or off its threads.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::JournalMode`], [`StoreError::Newer`]: final.
    #[cfg(test)]
    pub(crate) fn open(path: &Path) -> Result<(Self, Threads), StoreError> {
        let marker = Marker::load(path.parent().unwrap_or(path));
        Self::open_marked(path, marker, Depth::Quick)
    }

    /// The same, with the mark that says that it was lost or is damaged, and is set when it turns out to be.
    ///
    /// # Errors
    /// The same; [`StoreError::is_damage`] of those that say that it is damaged.
    pub(super) fn open_marked(
        path: &Path,
        marker: Marker,
        depth: Depth,
    ) -> Result<(Self, Threads), StoreError> {
        make_private(path)?;
        let mut writing = connect(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )?;
        let unread = integrity::check_at_start(&writing, depth).map_err(StoreError::open(path))?;
        schema::migrate(&mut writing, path)?;
        integrity::check_active(&writing).map_err(StoreError::open(path))?;
        let numbers = go_on(&mut writing, &marker).map_err(StoreError::open(path))??;
        let reading = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let open = StoreError::open(path);
        reading
            .pragma_update(None, "query_only", true)
            .map_err(open)?;

        let (writer, write_tasks) = mpsc::channel(WAITING);
        let (reader, read_tasks) = mpsc::channel(WAITING);
        let handles = vec![
            serve("packd-db-write", path, writing, write_tasks)?,
            serve("packd-db-read", path, reading, read_tasks)?,
        ];
        let database = Self {
            writer,
            reader,
            packs_version: watch::Sender::default(),
            path: path.into(),
            ledger: Arc::new(Mutex::new(Ledger::open(marker.folder(), numbers))),
            marker,
            is_unread: Arc::new(AtomicBool::new(unread == Unread::Most)),
        };
        let threads = Threads {
            handles,
            folder: None,
        };
        Ok((database, threads))
    }

    /// Begins a transaction on the writer thread and ends it, with nothing in it.
    ///
    /// # Errors
    /// [`StoreError::Query`]: nothing can be written.
    pub(crate) async fn turn(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Runs `change` in one transaction and commits it.
    ///
    /// # Errors
    /// [`StoreError::Query`] when `change` or the commit fails: nothing was written.
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let packs_version = self.packs_version.clone();
        let ledger = Arc::clone(&self.ledger);
        ask(&self.writer, &self.marker, move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let tx = Tx {
                transaction,
                hooks: RefCell::default(),
            };
            let value = change(&tx)?;
            let Tx { transaction, hooks } = tx;
            let numbers = Numbers::of(&transaction)?;
            fault::point("database.uncommitted");
            transaction.commit()?;
            fault::point("database.committed");
            ledger
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .note(numbers);
            let hooks = hooks.into_inner();
            if hooks.packs_changed {
                packs_version.send_modify(|version| *version += 1);
            }
            for hook in hooks.after_commit {
                hook();
            }
            Ok(value)
        })
        .await
    }

    /// Runs `question` on the reader thread, in one snapshot.
    ///
    /// # Errors
    /// [`StoreError::Query`] when `question` fails.
    pub(crate) async fn read<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        ask(&self.reader, &self.marker, move |connection| {
            let snapshot = connection.transaction()?;
            question(&snapshot)
        })
        .await
    }

    /// That the database was lost or is damaged, until that is acknowledged.
    #[must_use]
    pub(crate) fn degraded(&self) -> Option<DegradedView> {
        self.marker.get().map(|mark| mark.view)
    }

    /// An operator has seen that: forgets it, and says what it was.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) async fn acknowledge(&self) -> Result<Option<DegradedView>, StoreError> {
        let marker = self.marker.clone();
        let mark = super::off_thread(move || marker.acknowledge()).await?;
        Ok(mark.map(|mark| mark.view))
    }

    /// Notes that something of it was lost, and so many packs were found again.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) async fn degrade(&self, reason: String, packs: u64) -> Result<(), StoreError> {
        let marker = self.marker.clone();
        super::off_thread(move || marker.lost(reason, packs)).await
    }

    /// Gives back the space that is kept for a full disk; whether there was some.
    ///
    /// # Errors
    /// [`StoreError::Panicked`].
    pub(crate) async fn release_reserve(&self) -> Result<bool, StoreError> {
        let marker = self.marker.clone();
        super::off_thread(move || Ok(reserve::release(marker.folder()))).await
    }

    /// Reads all of it; whether it is in order. One that is not is noted as damaged.
    ///
    /// # Errors
    /// [`StoreError::Open`] when it cannot be read at all.
    pub(crate) async fn check_all(&self) -> Result<bool, StoreError> {
        self.check(Depth::Full).await
    }

    /// Looks at what of it the start had no time for, if there is something; what is damaged is noted.
    ///
    /// # Errors
    /// Those of [`Self::check_all`].
    pub(crate) async fn check_rest(&self) -> Result<(), StoreError> {
        if !self.is_unread() {
            return Ok(());
        }
        let found = self.check(Depth::Quick).await;
        self.is_unread.store(false, Ordering::Relaxed);
        if found? {
            tracing::info!("the rest of `packd.db` was looked at too, and is in order");
        }
        Ok(())
    }

    /// Whether most of it was not looked at yet since the start.
    #[must_use]
    pub(crate) fn is_unread(&self) -> bool {
        self.is_unread.load(Ordering::Relaxed)
    }

    async fn check(&self, depth: Depth) -> Result<bool, StoreError> {
        let (path, marker) = (Arc::clone(&self.path), self.marker.clone());
        super::off_thread(move || {
            let open = StoreError::open(&path);
            let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            connection
                .pragma_update(None, "query_only", true)
                .map_err(open)?;
            match integrity::check(&connection, depth).map_err(open) {
                Ok(()) => Ok(true),
                Err(error) if error.is_damage() => {
                    marker.suspect(&chain(&error));
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Counts the commits after which the list of packs looks different.
    #[must_use]
    pub(crate) fn packs_version(&self) -> u64 {
        *self.packs_version.borrow()
    }

    /// Wakes whoever waits for such a commit.
    #[must_use]
    pub(crate) fn packs_changes(&self) -> watch::Receiver<u64> {
        self.packs_version.subscribe()
    }
}

impl Threads {
    /// Removes this folder when they have ended.
    pub(super) fn keeping(self, folder: TempDir) -> Self {
        Self {
            folder: Some(folder),
            ..self
        }
    }

    /// Waits for the threads to end: they do when every [`Database`] is gone.
    pub(crate) fn join(self) {
        for handle in self.handles {
            if handle.join().is_err() {
                tracing::error!("a database thread panicked");
            }
        }
        if let Some(Err(error)) = self.folder.map(TempDir::close) {
            tracing::warn!(%error, "the database of a full disk is left behind");
        }
    }
}

/// Notes what the database has lost since its numbers were noted, and lets it go on above them; answers from where.
fn go_on(
    connection: &mut Connection,
    marker: &Marker,
) -> rusqlite::Result<Result<Numbers, StoreError>> {
    let (numbers, lost) = numbers::compare(connection, marker.folder())?;
    let Some(lost) = lost else {
        return Ok(Ok(numbers));
    };
    let reason = format!(
        "`packd.db` lost what was written last, {lost}: `packd.db-wal` was damaged or removed, or an older `packd.db` was put \
         in its place; what was asked for then, be it jobs, holds, pins or registries, has to be asked for again"
    );
    tracing::error!("{reason}");
    // before the numbers: killed in between, the loss is found once more
    if let Err(error) = marker.lost(reason, 0) {
        return Ok(Err(error));
    }
    let transaction = connection.transaction()?;
    numbers.set(&transaction)?;
    transaction.commit()?;
    Ok(Ok(numbers))
}

/// Makes the file, if it is not there, and keeps it and its companions to the daemon alone: requests
/// may hold tokens. SQLite gives files that it makes the same mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let doing = || StoreError::at("protect", path);
    fs_err::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(doing())?;
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match fs_err::set_permissions(PathBuf::from(name), Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(doing()(error)),
            _ => {}
        }
    }
    Ok(())
}

async fn ask<T, F>(thread: &mpsc::Sender<Task>, marker: &Marker, task: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let marker = marker.clone();
    let task = Box::new(move |connection: &mut Connection| {
        let result = match catch_unwind(AssertUnwindSafe(|| task(connection))) {
            Ok(result) => result.map_err(|error| refused(connection.path(), error)),
            Err(_) => Err(StoreError::Panicked),
        };
        if let Err(error) = &result
            && error.is_damage()
        {
            marker.suspect(&chain(error));
        }
        // a caller that went away does not want the answer
        drop(answer.send(result));
    });
    thread.send(task).await.map_err(|_| StoreError::Closed)?;
    answered.await.map_err(|_| StoreError::Closed)?
}

/// What became of a task that SQLite refused. It tells a full disk from others that fail, but not a full quota: that is
/// found out here, by writing a little beside the database.
fn refused(database: Option<&str>, error: rusqlite::Error) -> StoreError {
    let is_write = error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE);
    let folder = database.and_then(|path| Path::new(path).parent());
    match folder.filter(|_| is_write).map(try_to_write) {
        Some(Err(source)) if is_no_space(&source) => StoreError::io("write the database")(source),
        _ => StoreError::Query(error.into()),
    }
}

fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let file = tempfile::tempfile_in(folder)?;
    file.write_all_at(&vec![0; 64 * 1024], 0)
}

fn serve(
    name: &str,
    path: &Path,
    mut connection: Connection,
    mut tasks: mpsc::Receiver<Task>,
) -> Result<JoinHandle<()>, StoreError> {
    let path: PathBuf = path.to_owned();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            while let Some(task) = tasks.blocking_recv() {
                task(&mut connection);
            }
            if let Err((_, error)) = connection.close() {
                tracing::warn!(path = %path.display(), %error, "the database did not close cleanly");
            }
        })
        .map_err(StoreError::io("start a database thread"))
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = StoreError::open(path);
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(open)?;
    connection
        .busy_timeout(Duration::from_secs(10))
        .map_err(open)?;
    // what `execute_batch` would hide: the switch can fail without an error
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(open)?;
    if mode != "wal" {
        return Err(StoreError::JournalMode {
            path: path.to_owned(),
            mode,
        });
    }
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(open)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(open)?;
    connection
        .pragma_update(None, "trusted_schema", false)
        .map_err(open)?;
    // idle daemons hold what a few pages need, not SQLite's default of 2 MB
    connection
        .pragma_update(None, "cache_size", -512)
        .map_err(open)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)
        .map_err(open)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
