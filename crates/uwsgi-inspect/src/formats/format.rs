//! The formats of a report, and the choice of one for a client.

use core::fmt;

/// A format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A page for a browser.
    Html,
    /// JSON for programs.
    Json,
    /// Lines for a terminal.
    Text,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Html, Self::Json, Self::Text];

    /// Chooses the format for a request: the one that the query names with `format=html`, `json` or `text`, else the one that
    /// `Accept` ranks highest (RFC 9110 section 12.5.1), else [`Format::Text`].
    ///
    /// A wildcard chooses none of the three, so curl's `*/*` gives text. Browsers name `text/html`. If two formats have equal
    /// weights, the format that `Accept` names more exactly wins, then the one that it names first. An unknown format in the
    /// query is ignored.
    ///
    /// ```
    /// use uwsgi_inspect::Format;
    ///
    /// assert_eq!(Format::negotiate(b"", b"*/*"), Format::Text);
    /// assert_eq!(Format::negotiate(b"", b"text/html,application/xml;q=0.9,*/*;q=0.8"), Format::Html);
    /// assert_eq!(Format::negotiate(b"", b"application/json, text/plain;q=0.5"), Format::Json);
    /// assert_eq!(Format::negotiate(b"id=1&format=json", b"text/html"), Format::Json);
    /// ```
    #[must_use]
    pub fn negotiate(query: &[u8], accept: &[u8]) -> Self {
        Self::in_query(query).unwrap_or_else(|| Self::in_accept(accept))
    }

    /// Returns `html`, `json` or `text`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Text => "text",
        }
    }

    /// Returns the value for `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// Returns the last format that the query names.
    fn in_query(query: &[u8]) -> Option<Self> {
        let values = query.split(|byte| *byte == b'&').filter_map(|pair| pair.strip_prefix(b"format="));
        values.filter_map(Self::named).next_back()
    }

    fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str().as_bytes() == name)
    }

    fn in_accept(accept: &[u8]) -> Self {
        let ranked = Self::ALL.iter().filter_map(|format| Some((format.rank(accept)?, *format)));
        ranked.max_by_key(|(rank, _)| *rank).map_or(Self::Text, |(_, format)| format)
    }

    /// Returns the rank of this format, or `None` if the client does not accept it.
    fn rank(self, accept: &[u8]) -> Option<Rank> {
        let (kind, subtype): (&[u8], &[u8]) = match self {
            Self::Html => (b"text", b"html"),
            Self::Json => (b"application", b"json"),
            Self::Text => (b"text", b"plain"),
        };
        let ranges = accept.split(|byte| *byte == b',').enumerate().filter_map(|(index, range)| {
            let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let (of, sub) = split_once(parts.next()?, b'/')?;
            let exactness = match (of, sub) {
                _ if of.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => 2,
                (_, b"*") if of.eq_ignore_ascii_case(kind) => 1,
                (b"*", b"*") => 0,
                _ => return None,
            };
            let quality = parts.find_map(quality).unwrap_or(1000);
            // A client that names none of the three formats gets plain text.
            let plain = exactness < 2 && self == Self::Text;
            Some((exactness, Rank { quality, exactness, plain, earliness: usize::MAX.saturating_sub(index) }))
        });
        // The most exact range decides about a type, even if another range has a higher weight.
        let (_, rank) = ranges.max_by_key(|(exactness, rank)| (*exactness, rank.earliness))?;
        (rank.quality > 0).then_some(rank)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much a client wants a format. The first field counts most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// In thousandths.
    quality: u16,
    /// 2 for the type itself, 1 for `text/*`, 0 for `*/*`.
    exactness: u8,
    plain: bool,
    earliness: usize,
}

/// Returns the weight of a parameter `q=` in thousandths (RFC 9110 section 12.4.2). An invalid weight counts as 0.
fn quality(parameter: &[u8]) -> Option<u16> {
    let (b"q" | b"Q", value) = split_once(parameter, b'=')? else { return None };
    let (whole, fraction) = split_once(value, b'.').unwrap_or((value, b""));
    let digits = fraction.len() <= 3 && fraction.iter().all(u8::is_ascii_digit);
    Some(match (whole, digits) {
        (b"0", true) => {
            let tenths = fraction.iter().chain(b"000").take(3);
            tenths
                .fold(0, |sum: u16, digit| sum.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0'))))
        }
        (b"1", true) if fraction.iter().all(|digit| *digit == b'0') => 1000,
        _ => 0,
    })
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = text.iter().position(|byte| *byte == at)?;
    let (before, rest) = text.split_at_checked(index)?;
    Some((before, rest.get(1..)?))
}
