//! What the kernel says of this process.

/// What the kernel says of this process, see proc(5).
#[derive(Debug)]
pub(crate) struct Process {
    /// Bytes of memory that are resident.
    pub(crate) resident: Option<u64>,
    /// Open file descriptors.
    pub(crate) files: Option<u64>,
    /// Threads.
    pub(crate) threads: Option<u64>,
    /// Seconds of processors.
    pub(crate) cpu: Option<f64>,
}

impl Process {
    /// Looks it up. Blocks.
    pub(crate) fn look() -> Self {
        let stat = fs_err::read_to_string("/proc/self/stat").unwrap_or_default();
        // what stands before the last bracket is the program's name, which can have spaces
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map_or("", |(_, fields)| fields)
            .split_whitespace()
            .collect();
        // the third field of the file is the first here
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Self {
            resident: field(24).and_then(|pages| {
                let page = u64::try_from(rustix::param::page_size()).ok()?;
                pages.checked_mul(page)
            }),
            files: fs_err::read_dir("/proc/self/fd")
                .ok()
                .and_then(|files| u64::try_from(files.count()).ok()),
            threads: field(20),
            cpu: field(14).zip(field(15)).map(|(user, system)| {
                let ticks = user.saturating_add(system);
                let second = rustix::param::clock_ticks_per_second();
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "figures of monitoring are floating-point numbers"
                )]
                let seconds = ticks as f64 / second as f64;
                seconds
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_process_has_memory_files_threads_and_used_some_time() {
        let process = Process::look();
        assert!(process.resident.unwrap() > 1 << 20, "{process:?}");
        assert!(process.files.unwrap() >= 3, "{process:?}");
        assert!(process.threads.unwrap() >= 1, "{process:?}");
        assert!(process.cpu.unwrap() >= 0.0, "{process:?}");
    }
}
