//! Two functions that a device calls from C, for a packet in memory. `measure` builds them and counts their bytes.

#![no_std]

use core::panic::PanicInfo;
use core::slice;

use uwsgi::{DecodeError, Packet, Vars};

/// Some bytes in memory, as C passes them.
#[repr(C)]
pub struct Bytes {
    /// The address of the first byte.
    pub start: *const u8,
    /// The number of bytes.
    pub len: usize,
}

/// Returns the number of vars of the packet at the start of these bytes, or `-1 - kind` if there is no valid packet.
///
/// # Safety
///
/// `len` bytes can be read from `start`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn uwsgi_count(start: *const u8, len: usize) -> i32 {
    // SAFETY: the caller promises it.
    let bytes = unsafe { slice::from_raw_parts(start, len) };
    match vars(bytes) {
        Ok(vars) => vars.len() as i32,
        Err(error) => -1 - error.kind() as i32,
    }
}

/// Finds the last var with this key in the packet at the start of these bytes. Returns whether there is one.
///
/// # Safety
///
/// `len` bytes can be read from `start` and `key_len` bytes from `key`, and `found` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn uwsgi_get(
    start: *const u8,
    len: usize,
    key: *const u8,
    key_len: usize,
    found: *mut Bytes,
) -> bool {
    // SAFETY: the caller promises it.
    let (bytes, key) = unsafe { (slice::from_raw_parts(start, len), slice::from_raw_parts(key, key_len)) };
    match vars(bytes).ok().and_then(|vars| vars.get(key)) {
        Some(value) => {
            let value = Bytes { start: value.as_ptr(), len: value.len() };
            // SAFETY: the caller promises it.
            unsafe { found.write(value) };
            true
        }
        None => false,
    }
}

fn vars(bytes: &[u8]) -> Result<Vars<'_>, DecodeError> {
    let (packet, _) = Packet::decode(bytes)?;
    packet.vars()
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
