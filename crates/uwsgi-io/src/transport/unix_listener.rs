//! A Unix socket to listen on: its file, the mode of the file, and files that a killed server has left.

use core::time::Duration;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix};
use uwsgi::server::ConnectionLimit;

use crate::transport::socket::stream_socket;

/// Listens on a Unix socket at a path. Returns the listener, and the file of the socket: keep it as long as the listener.
///
/// The file has the mode `mode`, whatever the umask is, before a client can connect. On Linux its mode is never wider before
/// that. If a socket is there already and no server listens on it, this replaces it. A socket that a server listens on, and any
/// other file, stay as they are. Until this function returns there is a lock file at the path with `.lock` added. So if several
/// servers start at once with one path, only one of them listens there.
///
/// The listener blocks, like a listener of `std`. For tokio:
///
/// ```
/// # fn listen(path: &str) -> std::io::Result<()> {
/// let (listener, _file) = uwsgi_io::listen_unix(path, 0o660)?;
/// listener.set_nonblocking(true)?; // then tokio::net::UnixListener::from_std(listener)
/// # Ok(())
/// # }
/// # let path = std::env::temp_dir().join(format!("uwsgi-io-{}.sock", std::process::id()));
/// # listen(path.to_str().unwrap())?;
/// # assert!(!path.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// [`AddrInUse`](io::ErrorKind::AddrInUse): a server listens there, or is about to.
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists): the file that is there is not a socket. Errors of the system. The text
/// names the path and says what to do.
pub fn listen_unix(path: impl AsRef<Path>, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    listen_with_hook(path.as_ref(), mode, || {})
}

/// The file of a Unix socket. Dropping this removes the file, unless another file has replaced it.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Returns the path of the file, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |file: &Metadata| file.dev() == self.device && file.ino() == self.inode;
        if std::fs::symlink_metadata(&self.path).is_ok_and(|file| is_ours(&file)) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Listens. Calls `after_bind` once the file exists; its mode may not be set yet.
fn listen_with_hook(path: &Path, mode: u32, after_bind: impl FnOnce()) -> io::Result<(UnixListener, SocketFile)> {
    let address = SocketAddrUnix::new(path).map_err(|error| listen_error(path, error.into()))?;
    let _lock = Lock::take(path)?;
    remove_stale(path, &address)?;
    let descriptor = stream_socket(AddressFamily::UNIX)?;
    // Linux gives the file the mode of the socket, without the bits of the umask (unix(7), net/unix/af_unix.c: unix_bind_bsd).
    // Other systems do not let a program set the mode of a socket.
    #[cfg(target_os = "linux")]
    rustix::fs::fchmod(&descriptor, Mode::from_raw_mode(mode))?;
    rustix::net::bind(&descriptor, &address).map_err(|error| match error {
        Errno::ADDRINUSE => in_use_error(path),
        error => listen_error(path, error.into()),
    })?;
    after_bind();
    let file = set_mode(path, mode)?;
    rustix::net::listen(&descriptor, i32::from(ConnectionLimit::BACKLOG))
        .map_err(|error| listen_error(path, error.into()))?;
    Ok((descriptor.into(), file))
}

