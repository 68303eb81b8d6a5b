//! What other daemons of hosts take, where they are installed: they are started as they are, and have nothing to do.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{Table, memory_of};

/// Debian's programs, of the packages of their names.
const SNAPD: &str = "/usr/lib/snapd/snapd";
const FWUPD: &str = "/usr/libexec/fwupd/fwupd";
const POLKITD: &str = "/usr/lib/polkit-1/polkitd";
/// snapd ends by itself five seconds after its start, to be started by its socket, when no snap is installed.
const SETTLES: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(10);

/// One row for each that can be started here.
pub(crate) fn rows(table: &mut Table) {
    if Path::new(SNAPD).exists() {
        let mut snapd = Started::of(Command::new(SNAPD).env("SNAP_REEXEC", "0"));
        snapd.row(table, "snapd, nothing installed", SNAPD);
    }
    if [FWUPD, POLKITD, "/usr/bin/dbus-daemon"]
        .iter()
        .all(|program| Path::new(program).exists())
    {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bus");
        let address = format!("unix:path={}", socket.display());
        let config = folder.path().join("bus.conf");
        fs_err::write(
            &config,
            format!(
                "<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"method_call\"/>\
                 <allow send_type=\"signal\"/><allow send_type=\"method_return\"/><allow send_type=\"error\"/>\
                 <allow receive_type=\"method_call\"/><allow receive_type=\"signal\"/></policy></busconfig>"
            ),
        )
        .unwrap();
        let mut option = std::ffi::OsString::from("--config-file=");
        option.push(&config);
        let _bus = Started::of(Command::new("dbus-daemon").arg(option).arg("--nofork"));
        let began = Instant::now();
        while !socket.exists() {
            assert!(began.elapsed() < PATIENCE, "dbus-daemon makes no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        let on_the_bus = |program: &str| {
            let mut command = Command::new(program);
            command.env("DBUS_SYSTEM_BUS_ADDRESS", &address);
            command
        };
        let _polkitd = Started::of(on_the_bus(POLKITD).arg("--no-debug"));
        std::thread::sleep(SETTLES);
        let mut fwupd = Started::of(&mut on_the_bus(FWUPD));
        // it looks for devices first
        std::thread::sleep(SETTLES);
        fwupd.row(table, "fwupd, no device", FWUPD);
    }
}

/// A process that ends with this.
struct Started(Child);

impl Started {
    fn of(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    fn row(&mut self, table: &mut Table, name: &str, program: &str) {
        std::thread::sleep(SETTLES);
        let ended = self.0.try_wait().unwrap();
        assert!(ended.is_none(), "{program} has ended: {ended:?}");
        let memory = memory_of(self.0.id());
        let size = fs_err::metadata(program).unwrap().len();
        let what = |what: &str| format!("beside it: {name}, {what}");
        table.number(&what("resident memory"), "MB", memory.resident / 1e3, "");
        table.number(
            &what("of it, not of files"),
            "MB",
            memory.anonymous / 1e3,
            "",
        );
        table.number(&what("size of its program"), "MB", size as f64 / 1e6, "");
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
