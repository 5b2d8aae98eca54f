//! What a client and a backend see of one connection, and how the rows say it.

use std::fmt;

use super::escapes::{escape, escape_word, unescape};

/// What came of the bytes of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The statuses of all answers in order, also of interim ones. 0 is an answer without a head.
    pub(crate) statuses: Vec<u16>,
    pub(crate) ending: Ending,
}

/// The state of the connection after the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The front end answers one more request.
    Open,
    Closed,
    /// The front end does not answer one more request, and does not close the connection within the time that a test waits.
    Waits,
}

/// Stands after a request whose body did not come whole.
pub(crate) const BROKE_OFF: &str = " (the body broke off)";

/// A request that a backend got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) method: Vec<u8>,
    /// REQUEST_URI.
    pub(crate) uri: Vec<u8>,
    /// PATH_INFO.
    pub(crate) path: Vec<u8>,
    /// CONTENT_LENGTH; `None` if it is absent or empty.
    pub(crate) length: Option<Vec<u8>>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came whole.
    pub(crate) is_whole: bool,
}

impl Outcome {
    /// Reads the words of a row: `200 400 closed`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split(' ').collect();
        let ending = match words.pop() {
            Some("open") => Ending::Open,
            Some("closed") => Ending::Closed,
            Some("waits") => Ending::Waits,
            _ => return Err(format!("no ending: {text:?}")),
        };
        let statuses = words.into_iter().map(|word| match word {
            "headless" => Ok(0),
            _ => word.parse().ok().filter(|status| (100..600).contains(status)).ok_or(format!("no status: {word:?}")),
        });
        Ok(Self { statuses: statuses.collect::<Result<_, _>>()?, ending })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for status in &self.statuses {
            if *status == 0 { write!(f, "headless ")? } else { write!(f, "{status} ")? }
        }
        f.write_str(match self.ending {
            Ending::Open => "open",
            Ending::Closed => "closed",
            Ending::Waits => "waits",
        })
    }
}

impl Taken {
    /// Reads the words of a row: `METHOD REQUEST_URI PATH_INFO CONTENT_LENGTH BODY`, with `-` for a length that is absent.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.splitn(5, ' ');
        let mut word = || words.next().ok_or_else(|| format!("four words are needed: {text:?}"));
        let (method, uri, path, length) = (word()?, word()?, word()?, word()?);
        Ok(Self {
            method: unescape(method)?,
            uri: unescape(uri)?,
            path: unescape(path)?,
            length: (length != "-").then(|| length.as_bytes().to_vec()),
            body: unescape(words.next().unwrap_or_default())?,
            is_whole: true,
        })
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [method, uri, path] = [&self.method, &self.uri, &self.path].map(|bytes| escape_word(bytes));
        let length = self.length.as_deref().map_or("-".to_owned(), escape_word);
        write!(f, "{method} {uri} {path} {length}")?;
        if !self.body.is_empty() {
            write!(f, " {}", escape(&self.body))?;
        }
        if self.is_whole { Ok(()) } else { f.write_str(BROKE_OFF) }
    }
}

#[test]
fn outcomes_are_read_back() {
    for text in ["200 open", "100 200 400 closed", "closed", "headless closed", "413 waits"] {
        assert_eq!(Outcome::parse(text).expect(text).to_string(), text);
    }
    for text in ["GET / / 0", "POST /a?b /a\\x20c 5 he lo", "GET / / -"] {
        assert_eq!(Taken::parse(text).expect(text).to_string(), text);
    }
    for wrong in ["", "200", "20 open", "200 shut"] {
        assert!(Outcome::parse(wrong).is_err(), "{wrong}");
    }
    assert!(Taken::parse("GET / /").is_err());
}
