//! Which headers count in a packet of many vars.
//!
//! Whether a header counts depends on the other headers of its name. A search through all vars for each header takes quadratic
//! time, and a packet has room for 6,000 names. A table of all names needs memory, and this crate allocates nothing. So this
//! file decides for one window of vars at a time: it sorts the names of the window, and then looks up each var of the packet
//! among them.

use core::cmp::Ordering;

use arrayvec::ArrayVec;

use crate::cgi::name::HeaderName;
use crate::wire::vars::Vars;

/// The number of vars of a window: more than most packets have. The sorted names of a window take 5 KiB of the stack.
const WINDOW: usize = 512;

/// The vars of one window that are headers and count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The number of the first var of the window.
    begin: usize,
    /// A bit for each var: whether it counts.
    counting: [u64; WINDOW / 64],
}

impl Window {
    /// Decides which vars count, in the window that has the var of this number.
    #[cold]
    #[inline(never)]
    pub(crate) fn around(vars: Vars<'_>, number: usize) -> Self {
        let begin = number.saturating_sub(number % WINDOW);
        let mut window = Self { begin, counting: [0; WINDOW / 64] };
        let mut names = Names { vars, sorted: ArrayVec::new() };
        for (place, header) in headers(vars).skip(begin).take(WINDOW) {
            if let Some((name, _)) = header {
                let known = Known { hash: hash(name), name: place, last: place, previous: None };
                // There is room for all names of a window.
                let _ = names.sorted.try_push(known);
            }
        }
        names.sort();
        for (place, header) in headers(vars) {
            if let Some(known) = header.and_then(|(name, _)| names.find(name)) {
                known.last = place;
            }
        }
        let end = begin.saturating_add(WINDOW);
        for (number, (place, header)) in headers(vars).take(end).enumerate() {
            let Some((name, value)) = header else { continue };
            let Some(known) = names.find(name) else { continue };
            let (last, previous) = (known.last, known.previous);
            if !value.is_empty() {
                known.previous = Some(place);
            }
            let value_at = |place| vars.at(place).map(|(_, value)| value);
            let counts = if name.separator().is_none() {
                place == last
            } else {
                let is_removed = value_at(last).is_none_or(<[u8]>::is_empty);
                !value.is_empty() && !is_removed && previous.and_then(value_at) != Some(value)
            };
            if counts && number >= begin {
                window.set(number);
            }
        }
        window
    }

    /// Whether the window has the var of this number.
    pub(crate) const fn has(&self, number: usize) -> bool {
        self.begin == number.saturating_sub(number % WINDOW)
    }

    /// Whether the var of this number, which the window has, counts.
    pub(crate) fn counts(&self, number: usize) -> bool {
        let (word, bit) = position(number);
        self.counting.get(word).is_some_and(|word| word & bit != 0)
    }

    fn set(&mut self, number: usize) {
        let (word, bit) = position(number);
        if let Some(word) = self.counting.get_mut(word) {
            *word |= bit;
        }
    }
}

/// Returns the word of a window that has the bit of a var, and the bit.
fn position(number: usize) -> (usize, u64) {
    let bit = u32::try_from(number % 64).unwrap_or_default();
    ((number % WINDOW) / 64, 1_u64.rotate_left(bit))
}

/// The names of a window, sorted.
struct Names<'a> {
    vars: Vars<'a>,
    sorted: ArrayVec<Known, WINDOW>,
}

/// What is known about a name. Places are offsets in the block, which has less than 64 KiB.
#[derive(Clone, Copy)]
struct Known {
    hash: u16,
    /// The place of a var of this name.
    name: u16,
    /// The place of the last var of this name in the packet.
    last: u16,
    /// The place of the last var of this name so far whose value is not empty.
    previous: Option<u16>,
}

impl Names<'_> {
    /// Returns what is known about a name. Of several entries of the name it returns the first.
    fn find(&mut self, name: HeaderName<'_>) -> Option<&mut Known> {
        let (vars, hash) = (self.vars, hash(name));
        let compare = |known: &Known| known.hash.cmp(&hash).then_with(|| order(name_at(vars, known.name), Some(name)));
        let index = self.sorted.partition_point(|known| compare(known).is_lt());
        self.sorted.get_mut(index).filter(|known| compare(known).is_eq())
    }

    /// Sorts by heapsort, which takes O(n log n) steps whatever names a peer sends. It has no panic path; the sort of `core`
    /// has one.
    fn sort(&mut self) {
        let len = self.sorted.len();
        for root in (0..len / 2).rev() {
            self.sift_down(root, len);
        }
        for end in (1..len).rev() {
            self.swap(0, end);
            self.sift_down(0, end);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize) {
        loop {
            let left = root.saturating_mul(2).saturating_add(1);
            let right = left.saturating_add(1);
            if left >= end {
                return;
            }
            let child = if right < end && self.is_less(left, right) { right } else { left };
            if !self.is_less(root, child) {
                return;
            }
            self.swap(root, child);
            root = child;
        }
    }

    fn is_less(&self, one: usize, other: usize) -> bool {
        let (Some(one), Some(other)) = (self.sorted.get(one), self.sorted.get(other)) else { return false };
        let names = || order(name_at(self.vars, one.name), name_at(self.vars, other.name));
        one.hash.cmp(&other.hash).then_with(names).is_lt()
    }

    fn swap(&mut self, one: usize, other: usize) {
        let (Some(&first), Some(&second)) = (self.sorted.get(one), self.sorted.get(other)) else { return };
        for (index, known) in [(one, second), (other, first)] {
            if let Some(slot) = self.sorted.get_mut(index) {
                *slot = known;
            }
        }
    }
}

/// Returns the place of each var, and its header if it is one.
fn headers<'a>(vars: Vars<'a>) -> impl Iterator<Item = (u16, Option<(HeaderName<'a>, &'a [u8])>)> {
    let mut rest = vars.iter();
    core::iter::from_fn(move || {
        let place = vars.as_bytes().len().saturating_sub(rest.as_bytes().len());
        let (key, value) = rest.next()?;
        let header = HeaderName::from_key(key).map(|name| (name, value));
        Some((u16::try_from(place).unwrap_or(u16::MAX), header))
    })
}

fn name_at(vars: Vars<'_>, place: u16) -> Option<HeaderName<'_>> {
    vars.at(place).and_then(|(key, _)| HeaderName::from_key(key))
}

/// Orders names. The order only has to make equal names equal, and to make `CONTENT_TYPE` and `HTTP_CONTENT_TYPE` differ.
fn order(one: Option<HeaderName<'_>>, other: Option<HeaderName<'_>>) -> Ordering {
    let (Some(one), Some(other)) = (one, other) else { return one.is_some().cmp(&other.is_some()) };
    let shape = |name: HeaderName<'_>| (name.as_bytes().len(), name.is_prefixed());
    shape(one).cmp(&shape(other)).then_with(|| one.bytes().cmp(other.bytes()))
}

/// Returns the FNV-1a hash (draft-eastlake-fnv, section 2) of the printed name, folded to 16 bits. Different names may have the
/// same hash.
fn hash(name: HeaderName<'_>) -> u16 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = hash.to_le_bytes();
    u16::from_le_bytes([a ^ c, b ^ d])
}
