//! What the kernel knows of a process. Linux only: elsewhere nothing is known.

use std::{fs, time::Duration};

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it has now, pages of its binary included.
    pub resident: u64,
    /// The most it ever had.
    pub peak: u64,
}

/// Time that the threads of a process have spent on a core, to the nanosecond.
pub fn cpu(process: u32) -> Option<Duration> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut nanos = 0;
    for task in tasks {
        // A thread that has ended meanwhile has no file.
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
