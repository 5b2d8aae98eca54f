//! The temporary file of a buffer.

use core::fmt;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::panicking;

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::buffer::budget::Share;

/// How many bytes must be read before their space on the disk is freed.
const RELEASE: u64 = 1 << 20;

/// A file of mode 0600, without a name. All its functions block.
///
/// Bytes are appended, and read in the same order. It has a share of the budget for all space that it has on the disk.
pub(super) struct TempFile {
    /// `None` only while the file is being dropped.
    file: Option<File>,
    space: Mutex<Space>,
}

/// What a file has on the disk.
#[derive(Default)]
struct Space {
    share: Option<Share>,
    /// The bytes before this offset are no longer on the disk.
    released: u64,
}

impl TempFile {
    /// Makes an empty file in a directory.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        // On Linux the file never has a name (O_TMPFILE). Elsewhere its name is removed at once.
        let file = tempfile::tempfile_in(directory)?;
        // tempfile 3.27 leaves the mode of a file without a name to the umask.
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(Self { file: Some(file), space: Mutex::default() })
    }

    /// Writes pieces one after the other. They begin at an offset, which is the end of the file. If this fails, the file is as
    /// before.
    pub(super) fn write<'a>(
        &self,
        pieces: impl Iterator<Item = &'a [u8]>,
        offset: u64,
        share: Share,
    ) -> io::Result<()> {
        let file = self.file()?;
        let mut end = offset;
        for piece in pieces {
            if let Err(error) = file.write_all_at(piece, end) {
                // A full disk may have taken a part, which the budget does not count.
                let _ = file.set_len(offset);
                return Err(error);
            }
            end = end.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        match &mut self.space().share {
            Some(whole) => whole.add(share),
            none => *none = Some(share),
        }
        Ok(())
    }

    /// Reads bytes at an offset, and frees the space of what was read.
    pub(super) fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; len];
        self.file()?.read_exact_at(&mut bytes, offset)?;
        self.release(offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX)));
        Ok(bytes.into())
    }

    /// Frees the space of the bytes before an offset, if they are many. Where the operating system or the file system cannot do
    /// this, the space is freed with the file.
    fn release(&self, offset: u64) {
        let mut space = self.space();
        let length = offset.saturating_sub(space.released) & !RELEASE.saturating_sub(1);
        if length == 0 || !self.punch(space.released, length) {
            return;
        }
        space.released = space.released.saturating_add(length);
        if let Some(share) = &mut space.share {
            share.give_back(length);
        }
    }

    #[cfg(target_os = "linux")]
    fn punch(&self, offset: u64, length: u64) -> bool {
        use rustix::fs::{FallocateFlags, fallocate};
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        self.file.as_ref().is_some_and(|file| fallocate(file, flags, offset, length).is_ok())
    }

    #[cfg(not(target_os = "linux"))]
    fn punch(&self, _offset: u64, _length: u64) -> bool {
        false
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn space(&self) -> MutexGuard<'_, Space> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let file = self.file.take();
        let space = core::mem::take(&mut *self.space());
        // The close of a file without a name frees its space. For a large file this takes long.
        let close = move || {
            drop(file);
            drop(space);
        };
        match Handle::try_current() {
            // A second panic would end the process: a runtime that cannot start a thread panics.
            Ok(runtime) if !panicking() => drop(runtime.spawn_blocking(close)),
            _ => close(),
        }
    }
}

impl fmt::Debug for TempFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TempFile").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::buffer::budget::Budget;

    /// Nobody else reads what clients send, and a gateway that is killed leaves no file.
    #[test]
    fn the_file_is_private_and_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = TempFile::create(directory.path()).unwrap();
        let metadata = file.file().unwrap().metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        assert_eq!(metadata.nlink(), 0);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let budget = Budget::new(0, 100, std::env::temp_dir());
        let mut file = TempFile::create(&std::env::temp_dir()).unwrap();
        file.write([&b"abc"[..], b"de"].into_iter(), 0, budget.take_temp(5).unwrap()).unwrap();
        let written = file.file.replace(File::open("/dev/null").unwrap());
        // A file that is only open for reads fails as a full disk does.
        file.write([&b"fgh"[..]].into_iter(), 5, budget.take_temp(3).unwrap()).unwrap_err();
        assert_eq!(budget.used(), (0, 5));
        file.file = written;
        assert_eq!(file.read(1, 4).unwrap(), "bcde");
        assert_eq!(file.read(1, 5).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(file);
        assert_eq!(budget.used(), (0, 0));
    }

    /// A disk that becomes full in the middle of a write: what was written of it does not stay.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_part_of_a_write_does_not_stay() {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

        // This file may not grow over 8 bytes.
        let full = File::from(memfd_create("gateway", MemfdFlags::ALLOW_SEALING).unwrap());
        full.set_len(8).unwrap();
        fcntl_add_seals(&full, SealFlags::GROW).unwrap();
        let file = TempFile { file: Some(full), space: Mutex::default() };
        let budget = Budget::new(0, 100, std::env::temp_dir());
        file.write([&b"abcde"[..]].into_iter(), 0, budget.take_temp(5).unwrap()).unwrap();
        file.write([&b"fgh"[..], b"i"].into_iter(), 5, budget.take_temp(4).unwrap()).unwrap_err();
        assert_eq!(budget.used(), (0, 5));
        assert_eq!(file.file().unwrap().metadata().unwrap().len(), 5);
        assert_eq!(file.read(0, 5).unwrap(), "abcde");
    }

    /// The budget has what the disk has.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_read_leaves_the_disk() {
        let budget = Budget::new(0, 4 << 20, std::env::temp_dir());
        let file = TempFile::create(&std::env::temp_dir()).unwrap();
        let batch = vec![7; 64 << 10];
        for number in 0..64 {
            file.write([&batch[..]].into_iter(), number * 65536, budget.take_temp(batch.len()).unwrap()).unwrap();
        }
        // How many bytes were read, and how many must still be on the disk.
        let rows = [(1, 4 << 20), ((1 << 20) - 1, 4 << 20), (1 << 20, 3 << 20), (5 << 19, 2 << 20), (4 << 20, 0)];
        for (read, left) in rows {
            assert_eq!(file.read(read - 1, 1).unwrap(), &[7][..]);
            assert_eq!(budget.used(), (0, left), "{read}");
            assert_eq!(file.file().unwrap().metadata().unwrap().blocks() * 512, left, "{read}");
        }
        drop(file);
        assert_eq!(budget.used(), (0, 0));
    }
}
