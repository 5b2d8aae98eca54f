//! One running program, with everything that it starts.

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{Listen, TestDir};

/// The time in which a program must listen. On an idle machine each takes a tenth of a second.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A program that listens. A drop kills it with its process group, and prints its log if the test failed.
#[derive(Debug)]
pub struct Program<'s> {
    name: String,
    /// `None` once it was killed.
    child: Option<Child>,
    log: PathBuf,
    test_dir: &'s TestDir,
    /// Holds the ports while the program runs.
    _listens: Vec<Listen>,
}

impl<'s> Program<'s> {
    /// Starts a program under a name that is unique in this directory, and waits until it listens at all these
    /// addresses.
    ///
    /// # Panics
    ///
    /// If it does not start or does not listen in time; the message has its output.
    pub fn start(test_dir: &'s TestDir, name: &str, command: &mut Command, listens: &[&Listen]) -> Self {
        let log = test_dir.path(&format!("{name}.log"));
        let out = File::create(&log).expect("a log");
        let child = command
            .current_dir(test_dir.path(""))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}\n{command:?}"));
        test_dir.started(child.id());
        let held = listens.iter().copied().cloned().collect();
        let mut program = Self { name: name.to_owned(), child: Some(child), log, test_dir, _listens: held };
        listens.iter().for_each(|listen| program.wait_for(listen));
        program
    }

    fn wait_for(&mut self, listen: &Listen) {
        let until = Instant::now() + START_TIMEOUT;
        loop {
            let reached = match listen {
                Listen::Tcp(port) => TcpStream::connect(port.address()).is_ok(),
                Listen::Unix(path) => UnixStream::connect(path).is_ok(),
            };
            if reached {
                return;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "{} ended ({}) before it listened", self.name, ended.unwrap_or_default());
            assert!(Instant::now() < until, "{} does not listen at {listen}", self.name);
            // A sleep, because programs of other projects give no sign when they listen.
            sleep(Duration::from_millis(5));
        }
    }

    /// Returns the process id: that of the master, where there are workers.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Returns what the program wrote.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Kills the program and everything that it started, at once.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The child is not reaped yet, so that no other process can have its id.
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _nobody_left = kill_process_group(group, Signal::KILL);
        }
        self.test_dir.ended(child.id());
        child.wait().expect("a child of ours");
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        self.kill();
        if panicking() {
            let log = self.log();
            let skipped = log.len().saturating_sub(4000);
            eprintln!("== {}\n{}", self.name, String::from_utf8_lossy(&log.as_bytes()[skipped..]));
        }
    }
}