/// Sets the mode of the socket that was bound at the path. If another file has replaced the socket, this leaves it alone.
#[cfg(target_os = "linux")]
fn set_mode(path: &Path, mode: u32) -> io::Result<SocketFile> {
    use std::os::fd::AsRawFd;
    // This opens the file itself, even if it is a symbolic link.
    let opened = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    let opened = File::from(opened.map_err(|error| listen_error(path, error.into()))?);
    let found = opened.metadata()?;
    let file = socket_file(path, &found)?;
    if found.mode() & 0o7777 != mode {
        // fchmod(2) does not take a descriptor of O_PATH, and fchmodat2(2) needs Linux 6.6.
        let through = format!("/proc/self/fd/{}", opened.as_raw_fd());
        std::fs::set_permissions(through, PermissionsExt::from_mode(mode)).map_err(|error| {
            let what = format!("cannot set the mode of {} through /proc/self/fd: {error}", path.display());
            io::Error::new(error.kind(), what)
        })?;
    }
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn set_mode(path: &Path, mode: u32) -> io::Result<SocketFile> {
    use rustix::fs::{AtFlags, CWD, chmodat};
    let file = socket_file(path, &std::fs::symlink_metadata(path)?)?;
    let mode = Mode::from_raw_mode(mode.try_into().map_err(io::Error::other)?);
    chmodat(CWD, path, mode, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| listen_error(path, error.into()))?;
    Ok(file)
}

/// Returns the file at the path, if it is a socket.
fn socket_file(path: &Path, found: &Metadata) -> io::Result<SocketFile> {
    if !found.file_type().is_socket() {
        let what = format!("{} is not a socket: it has replaced the socket that was made here", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    Ok(SocketFile { path: std::path::absolute(path)?, device: found.dev(), inode: found.ino() })
}

/// A lock file: until it is dropped, no other server checks the path or binds a socket there.
struct Lock {
    path: PathBuf,
    _file: OwnedFd,
}

/// How long to wait for another server that has the lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How often to try: `flock` has no timeout.
const LOCK_POLL: Duration = Duration::from_millis(5);

impl Lock {
    fn take(socket: &Path) -> io::Result<Self> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let begun = std::time::Instant::now();
        loop {
            // Only this user can open the file, so that no other user can hold the lock.
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| match error {
                Errno::NOENT | Errno::NOTDIR => listen_error(socket, error.into()),
                error => {
                    let what = format!("cannot listen at {}: {}: {error}", socket.display(), path.display());
                    io::Error::new(io::Error::from(error).kind(), what)
                }
            })?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // The server that had the lock may have removed the file, and another server may have made a new one.
                Ok(()) if is_at(&file, &path)? => return Ok(Self { path, _file: file }),
                Ok(()) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if begun.elapsed() < LOCK_TIMEOUT => std::thread::sleep(LOCK_POLL),
                Err(Errno::WOULDBLOCK) => {
                    let what = format!("{} is locked: another server is about to listen there", path.display());
                    return Err(io::Error::new(io::ErrorKind::AddrInUse, what));
                }
                Err(error) => return Err(listen_error(socket, error.into())),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // No other server removes the file while it is locked.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Returns whether `file` is still the file at the path.
fn is_at(file: &OwnedFd, path: &Path) -> io::Result<bool> {
    let file = File::from(file.try_clone()?).metadata()?;
    Ok(std::fs::symlink_metadata(path).is_ok_and(|there| is_same(&file, &there)))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.dev() == other.dev() && one.ino() == other.ino()
}

/// Removes the socket of a server that has ended. Leaves everything else alone.
fn remove_stale(path: &Path, address: &SocketAddrUnix) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(listen_error(path, error)),
    };
    if !found.file_type().is_socket() {
        let what = format!("{} is there and is no socket: move it away, or choose another path", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    // The probe does not block: the backlog of a server may be full, and a connect that blocks would wait forever.
    let probe = stream_socket(AddressFamily::UNIX)?;
    rustix::io::ioctl_fionbio(&probe, true)?;
    match rustix::net::connect(&probe, address) {
        Ok(()) | Err(Errno::AGAIN) => return Err(in_use_error(path)),
        Err(Errno::CONNREFUSED) => {}
        Err(error) => return Err(listen_error(path, error.into())),
    }
    // A server that does not use the lock may have replaced the file since: this removes only the file that refused the probe.
    match std::fs::symlink_metadata(path) {
        Ok(there) if is_same(&found, &there) => std::fs::remove_file(path).map_err(|error| listen_error(path, error)),
        Ok(_) => Err(in_use_error(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(listen_error(path, error)),
    }
}

fn in_use_error(path: &Path) -> io::Error {
    let what = format!("{} is in use: stop the server that listens there, or choose another path", path.display());
    io::Error::new(io::ErrorKind::AddrInUse, what)
}

fn listen_error(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen at {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use std::fs;

    use super::*;

    /// A directory of one test, which is removed at the end.
    struct TestDirectory(PathBuf);

    impl TestDirectory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("uwsgi-io-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for TestDirectory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_mode_of_the_file_is_never_wider_than_requested() {
        let directory = TestDirectory::new("mode");
        let path = directory.0.join("a.sock");
        for asked in [0o660, 0o600, 0o666, 0o777, 0o000] {
            let after_bind = || assert_eq!(mode(&path) & !asked, 0, "{asked:o}: {:o} before", mode(&path));
            let (_listener, file) = listen_with_hook(&path, asked, after_bind).unwrap();
            assert_eq!(mode(&path), asked);
            assert_eq!(directory.names(), ["a.sock"], "the lock file is gone");
            drop(file);
            assert!(directory.names().is_empty());
        }
    }

    /// A file that replaces the socket keeps its mode, and so does the target of a link.
    #[test]
    fn a_file_that_replaces_the_socket_keeps_its_mode() {
        let directory = TestDirectory::new("link");
        let (path, file, socket) =
            (directory.0.join("a.sock"), directory.0.join("other"), directory.0.join("other.sock"));
        fs::write(&file, "secret").unwrap();
        let _other = UnixListener::bind(&socket).unwrap();
        for other in [&file, &socket] {
            fs::set_permissions(other, PermissionsExt::from_mode(0o600)).unwrap();
        }
        for (is_link, other) in [(true, &file), (true, &socket), (false, &file)] {
            let after_bind = || {
                fs::remove_file(&path).unwrap();
                let put = if is_link { std::os::unix::fs::symlink(other, &path) } else { fs::hard_link(other, &path) };
                put.unwrap();
            };
            let error = listen_with_hook(&path, 0o666, after_bind).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
            assert_eq!(mode(other), 0o600);
            assert!(fs::symlink_metadata(&path).is_ok(), "the file is still there");
            fs::remove_file(&path).unwrap();
        }
    }

    /// A socket that is bound, and on which its server does not listen yet, looks like a stale one. The lock keeps another
    /// server from removing it.
    #[test]
    fn a_socket_that_is_about_to_be_listened_on_is_not_removed() {
        let directory = TestDirectory::new("race");
        let path = directory.0.join("a.sock");
        std::thread::scope(|scope| {
            let mut other = None;
            let after_bind = || {
                other = Some(scope.spawn(|| listen_unix(&path, 0o600).map(drop).unwrap_err()));
                // Nothing may happen to the socket in this time: without the lock, the other server would remove it.
                std::thread::sleep(Duration::from_millis(1500));
            };
            let _both = listen_with_hook(&path, 0o600, after_bind).unwrap();
            assert_eq!(other.unwrap().join().unwrap().kind(), io::ErrorKind::AddrInUse);
            assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        });
    }
}
