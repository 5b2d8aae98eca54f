//! The buffers that encoders write into.

use arrayvec::ArrayVec;

/// A buffer that an encoder writes into: `[u8]`, `ArrayVec<u8, N>`, or `Vec<u8>` with the feature `alloc`.
///
/// An encoder writes a slice from its start, and appends to the other two. The trait is sealed: it is for bounds, and only this
/// crate calls its methods.
#[allow(private_bounds, reason = "sealed")]
pub trait Buffer: sealed::Sealed {
    /// Returns where a packet begins.
    #[doc(hidden)]
    fn begin(&mut self) -> usize;

    /// Writes all pieces one after the other at `at`; writes nothing and returns false if they do not fit.
    #[doc(hidden)]
    fn append<const N: usize>(&mut self, at: usize, pieces: [&[u8]; N]) -> bool;

    /// Removes what was written from `start` on. In a slice the bytes stay, because a slice does not count what was written; no
    /// caller has seen them.
    #[doc(hidden)]
    fn cut(&mut self, start: usize);

    /// Returns how many bytes fit after `at`.
    #[doc(hidden)]
    fn room(&self, at: usize) -> usize;

    /// Returns what was written between two positions.
    #[doc(hidden)]
    fn written(&self, from: usize, to: usize) -> &[u8];

    /// Returns what was written between two positions, to be changed.
    #[doc(hidden)]
    fn written_mut(&mut self, from: usize, to: usize) -> &mut [u8];
}

mod sealed {
    pub(super) trait Sealed {}
    impl Sealed for [u8] {}
    impl<const N: usize> Sealed for arrayvec::ArrayVec<u8, N> {}
    #[cfg(feature = "alloc")]
    impl Sealed for alloc::vec::Vec<u8> {}
}

/// Returns the length of all pieces together.
#[inline(always)]
pub(crate) fn total<const N: usize>(pieces: &[&[u8]; N]) -> usize {
    pieces.iter().fold(0, |sum: usize, piece| sum.saturating_add(piece.len()))
}

/// Copies between slices of equal length. Most keys and values are short. Two copies of a constant length, which may overlap,
/// take a fraction of the time of a call of `memcpy`.
#[inline(always)]
fn copy(target: &mut [u8], source: &[u8]) {
    // The compiler turns a `match` into a jump that the processor cannot predict. These comparisons take a fifth less time.
    let len = source.len();
    if len >= 16 {
        if len <= 32 {
            steps::<16>(target, source);
        } else if len <= 64 {
            steps::<32>(target, source);
        } else {
            target.copy_from_slice(source);
        }
    } else if len >= 8 {
        steps::<8>(target, source);
    } else if len >= 4 {
        steps::<4>(target, source);
    } else if len >= 2 {
        steps::<2>(target, source);
    } else {
        steps::<1>(target, source);
    }
}

/// Copies the first `N` bytes and the last `N` bytes.
#[inline(always)]
fn steps<const N: usize>(target: &mut [u8], source: &[u8]) {
    if let (Some(first), Some(last)) = (source.first_chunk::<N>(), source.last_chunk::<N>()) {
        if let Some(place) = target.first_chunk_mut() {
            *place = *first;
        }
        if let Some(place) = target.last_chunk_mut() {
            *place = *last;
        }
    }
}

impl Buffer for [u8] {
    #[inline(always)]
    fn begin(&mut self) -> usize {
        0
    }

    #[inline(always)]
    fn append<const N: usize>(&mut self, at: usize, pieces: [&[u8]; N]) -> bool {
        let end = at.saturating_add(total(&pieces));
        let Some(mut target) = self.get_mut(at..end) else { return false };
        for piece in pieces {
            let Some((here, rest)) = target.split_at_mut_checked(piece.len()) else { return false };
            copy(here, piece);
            target = rest;
        }
        true
    }

    #[inline]
    fn cut(&mut self, _start: usize) {}

    fn room(&self, at: usize) -> usize {
        self.len().saturating_sub(at)
    }

    #[inline(always)]
    fn written(&self, from: usize, to: usize) -> &[u8] {
        self.get(from..to).unwrap_or_default()
    }

    #[inline(always)]
    fn written_mut(&mut self, from: usize, to: usize) -> &mut [u8] {
        self.get_mut(from..to).unwrap_or_default()
    }
}

impl<const CAP: usize> Buffer for ArrayVec<u8, CAP> {
    #[inline]
    fn begin(&mut self) -> usize {
        self.len()
    }

    #[inline]
    fn append<const N: usize>(&mut self, at: usize, pieces: [&[u8]; N]) -> bool {
        // If the header of a packet had no room, `at` is past the end of the buffer.
        if at != self.len() || total(&pieces) > self.remaining_capacity() {
            return false;
        }
        pieces.into_iter().all(|piece| self.try_extend_from_slice(piece).is_ok())
    }

    #[inline]
    fn cut(&mut self, start: usize) {
        self.truncate(start);
    }

    fn room(&self, at: usize) -> usize {
        CAP.saturating_sub(at)
    }

    fn written(&self, from: usize, to: usize) -> &[u8] {
        self.get(from..to).unwrap_or_default()
    }

    fn written_mut(&mut self, from: usize, to: usize) -> &mut [u8] {
        self.get_mut(from..to).unwrap_or_default()
    }
}

#[cfg(feature = "alloc")]
impl Buffer for alloc::vec::Vec<u8> {
    #[inline]
    fn begin(&mut self) -> usize {
        self.len()
    }

    #[inline]
    fn append<const N: usize>(&mut self, _at: usize, pieces: [&[u8]; N]) -> bool {
        self.reserve(total(&pieces));
        for piece in pieces {
            self.extend_from_slice(piece);
        }
        true
    }

    #[inline]
    fn cut(&mut self, start: usize) {
        self.truncate(start);
    }

    fn room(&self, _at: usize) -> usize {
        usize::MAX
    }

    fn written(&self, from: usize, to: usize) -> &[u8] {
        self.get(from..to).unwrap_or_default()
    }

    fn written_mut(&mut self, from: usize, to: usize) -> &mut [u8] {
        self.get_mut(from..to).unwrap_or_default()
    }
}
