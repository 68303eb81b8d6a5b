//! Kernel, sandbox, watches, clock, units, users.

use super::Report;
use super::host::Host;

/// Before this day nobody had this program: a clock that shows less is wrong.
const EARLIEST: &str = "2026-01-01T00:00:00Z";
/// The first kernel with what the reading of archives needs (`openat2`).
const KERNEL: (u64, u64) = (5, 6);
/// The first kernel whose Landlock keeps in all that `tests.sandbox: standard` promises.
const LANDLOCK_KERNEL: (u64, u64) = (6, 2);
/// Folders with units, the strongest first.
const UNITS: [&str; 3] = [
    "/etc/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// What there is while something keeps the clock.
const KEEPERS: [&str; 4] = [
    "/run/systemd/timesync/synchronized",
    "/run/chrony",
    "/run/ntpd.pid",
    "/run/ntpsec",
];

pub(super) fn examine(host: &Host, report: &mut Report) {
    kernel(host, report);
    sandbox(host, report);
    watches(host, report);
    clock(host, report);
    units(host, report);
}

/// Major and minor number of `6.1.0-18-amd64`.
fn numbers(release: &str) -> Option<(u64, u64)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn kernel(host: &Host, report: &mut Report) {
    const CHECK: &str = "kernel";
    let release = &host.kernel;
    let Some(found) = numbers(release) else {
        return report.skip(CHECK, format!("`{release}` has no number"));
    };
    report.checked(CHECK);
    if found < KERNEL {
        let (major, minor) = KERNEL;
        report.error(
            CHECK,
            format!("Linux {release} is too old: packd needs {major}.{minor}"),
            "install a newer kernel",
        );
    } else if found < LANDLOCK_KERNEL {
        let (major, minor) = LANDLOCK_KERNEL;
        report.warning(
            CHECK,
            format!(
                "Linux {release} cannot keep tests of packs in as `tests.sandbox: standard` says; {major}.{minor} can"
            ),
            "install a newer kernel, or set `tests.sandbox: basic`",
        );
    }
}

/// What the tests of packs are kept in with.
fn sandbox(host: &Host, report: &mut Report) {
    const CHECK: &str = "sandbox";
    report.checked(CHECK);
    match host.read("/sys/kernel/security/lsm") {
        Ok(modules) if modules.trim().split(',').all(|one| one != "landlock") => report.error(
            CHECK,
            "Landlock is not on: tests of packs are not kept from files",
            format!("boot with `lsm=landlock,{}`", modules.trim()),
        ),
        Ok(_) => {}
        Err(error) => report.skip("Landlock", error.to_string()),
    }
    if !host.has("/proc/sys/kernel/seccomp/actions_avail") {
        report.error(
            CHECK,
            "this kernel has no seccomp filters: tests of packs are not kept from system calls",
            "use a kernel with CONFIG_SECCOMP_FILTER",
        );
    }
    for (file, off, what, fix) in [
        (
            "/proc/sys/user/max_user_namespaces",
            0,
            "user namespaces are off",
            "`sysctl user.max_user_namespaces=10000`",
        ),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            0,
            "user namespaces are for root only",
            "`sysctl kernel.unprivileged_userns_clone=1`",
        ),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            1,
            "AppArmor keeps programs from user namespaces",
            "an AppArmor profile for packd with `userns,`",
        ),
    ] {
        if host.number(file) == Some(off) {
            report.warning(
                CHECK,
                format!("{what}: `tests.sandbox: strict` is not possible"),
                format!("{fix}, if `strict` is wanted"),
            );
        }
    }
}

/// Registries in folders are watched.
fn watches(host: &Host, report: &mut Report) {
    const CHECK: &str = "watches";
    report.checked(CHECK);
    for (name, least) in [("max_user_watches", 8192), ("max_user_instances", 16)] {
        let found = host.number(&format!("/proc/sys/fs/inotify/{name}"));
        if let Some(found) = found.filter(|found| *found < least) {
            report.warning(
                CHECK,
                format!("`fs.inotify.{name}` is {found}: registries in folders may not be watched"),
                format!("`sysctl fs.inotify.{name}={least}`"),
            );
        }
    }
}

/// Signatures and certificates are only as good as the clock.
fn clock(host: &Host, report: &mut Report) {
    const CHECK: &str = "clock";
    report.checked(CHECK);
    if EARLIEST.parse().is_ok_and(|earliest| host.now < earliest) {
        report.error(
            CHECK,
            format!("the clock shows {}, which cannot be", host.now),
            "`timedatectl set-ntp true`",
        );
    }
    let is_kept = KEEPERS.iter().any(|path| host.has(path));
    if host.has("/run/systemd/system") && !is_kept {
        report.warning(
            CHECK,
            "nothing seems to keep the clock, by which certificates and signed registries expire",
            "`timedatectl set-ntp true`, or install chrony",
        );
    }
}

/// What systemd is told of packd, where systemd runs.
fn units(host: &Host, report: &mut Report) {
    const CHECK: &str = "units";
    if !host.has("/run/systemd/system") {
        return report.skip(CHECK, "systemd does not run here");
    }
    report.checked(CHECK);
    let find = |name: &str| {
        let paths = UNITS.iter().map(|folder| format!("{folder}/{name}"));
        paths.into_iter().find(|path| host.has(path))
    };
    let (Some(service), Some(_)) = (find("packd.service"), find("packd.socket")) else {
        report.warning(
            CHECK,
            "packd.service and packd.socket are not both installed: packd does not start by itself",
            "install the package, or run `install.sh` of the archive",
        );
        return;
    };
    let links = [
        "sockets.target.wants/packd.socket",
        "multi-user.target.wants/packd.service",
    ];
    let mut links = links
        .map(|link| format!("/etc/systemd/system/{link}"))
        .into_iter();
    if !links.any(|link| host.has(link)) {
        report.warning(
            CHECK,
            "neither packd.socket nor packd.service is enabled: packd is gone after a restart of the host",
            "`systemctl enable --now packd.socket`",
        );
    }
    let text = host.read(&service).unwrap_or_default();
    let starts = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let program = starts.and_then(|line| line.split_whitespace().next());
    if let Some(program) = program.filter(|program| !host.has(program)) {
        report.error(
            CHECK,
            format!("`{service}` starts `{program}`, which is not there"),
            "install the package again",
        );
    }
    users(host, report);
}

/// The users and groups that the units name, and that roles come from.
fn users(host: &Host, report: &mut Report) {
    const CHECK: &str = "users";
    report.checked(CHECK);
    for (table, kind, name) in [
        ("/etc/passwd", "user", "packd"),
        ("/etc/group", "group", "packd"),
        ("/etc/group", "group", "packd-admin"),
    ] {
        if !host.has_name(table, name) {
            let what = format!("there is no {kind} `{name}`");
            report.error(CHECK, what, "`systemd-sysusers` makes it");
        }
    }
}
