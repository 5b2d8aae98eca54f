//! The rows: what a client sends, what our gateway and nginx do, and why.
//!
//! The files in `rows` have one block of lines a row, with an empty line after it:
//!
//! ```text
//! row   length-plus
//! why   A sign is not a digit. (RFC 9110 section 8.6)
//! > POST /p HTTP/1.1\r\nHost: app.example\r\n
//! > Content-Length: +5\r\n\r\nhello
//! ours  400 closed
//! nginx 400 closed
//! ```
//!
//! - `>`: the bytes that the client sends, as [`unescape`] reads them. Several lines are one text.
//! - `then half-close`: the client half-closes the connection after the bytes.
//! - `on`: the settings of our gateway, see [`On`].
//! - `ours`: the statuses of all answers in order, and whether the connection is `open` for one more request or `closed`.
//! - `split`: what our gateway may also do if the bytes come in parts. Only hyper decides so.
//! - `backend`: one request that the backend gets: its method, REQUEST_URI, PATH_INFO, CONTENT_LENGTH and body.
//! - `nginx`: what nginx 1.22 does, in the words of `ours`, and the lengths of the bodies of all requests that its backend gets.
//! - `#`: a comment.
//!
//! A new row has the line `nginx ?`. `UWSGI_BLESS=1 cargo test -p uwsgi-tests --features peers --test gateway nginx` then writes
//! what nginx does.

use super::escapes::unescape;
use super::outcome::{Outcome, Taken};

/// The files of rows, with their names.
pub(crate) const FILES: [(&str, &str); 17] = [
    ("request_line.txt", include_str!("rows/request_line.txt")),
    ("target.txt", include_str!("rows/target.txt")),
    ("target_forms.txt", include_str!("rows/target_forms.txt")),
    ("host.txt", include_str!("rows/host.txt")),
    ("lines.txt", include_str!("rows/lines.txt")),
    ("names.txt", include_str!("rows/names.txt")),
    ("length.txt", include_str!("rows/length.txt")),
    ("length_bodies.txt", include_str!("rows/length_bodies.txt")),
    ("codings.txt", include_str!("rows/codings.txt")),
    ("both.txt", include_str!("rows/both.txt")),
    ("chunked.txt", include_str!("rows/chunked.txt")),
    ("chunks.txt", include_str!("rows/chunks.txt")),
    ("extensions.txt", include_str!("rows/extensions.txt")),
    ("connection.txt", include_str!("rows/connection.txt")),
    ("expect.txt", include_str!("rows/expect.txt")),
    ("limits.txt", include_str!("rows/limits.txt")),
    ("ends.txt", include_str!("rows/ends.txt")),
];

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether the client half-closes the connection after the bytes.
    pub(crate) half_closes: bool,
    pub(crate) on: On,
    pub(crate) ours: Outcome,
    /// What our gateway may also do if the bytes come in parts.
    pub(crate) split: Option<Outcome>,
    pub(crate) backend: Vec<Taken>,
    pub(crate) nginx: String,
}

/// The settings of our gateway in a row.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    /// Bodies have at most 100,000 bytes. All else is as by default.
    #[default]
    Default,
    /// A client that does not send the rest of a request is given up after 1 second.
    ShortTimeouts,
    /// Names with underscores pass.
    Underscores,
}

impl On {
    pub(crate) const ALL: [Self; 3] = [Self::Default, Self::ShortTimeouts, Self::Underscores];

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "short-timeouts" => Ok(Self::ShortTimeouts),
            "underscores" => Ok(Self::Underscores),
            _ => Err(format!("no settings: {text:?}")),
        }
    }
}

/// Returns all rows in the order of the files.
///
/// # Panics
///
/// If a row is malformed.
pub(crate) fn all() -> Vec<Row> {
    FILES.iter().flat_map(|(file, text)| rows_of(text).unwrap_or_else(|error| panic!("rows/{file}: {error}"))).collect()
}

fn rows_of(text: &str) -> Result<Vec<Row>, String> {
    let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let blocks = without_comments.split(|line| line.is_empty()).filter(|block| !block.is_empty());
    blocks.map(|block| row(block).map_err(|error| format!("{}: {error}", block.join("\n")))).collect()
}

fn row(lines: &[&str]) -> Result<Row, String> {
    let mut bytes = String::new();
    let [mut name, mut why, mut then, mut on, mut ours, mut split, mut nginx] = [const { Vec::<&str>::new() }; 7];
    let mut backend = Vec::new();
    for line in lines {
        let (key, value) = line.split_once(' ').ok_or_else(|| format!("a key and a value are needed: {line:?}"))?;
        // The bytes begin after one space, since they may begin with spaces.
        let words = value.trim_start();
        match key {
            ">" => bytes.push_str(value),
            "backend" => backend.push(Taken::parse(words)?),
            "row" => name.push(words),
            "why" => why.push(words),
            "then" if words == "half-close" => then.push(words),
            "on" => on.push(words),
            "ours" => ours.push(words),
            "split" => split.push(words),
            "nginx" => nginx.push(words),
            _ => return Err(format!("no key of a row: {key:?}")),
        }
    }
    let one = |what: &str, texts: &[&str]| match texts {
        [text] => Ok((*text).to_owned()),
        _ => Err(format!("{} lines {what}", texts.len())),
    };
    Ok(Row {
        name: one("row", &name)?,
        why: why.join(" "),
        bytes: unescape(&bytes)?,
        half_closes: !then.is_empty(),
        on: if on.is_empty() { On::Default } else { On::parse(&one("on", &on)?)? },
        ours: Outcome::parse(&one("ours", &ours)?)?,
        split: split.first().map(|words| Outcome::parse(words)).transpose()?,
        backend,
        nginx: nginx.join(" "),
    })
}

#[test]
fn rows_are_read() {
    let text = "# A comment.\n\nrow   one\nwhy   A reason. (RFC 9112)\n>  GET\n> \\r\\n\non    short-timeouts\nours  200 open\n\
                backend GET / / 0\nnginx 200 open, bodies 0\n";
    let rows = rows_of(text).expect("a row");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&*row.name, &*row.bytes, row.on), ("one", &b" GET\r\n"[..], On::ShortTimeouts));
    assert_eq!((row.ours.to_string(), row.backend.len()), ("200 open".to_owned(), 1));
    for wrong in ["row one\n", "row one\nours 200 open\nours 200 open\n", "row one\nours 200 open\nsays a\n", "row\n"] {
        assert!(rows_of(wrong).is_err(), "{wrong}");
    }
}
