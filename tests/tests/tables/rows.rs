//! The rows of a table, and how they are run: a failure names every row that fails, not only the first.

use uwsgi::framing::{FramingError, RequestFraming};
use uwsgi::{ContentErrorKind, DecodeErrorKind, Packet, Request, Scheme, check};
use uwsgi_tests::naive::{self, Fault, Rules};

/// Pairs as text, in which one character U+0000 to U+00FF stands for one byte.
pub type Pairs = &'static [(&'static str, &'static str)];

/// The bytes that are decoded.
pub enum Input {
    /// A whole packet and what follows it, in hex; blanks are for the reader.
    Hex(&'static str),
    /// A header and this many copies of a piece of payload, in hex.
    Times(usize, &'static str),
    /// A good packet of these vars.
    Vars(Pairs),
    /// The small request with some values changed, some vars left out, and some added at the end.
    Small { change: Pairs, without: &'static [&'static str], more: Pairs },
    /// The small request with excess bytes after its vars, in hex; the datasize counts them.
    SmallThen(&'static str),
}

/// The small request that rows build on; its payload has 191 bytes.
const SMALL: Pairs = &[
    ("QUERY_STRING", ""),
    ("REQUEST_METHOD", "GET"),
    ("CONTENT_TYPE", ""),
    ("CONTENT_LENGTH", ""),
    ("REQUEST_URI", "/m"),
    ("PATH_INFO", "/m"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("SERVER_NAME", "lab.test"),
    ("SERVER_PORT", "80"),
    ("HTTP_HOST", "lab.test"),
];

/// The small request and further vars.
pub const fn small(more: Pairs) -> Input {
    Input::Small { change: &[], without: &[], more }
}

/// The small request with some values changed.
pub const fn changed(change: Pairs) -> Input {
    Input::Small { change, without: &[], more: &[] }
}

/// The small request without some vars.
pub const fn without(without: &'static [&'static str]) -> Input {
    Input::Small { change: &[], without, more: &[] }
}

impl Input {
    pub fn bytes(&self) -> Vec<u8> {
        let block = match self {
            Self::Hex(text) => return hex(text),
            Self::Times(count, piece) => hex(piece).repeat(*count),
            Self::Vars(pairs) => block(pairs),
            Self::Small { change, without, more } => {
                let mut pairs = SMALL.to_vec();
                pairs.retain(|(key, _)| !without.contains(key));
                for (key, value) in *change {
                    pairs.iter_mut().find(|(other, _)| other == key).expect("a var of the small request").1 = value;
                }
                pairs.extend_from_slice(more);
                block(&pairs)
            }
            Self::SmallThen(tail) => [block(SMALL), hex(tail)].concat(),
        };
        naive::encode_packet(0, 0, &block).expect("a block of at most 65535 bytes")
    }
}

fn block(pairs: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (latin1(key), latin1(value))).collect();
    naive::encode_vars(&pairs).expect("short keys and values")
}

/// A row about bytes: whether they decode, and to what.
pub struct WireRow {
    pub name: &'static str,
    pub input: Input,
    pub rules: Rules,
    pub ours: Verdict,
    pub uwsgi: &'static str,
    pub gunicorn: &'static str,
    pub source: &'static str,
}

/// Our verdict about bytes.
pub enum Verdict {
    /// These vars.
    Vars(Pairs),
    /// This many vars.
    Count(usize),
    /// Malformed or over a limit: the kind, the offset in the packet, the bytes needed, the bytes there.
    Error(DecodeErrorKind, usize, usize, usize),
    /// Cut short: this many more bytes complete the element that begins at the offset.
    Needs { more: usize, at: usize },
}

/// Runs the rows with the crate and with the naive decoder.
pub fn run_wire(table: &str, rows: &[WireRow]) {
    run(
        table,
        rows,
        |row| (row.name, [row.uwsgi, row.gunicorn, row.source]),
        |row| {
            let bytes = row.input.bytes();
            let limits = row.rules.limits();
            let ours = Packet::decode_with(&bytes, &limits)
                .and_then(|(packet, _)| Request::decode_with(&packet, &limits))
                .map(|request| request.vars().iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect::<Vec<_>>())
                .map_err(Fault::from);
            let naive = naive::packet(&bytes, &row.rules)
                .and_then(|packet| naive::vars(&packet.payload, &row.rules).whole().map_err(|fault| fault.moved_by(4)));
            let mut wrong = row.ours.disagreement("the crate", &ours);
            wrong.extend(row.ours.disagreement("the naive decoder", &naive));
            wrong
        },
    );
}

impl Verdict {
    fn disagreement(&self, decoder: &str, got: &Result<Vec<naive::Pair>, Fault>) -> Vec<String> {
        let holds = match (self, got) {
            (Self::Vars(want), Ok(got)) => {
                want.iter().map(|(key, value)| (latin1(key), latin1(value))).eq(got.iter().cloned())
            }
            (Self::Count(want), Ok(got)) => *want == got.len(),
            (Self::Error(kind, offset, required, available), Err(fault)) => {
                *fault == Fault { kind: *kind, offset: *offset, required: *required, available: *available }
            }
            (Self::Needs { more, at }, Err(fault)) => fault.needed() == Some(*more) && fault.offset == *at,
            _ => false,
        };
        if holds { vec![] } else { vec![format!("{decoder} says {got:?}")] }
    }
}

/// A row about a request: what its view shows.
pub struct ViewRow {
    pub name: &'static str,
    pub input: Input,
    pub sees: &'static [Sees],
    pub uwsgi: &'static str,
    pub gunicorn: &'static str,
    pub source: &'static str,
}

/// One fact that the view of a request shows; text is as in [`Pairs`].
#[derive(Debug)]
pub enum Sees {
    Method(Option<&'static str>),
    PathInfo(Option<&'static str>),
    QueryString(Option<&'static str>),
    RequestUri(Option<&'static str>),
    ScriptName(Option<&'static str>),
    ServerName(Option<&'static str>),
    ServerPort(Option<u16>),
    ServerProtocol(Option<&'static str>),
    RemoteAddr(Option<&'static str>),
    RemoteUser(Option<&'static str>),
    Host(Option<&'static str>),
    ContentType(Option<&'static str>),
    /// The last var of this key.
    Var(&'static str, Option<&'static str>),
    /// All vars of this key.
    Every(&'static str, &'static [&'static str]),
    /// The value of a var is not text.
    NotText(&'static str),
    Count(usize),
    Header(&'static str, Option<&'static str>),
    HeaderAll(&'static str, &'static [&'static str]),
    /// The headers that count, with their printed names.
    Headers(Pairs),
    /// All headers, with their printed names.
    RawHeaders(Pairs),
    /// The target, one character for each byte, and the mount.
    Target(&'static str, &'static str),
    Keepalive(bool),
    Scheme(Scheme),
    Body(Result<RequestFraming, FramingError>),
    /// The framing for a server that accepts chunked bodies, as after uWSGI's router with `--http-chunked-input`.
    BodyOrChunked(Result<RequestFraming, FramingError>),
    /// The bytes after the packet.
    After(&'static str),
    /// The content check refuses nothing.
    Clean,
    /// The content check refuses a value: its key, the reason, and the offset in the value.
    Refused(&'static str, ContentErrorKind, usize),
}

/// Runs the rows with the view.
pub fn run_view(table: &str, rows: &[ViewRow]) {
    run(
        table,
        rows,
        |row| (row.name, [row.uwsgi, row.gunicorn, row.source]),
        |row| {
            let bytes = row.input.bytes();
            let (packet, after) = match Packet::decode(&bytes) {
                Ok(decoded) => decoded,
                Err(error) => return vec![error.to_string()],
            };
            match Request::decode(&packet) {
                Ok(request) => row.sees.iter().filter_map(|sees| sees.disagreement(&request, after)).collect(),
                Err(error) => vec![error.to_string()],
            }
        },
    );
}

impl Sees {
    /// Returns what the view shows instead, if it differs.
    pub fn disagreement(&self, request: &Request<'_>, after: &[u8]) -> Option<String> {
        let bytes = |got: Option<&[u8]>, want: &Option<&str>| {
            (got.map(<[u8]>::to_vec) == want.map(latin1), format!("{:?}", got.map(<[u8]>::escape_ascii)))
        };
        let all = |got: Vec<&[u8]>, want: &[&str]| {
            let escaped: Vec<_> = got.iter().map(|value| value.escape_ascii().to_string()).collect();
            (want.iter().map(|value| latin1(value)).eq(got.iter().map(|value| value.to_vec())), format!("{escaped:?}"))
        };
        let (holds, got) = match self {
            Self::Method(want) => bytes(request.method(), want),
            Self::PathInfo(want) => bytes(request.path_info(), want),
            Self::QueryString(want) => bytes(request.query_string(), want),
            Self::RequestUri(want) => bytes(request.request_uri(), want),
            Self::ScriptName(want) => bytes(request.script_name(), want),
            Self::ServerName(want) => bytes(request.server_name(), want),
            Self::ServerPort(want) => {
                let got = request.server_port().and_then(Request::port);
                (got == *want, format!("{got:?}"))
            }
            Self::ServerProtocol(want) => bytes(request.server_protocol(), want),
            Self::RemoteAddr(want) => bytes(request.remote_addr(), want),
            Self::RemoteUser(want) => bytes(request.remote_user(), want),
            Self::Host(want) => bytes(request.host(), want),
            Self::ContentType(want) => bytes(request.content_type(), want),
            Self::Var(key, want) => bytes(request.var(&latin1(key)), want),
            Self::Every(key, want) => all(request.vars().get_all(&latin1(key)).collect(), want),
            Self::NotText(key) => {
                let got = request.var_str(*key);
                (got.is_err(), format!("{got:?}"))
            }
            Self::Count(want) => (request.vars().len() == *want, request.vars().len().to_string()),
            Self::Header(name, want) => bytes(request.header(name).as_deref(), want),
            Self::HeaderAll(name, want) => all(request.header_all(name).collect(), want),
            Self::Headers(want) => {
                let got: Vec<_> = request.headers().map(|(name, value)| (name.to_string(), value.to_vec())).collect();
                (want.iter().map(|(n, v)| (n.to_string(), latin1(v))).eq(got.iter().cloned()), format!("{got:?}"))
            }
            Self::RawHeaders(want) => {
                let got: Vec<_> =
                    request.raw_headers().map(|(name, value)| (name.to_string(), value.to_vec())).collect();
                (want.iter().map(|(n, v)| (n.to_string(), latin1(v))).eq(got.iter().cloned()), format!("{got:?}"))
            }
            Self::Target(want, mount) => {
                let target = request.target();
                let got: Vec<u8> = target.bytes().collect();
                (got == latin1(want) && target.mount() == latin1(mount), format!("{target} below {:?}", target.mount()))
            }
            Self::Keepalive(want) => (request.allows_keepalive() == *want, format!("{:?}", request.allows_keepalive())),
            Self::Scheme(want) => (request.scheme() == *want, format!("{:?}", request.scheme())),
            Self::Body(want) => (request.body_framing() == *want, format!("{:?}", request.body_framing())),
            Self::BodyOrChunked(want) => {
                (request.body_framing_or_chunked() == *want, format!("{:?}", request.body_framing_or_chunked()))
            }
            Self::After(want) => bytes(Some(after), &Some(want)),
            Self::Clean => (check(request).is_ok(), format!("{:?}", check(request))),
            Self::Refused(key, kind, position) => {
                let got = check(request).map_err(|error| (error.key().to_vec(), error.kind(), error.position()));
                (got == Err((latin1(key), *kind, *position)), format!("{got:?}"))
            }
        };
        if holds { None } else { Some(format!("{self:?} expected, got {got}")) }
    }
}

/// Runs every row and panics with the names of those that failed. Checks that names are unique and all texts are there.
pub fn run<R>(
    table: &str,
    rows: &[R],
    describe: impl Fn(&R) -> (&'static str, [&'static str; 3]),
    wrong: impl Fn(&R) -> Vec<String>,
) {
    assert!(!rows.is_empty(), "{table}: no rows");
    let mut names = std::collections::BTreeSet::new();
    let mut failed = Vec::new();
    for row in rows {
        let (name, said) = describe(row);
        assert!(names.insert(name), "{table}: two rows are called {name}");
        assert!(said.iter().all(|text| !text.is_empty()), "{table}/{name}: a text is missing");
        failed.extend(wrong(row).into_iter().map(|what| format!("{table}/{name}: {what}")));
    }
    assert!(failed.is_empty(), "{} of {} rows:\n{}", failed.len(), rows.len(), failed.join("\n"));
    println!("{table}: {} rows", rows.len());
}

/// Turns each character into one byte.
pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).expect("a character up to U+00FF")).collect()
}

/// Reads bytes from hex digits; blanks are for the reader.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    assert!(text.chars().all(|c| c == ' ' || c.is_ascii_hexdigit()) && digits.len().is_multiple_of(2), "{text}");
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// The offsets in rows about bytes after the small request rely on this length.
#[test]
fn the_small_request_is_191_bytes() {
    assert_eq!(block(SMALL).len(), 191);
}
