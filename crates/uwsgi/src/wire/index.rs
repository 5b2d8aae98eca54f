//! Vars, sorted once so that many look-ups are fast.

use arrayvec::ArrayVec;

use crate::wire::grammar::Pair;
use crate::wire::vars::Vars;

/// Up to `N` vars sorted by key: for programs that look very many names up in one packet. Nothing is allocated.
///
/// It pays from about one look-up a var on: for 22 look-ups among 22 vars it costs, sorting included, what
/// [`Vars::get`](crate::Vars::get) does. Fewer are better made there.
///
/// ```
/// use uwsgi::{VarIndex, Vars};
///
/// let vars = Vars::decode(b"\x01\x00B\x01\x002\x01\x00A\x01\x001\x01\x00B\x01\x003")?;
/// let index = VarIndex::<64>::new(vars).unwrap();
/// assert_eq!(index.get("B"), Some(&b"3"[..])); // the last one, as `Vars::get`
/// assert!(index.get_all("B").eq([b"2", b"3"]));
/// assert!(VarIndex::<2>::new(vars).is_none());
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VarIndex<'a, const N: usize> {
    sorted: ArrayVec<Entry<'a>, N>,
}

/// A pair and its place in the packet; places keep duplicates in wire order.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    pair: Pair<'a>,
    place: usize,
}

impl<'a, const N: usize> VarIndex<'a, N> {
    /// An index of all pairs, or `None` where there are more than `N`.
    #[must_use]
    pub fn new(vars: Vars<'a>) -> Option<Self> {
        let mut sorted = ArrayVec::new();
        for (place, pair) in vars.iter().enumerate() {
            sorted.try_push(Entry { pair, place }).ok()?;
        }
        sorted.sort_unstable_by_key(|entry: &Entry<'a>| (order(entry.pair.0), entry.place));
        Some(Self { sorted })
    }

    /// The value of the last pair with this key.
    #[must_use]
    pub fn get<K: AsRef<[u8]> + ?Sized>(&self, key: &K) -> Option<&'a [u8]> {
        self.get_all(key).next_back()
    }

    /// The values of all pairs with this key, in wire order.
    pub fn get_all<K: AsRef<[u8]> + ?Sized>(
        &self,
        key: &K,
    ) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + use<'_, 'a, K, N> {
        let key = order(key.as_ref());
        let from = self.sorted.partition_point(|entry| order(entry.pair.0) < key);
        let to = self.sorted.partition_point(|entry| order(entry.pair.0) <= key);
        self.sorted.get(from..to).unwrap_or_default().iter().map(|entry| entry.pair.1)
    }

    /// How many pairs there are, duplicates counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are no pairs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

/// Lengths are compared before bytes: most keys differ there already.
#[inline]
const fn order(key: &[u8]) -> (usize, &[u8]) {
    (key.len(), key)
}
