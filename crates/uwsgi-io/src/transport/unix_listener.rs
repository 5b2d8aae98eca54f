//! A Unix socket to listen on: its file, who may connect, and a file that a killed server has left.

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

use crate::transport::socket::stream;

/// Listens on a Unix socket at a path: what listens there, and the file to keep for as long as it does.
///
/// Its mode is `mode` before anybody can connect, whatever the umask is, and never wider before that. A socket that nobody
/// listens on is replaced. One that is listened on and other files are left alone. While this works there is a lock file with
/// `.lock` behind the path, so that of servers that start at once on one path one listens there.
///
/// The listener blocks, as those of `std` do. For tokio:
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
/// [`AddrInUse`](io::ErrorKind::AddrInUse): somebody listens there. [`AlreadyExists`](io::ErrorKind::AlreadyExists): what is
/// there is no socket. The system's. The text says where, and what to do.
pub fn listen_unix(path: impl AsRef<Path>, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    listen_between(path.as_ref(), mode, || {})
}

/// The file of a Unix socket. It is removed when this is dropped, unless another file is there meanwhile.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Where it is.
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

/// Listens; `between` is done when the file is there and does not have its mode yet.
fn listen_between(path: &Path, mode: u32, between: impl FnOnce()) -> io::Result<(UnixListener, SocketFile)> {
    let address = SocketAddrUnix::new(path).map_err(|error| cannot(path, error.into()))?;
    let _lock = Lock::take(path)?;
    remove_stale(path, &address)?;
    let descriptor = stream(AddressFamily::UNIX)?;
    // Linux gives the file the mode of the socket, without what the umask takes (unix(7), net/unix/af_unix.c: unix_bind_bsd).
    // Other systems do not let it be set.
    #[cfg(target_os = "linux")]
    rustix::fs::fchmod(&descriptor, Mode::from_raw_mode(mode))?;
    rustix::net::bind(&descriptor, &address).map_err(|error| match error {
        Errno::ADDRINUSE => in_use(path),
        error => cannot(path, error.into()),
    })?;
    between();
    let file = set_mode(path, mode)?;
    rustix::net::listen(&descriptor, i32::from(ConnectionLimit::BACKLOG))
        .map_err(|error| cannot(path, error.into()))?;
    Ok((descriptor.into(), file))
}

