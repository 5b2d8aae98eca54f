//! The private directory of a test, and the guard process that cleans up after a killed test.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

/// The shell script of the guard. It reads which process groups start and end. At the end of its input it kills those that have
/// not ended, and removes the directory.
const GUARD: &str = r#"
groups=
while read -r verb group; do
    case $verb in
        start) groups="$groups $group" ;;
        end) left=; for one in $groups; do [ "$one" = "$group" ] || left="$left $one"; done; groups=$left ;;
    esac
done
for one in $groups; do kill -s KILL -- "-$one"; done
rm -rf -- "$1"
"#;

/// A private directory for sockets, configurations and logs.
///
/// A program ends when its [`Program`](super::Program) is dropped. A killed test drops nothing. Then the guard, a shell in its
/// own process group, sees the end of its input, kills the programs and removes the directory.
#[derive(Debug)]
pub struct TestDir {
    dir: TempDir,
    guard: Child,
    tell: Mutex<ChildStdin>,
}

impl TestDir {
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        // Where Apache is started as root, its workers run as another user, and must reach the sockets.
        let open = fs::Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("uwsgi-").permissions(open).tempdir();
        let dir = dir.expect("no place for temporary files");
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("no shell");
        let tell = Mutex::new(guard.stdin.take().expect("a pipe"));
        Self { dir, guard, tell }
    }

    /// Returns a path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Returns a path in the directory as text, for configurations.
    pub fn text_path(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("a path that is text")
    }

    /// Writes a file, and creates the directories that it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a directory");
        fs::write(&path, content).expect("a file");
        path
    }

    pub(super) fn started(&self, group: u32) {
        self.tell(&format!("start {group}\n"));
    }

    pub(super) fn ended(&self, group: u32) {
        self.tell(&format!("end {group}\n"));
    }

    fn tell(&self, line: &str) {
        let mut tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        tell.write_all(line.as_bytes()).expect("the guard is gone");
    }
}

impl Default for TestDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        // No program is left to guard: every program borrows the directory.
        let _gone = self.guard.kill();
        let _gone = self.guard.wait();
    }
}
