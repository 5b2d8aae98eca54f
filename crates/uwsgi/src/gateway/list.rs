//! The elements of a header that is a list.

/// Returns the elements of the values of a header that is a list, without the spaces around them. An empty element is left out
/// (RFC 9110 section 5.6.1.2).
pub(crate) fn elements<'v, V>(values: V) -> impl DoubleEndedIterator<Item = &'v [u8]>
where
    V: IntoIterator<Item = &'v [u8], IntoIter: DoubleEndedIterator>,
{
    let elements = values.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}