/// Gives the socket that was bound there its mode, and nothing else that may have been put in its place.
#[cfg(target_os = "linux")]
fn set_mode(path: &Path, mode: u32) -> io::Result<SocketFile> {
    use std::os::fd::AsRawFd;
    // The descriptor stands for what is there now, a symbolic link included.
    let opened = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    let opened = File::from(opened.map_err(|error| cannot(path, error.into()))?);
    let found = opened.metadata()?;
    let file = bound(path, &found)?;
    if found.mode() & 0o7777 != mode {
        // fchmod(2) does not take such a descriptor, and fchmodat2(2) is of Linux 6.6.
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
    let file = bound(path, &std::fs::symlink_metadata(path)?)?;
    let mode = Mode::from_raw_mode(mode.try_into().map_err(io::Error::other)?);
    chmodat(CWD, path, mode, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| cannot(path, error.into()))?;
    Ok(file)
}

/// The file that was bound, if it is a socket.
fn bound(path: &Path, found: &Metadata) -> io::Result<SocketFile> {
    if !found.file_type().is_socket() {
        let what =
            format!("{} is no socket: somebody has put it in the place of the one that was made", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    Ok(SocketFile { path: std::path::absolute(path)?, device: found.dev(), inode: found.ino() })
}

/// Keeps other servers from looking at a path, and from binding it, until it is dropped.
struct Lock {
    path: PathBuf,
    _file: OwnedFd,
}

/// For how long another server may be about to listen.
const PATIENCE: Duration = Duration::from_secs(5);
const A_MOMENT: Duration = Duration::from_millis(5);

impl Lock {
    fn take(socket: &Path) -> io::Result<Self> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let begun = std::time::Instant::now();
        loop {
            // Nobody else can open it, so that nobody else can hold the lock.
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| match error {
                Errno::NOENT | Errno::NOTDIR => cannot(socket, error.into()),
                error => {
                    let what = format!("cannot listen at {}: {}: {error}", socket.display(), path.display());
                    io::Error::new(io::Error::from(error).kind(), what)
                }
            })?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // The server that had it may have removed the file meanwhile, and another may have a new one.
                Ok(()) if is_at(&file, &path)? => return Ok(Self { path, _file: file }),
                Ok(()) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => std::thread::sleep(A_MOMENT),
                Err(Errno::WOULDBLOCK) => {
                    let what = format!("{} is locked: another server is about to listen there", path.display());
                    return Err(io::Error::new(io::ErrorKind::AddrInUse, what));
                }
                Err(error) => return Err(cannot(socket, error.into())),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked nobody else removes it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether this is the file that is there.
fn is_at(file: &OwnedFd, path: &Path) -> io::Result<bool> {
    let file = File::from(file.try_clone()?).metadata()?;
    Ok(std::fs::symlink_metadata(path).is_ok_and(|there| is_same(&file, &there)))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.dev() == other.dev() && one.ino() == other.ino()
}

/// Removes the socket of a server that is no more; leaves everything else alone.
fn remove_stale(path: &Path, address: &SocketAddrUnix) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(path, error)),
    };
    if !found.file_type().is_socket() {
        let what = format!("{} is there and is no socket: move it away, or choose another path", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    // A server may let nobody in, and a connect that blocks would wait for ever.
    let probe = stream(AddressFamily::UNIX)?;
    rustix::io::ioctl_fionbio(&probe, true)?;
    match rustix::net::connect(&probe, address) {
        Ok(()) | Err(Errno::AGAIN) => return Err(in_use(path)),
        Err(Errno::CONNREFUSED) => {}
        Err(error) => return Err(cannot(path, error.into())),
    }
    // A server that knows no lock may have begun meanwhile: what was refused is what is removed.
    match std::fs::symlink_metadata(path) {
        Ok(there) if is_same(&found, &there) => std::fs::remove_file(path).map_err(|error| cannot(path, error)),
        Ok(_) => Err(in_use(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot(path, error)),
    }
}

fn in_use(path: &Path) -> io::Error {
    let what = format!("{} is in use: stop the server that listens there, or choose another path", path.display());
    io::Error::new(io::ErrorKind::AddrInUse, what)
}

fn cannot(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen at {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use std::fs;

    use super::*;

    /// A directory of its own, until it is dropped.
    struct Place(PathBuf);

    impl Place {
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

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_file_is_never_wider_than_asked() {
        let place = Place::new("mode");
        let path = place.0.join("a.sock");
        for asked in [0o660, 0o600, 0o666, 0o777, 0o000] {
            let between = || assert_eq!(mode(&path) & !asked, 0, "{asked:o}: {:o} before", mode(&path));
            let (_listener, file) = listen_between(&path, asked, between).unwrap();
            assert_eq!(mode(&path), asked);
            assert_eq!(place.names(), ["a.sock"], "the lock file is gone");
            drop(file);
            assert!(place.names().is_empty());
        }
    }

    /// What somebody puts in the socket's place keeps its mode, and so does what a link there leads to.
    #[test]
    fn what_is_put_in_its_place_keeps_its_mode() {
        let place = Place::new("link");
        let (path, file, socket) = (place.0.join("a.sock"), place.0.join("other"), place.0.join("other.sock"));
        fs::write(&file, "secret").unwrap();
        let _other = UnixListener::bind(&socket).unwrap();
        for other in [&file, &socket] {
            fs::set_permissions(other, PermissionsExt::from_mode(0o600)).unwrap();
        }
        for (is_link, other) in [(true, &file), (true, &socket), (false, &file)] {
            let between = || {
                fs::remove_file(&path).unwrap();
                let put = if is_link { std::os::unix::fs::symlink(other, &path) } else { fs::hard_link(other, &path) };
                put.unwrap();
            };
            let error = listen_between(&path, 0o666, between).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
            assert_eq!(mode(other), 0o600);
            assert!(fs::symlink_metadata(&path).is_ok(), "it is left alone");
            fs::remove_file(&path).unwrap();
        }
    }

    /// Another server's socket that is bound and not listened on yet looks like a stale one: a server that knows the lock
    /// waits for it.
    #[test]
    fn a_socket_that_is_about_to_be_listened_on_is_not_removed() {
        let place = Place::new("race");
        let path = place.0.join("a.sock");
        std::thread::scope(|scope| {
            let mut other = None;
            let between = || {
                other = Some(scope.spawn(|| listen_unix(&path, 0o600).map(drop).unwrap_err()));
                std::thread::sleep(Duration::from_millis(1500));
            };
            let _both = listen_between(&path, 0o600, between).unwrap();
            assert_eq!(other.unwrap().join().unwrap().kind(), io::ErrorKind::AddrInUse);
            assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        });
    }
}
