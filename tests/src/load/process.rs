//! A server in its own process: the resources that it uses, and how it ends.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ServerAddress;

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a server, and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// If it does not start, or ends before it accepts connections.
    pub fn start(command: &mut Command, at: &ServerAddress) -> io::Result<Self> {
        let mut process = Self { child: command.stdin(Stdio::null()).spawn()? };
        let begun = Instant::now();
        while at.connect().is_err() {
            if let Some(status) = process.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended before it accepted connections: {status}")));
            }
            // A sleep, because the process gives no sign when it accepts connections.
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(process)
    }

    /// Takes over a child process that already runs.
    pub fn from_child(child: Child) -> Self {
        Self { child }
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns how much memory it uses, in bytes.
    ///
    /// # Errors
    ///
    /// If it has ended, or the system does not say.
    pub fn resident(&self) -> io::Result<usize> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Returns how much processor time it has used.
    ///
    /// # Errors
    ///
    /// If it has ended, or the system does not say.
    pub fn used(&self) -> io::Result<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The 12th and the 13th field after the name, in hundredths of a second. The name may hold any character.
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Returns how many descriptors it has open.
    ///
    /// # Errors
    ///
    /// If it has ended, or the system does not say.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// Returns how many threads it has.
    ///
    /// # Errors
    ///
    /// If it has ended, or the system does not say.
    pub fn threads(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.child.id()))?.count())
    }

    /// Returns how many files without a name it has open in a directory.
    ///
    /// # Errors
    ///
    /// If it has ended, or the system does not say.
    pub fn nameless_files(&self, directory: &Path) -> io::Result<usize> {
        let mut count = 0;
        for descriptor in fs::read_dir(format!("/proc/{}/fd", self.child.id()))? {
            // A descriptor may be closed between the two looks.
            let target = fs::read_link(descriptor?.path()).unwrap_or_default();
            count += usize::from(target.starts_with(directory) && target.to_string_lossy().ends_with(" (deleted)"));
        }
        Ok(count)
    }

    /// Returns whether all its threads wait: no thread works or waits for a processor.
    ///
    /// # Errors
    ///
    /// If it has ended, or the system does not say.
    pub fn is_at_rest(&self) -> io::Result<bool> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread that has just ended has no file any more. It was at work a moment ago.
            let text = fs::read_to_string(thread?.path().join("stat")).unwrap_or_default();
            if text.rsplit(')').next().and_then(|fields| fields.split_whitespace().next()) != Some("S") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.ok_or(ErrorKind::InvalidInput)?, signal)?)
    }

    /// Waits until the process ends, at most for `most`. Returns its status and how long the wait took.
    ///
    /// # Errors
    ///
    /// If it still runs.
    pub fn ended_within(&mut self, most: Duration) -> io::Result<(ExitStatus, Duration)> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, begun.elapsed()));
            }
            // A sleep, because the standard library cannot wait for a child with a time limit.
            if begun.elapsed() > most {
                return Err(ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns what the process wrote to its standard error, which must be a pipe. The process must have ended.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn stderr(&mut self) -> io::Result<String> {
        let mut text = String::new();
        if let Some(error) = &mut self.child.stderr {
            io::Read::read_to_string(error, &mut text)?;
        }
        Ok(text)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
