//! Costs, medians, and the table at the end.

use std::{
    fmt,
    process::Command,
    time::{Duration, Instant},
};

use packd_tests::Ran;

/// What one run of something cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// Seconds of processor time, user and system.
    pub(crate) cpu: f64,
}

/// How many rounds each comparison has: odd, so that there is a median.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark has no configuration but the environment"
)]
pub(crate) fn rounds() -> usize {
    let asked = std::env::vars().find(|(name, _)| name == "ROUNDS");
    asked.map_or(7, |(_, value)| value.parse().unwrap())
}

/// Has everything written to the disk, so that nobody pays for what another one left to be written.
pub(crate) fn settle() {
    shell("sync", &[]);
}

/// Waits until nothing that was deleted before slows down what is made now: for a minute after a deletion ext4 without a
/// journal does not give an inode out again, and looks at each of them for every file that is made (`recently_deleted`
/// in the kernel's `fs/ext4/ialloc.c`).
pub(crate) fn rest() {
    settle();
    std::thread::sleep(Duration::from_secs(65));
}

/// Runs a line of bash, and what it cost with all its children.
pub(crate) fn shell(line: &str, environment: &[(&str, &std::ffi::OsStr)]) -> Cost {
    let timed = format!("set -o pipefail; TIMEFORMAT='%U %S'; time {{ {line}; }}");
    let mut command = Command::new("bash");
    command
        .arg("-c")
        .arg(timed)
        .envs(environment.iter().copied());
    let began = Instant::now();
    let ran = Ran::of(&mut command);
    let wall = began.elapsed().as_secs_f64();
    ran.success();
    let last = ran.stderr().lines().last().unwrap();
    let cpu = last
        .split(' ')
        .map(|part| part.parse::<f64>().unwrap())
        .sum();
    Cost { wall, cpu }
}

/// Processor seconds that a process has used so far.
pub(crate) fn cpu_of(pid: u32) -> f64 {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // the name in parentheses may hold spaces; user and system time are the 12th and 13th after it
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u32 = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
    f64::from(ticks) / 100.0
}

/// Bytes that a process has had written to a disk so far, counted when a page of the cache becomes dirty.
pub(crate) fn written_by(pid: u32) -> f64 {
    let counters = fs_err::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    line.unwrap().parse().unwrap()
}

/// How often the threads of a process were given a processor so far, after waiting or after another one had it.
pub(crate) fn switches_of(pid: u32) -> u64 {
    let threads = fs_err::read_dir(format!("/proc/{pid}/task")).unwrap();
    let switches = |thread: fs_err::DirEntry| {
        let status = fs_err::read_to_string(thread.path().join("status")).unwrap();
        let counts = status
            .lines()
            .filter_map(|line| line.split_once("ctxt_switches:"));
        counts
            .map(|(_, count)| count.trim().parse::<u64>().unwrap())
            .sum::<u64>()
    };
    threads.map(|thread| switches(thread.unwrap())).sum()
}

/// Kilobytes of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: f64,
    /// Of these, those that are no file's.
    pub(crate) anonymous: f64,
    /// The most that was ever resident.
    pub(crate) peak: f64,
}

/// What a process holds.
pub(crate) fn memory_of(pid: u32) -> Memory {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    Memory {
        resident: field("VmRSS:"),
        anonymous: field("RssAnon:"),
        peak: field("VmHWM:"),
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value below which so many of a hundred lie.
pub(crate) fn percentile(values: &mut [Duration], percent: usize) -> f64 {
    values.sort();
    values[(values.len() - 1) * percent / 100].as_secs_f64()
}

/// One line of the result.
#[derive(Debug)]
struct Row {
    what: String,
    packd: String,
    peer: String,
    ratio: String,
    aim: String,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A comparison with a peer.
    pub(crate) fn ratio(
        &mut self,
        what: &str,
        unit: &str,
        packd: f64,
        peer: (&str, f64),
        aim: &str,
    ) {
        self.push(Row {
            what: what.to_owned(),
            packd: format!("{packd:.3} {unit}"),
            peer: format!("{:.3} {unit} ({})", peer.1, peer.0),
            ratio: format!("{:.2}", packd / peer.1),
            aim: aim.to_owned(),
        });
    }

    /// A number that stands for itself.
    pub(crate) fn number(&mut self, what: &str, unit: &str, packd: f64, aim: &str) {
        self.push(Row {
            what: what.to_owned(),
            packd: format!("{packd:.3} {unit}"),
            peer: "-".to_owned(),
            ratio: "-".to_owned(),
            aim: aim.to_owned(),
        });
    }

    fn push(&mut self, row: Row) {
        println!(
            "{}: {} | {} | ratio {} | aim {}",
            row.what, row.packd, row.peer, row.ratio, row.aim
        );
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | packd | peer | ratio | aim |\n|---|---|---|---|---|"
        )?;
        for row in &self.rows {
            let Row {
                what,
                packd,
                peer,
                ratio,
                aim,
            } = row;
            writeln!(f, "| {what} | {packd} | {peer} | {ratio} | {aim} |")?;
        }
        Ok(())
    }
}
