//! Reads the kernel's statistics of a process. Linux only: `None` elsewhere.

use std::{fs, time::Duration};

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Current resident memory, including pages of the binary.
    pub resident: u64,
    /// Peak resident memory.
    pub peak: u64,
}

/// CPU time of all threads of a process, in nanosecond resolution.
pub fn cpu(process: u32) -> Option<Duration> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut nanos = 0;
    for task in tasks {
        // A thread that has exited meanwhile has no file.
        let Ok(stat) = fs::read_to_string(task.ok()?.path().join("schedstat")) else {
            continue;
        };
        nanos += stat.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// Memory of a process.
pub fn memory(process: u32) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Memory {
        resident: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}
