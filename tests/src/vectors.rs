//! The captured packets of `tests/vectors`: what real programs put on the wire, each with its decoded content.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// One capture: the bytes of a connection, a datagram or a file, and what they decode to.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The producer's directory and the case: `nginx/get`.
    pub name: String,
    /// What was on the wire, unedited.
    pub bytes: Vec<u8>,
    pub format: Format,
    /// The payload form to decode with; if absent, the modifiers say which form it is.
    pub kind: Option<Form>,
    /// What follows a packet.
    pub body: Framing,
    /// What is unusual about the capture.
    pub note: Option<String>,
    /// With [`Format::Uwsgi`], the decoded packets, back to back; they cover all bytes.
    pub packets: Vec<Packet>,
    /// The length of the bytes when they were captured.
    pub size: usize,
    pub sha256: String,
}

impl Capture {
    /// Returns whether these bytes are a server's answer; its modifiers do not say its payload form.
    pub fn is_answer(&self) -> bool {
        self.name.starts_with("uwsgi-reply/")
    }
}

/// What a capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A response in HTTP.
    Http,
    /// An encrypted announcement, whose datasize is the length before encryption.
    Legion,
    /// A real producer's packet that does not decode.
    Malformed,
    /// An answer that is no packet.
    Other,
    /// Packets that decode cleanly.
    Uwsgi,
}

/// How a payload is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    Array,
    None,
    Raw,
    Vars,
}

/// What follows a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// As many bytes as `CONTENT_LENGTH` says.
    #[default]
    ContentLength,
    /// Nothing.
    None,
    /// Everything up to the end.
    Rest,
}

/// One packet of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Packet {
    /// Where the packet starts in the capture.
    pub offset: usize,
    pub modifier1: u8,
    pub datasize: u16,
    pub modifier2: u8,
    pub payload: Form,
    #[serde(default)]
    pub vars: Vec<(Bytes, Bytes)>,
    #[serde(default)]
    pub items: Vec<Bytes>,
    #[serde(default)]
    pub raw: Bytes,
    pub body: Body,
}

impl Packet {
    /// Returns where the packet ends, without its body.
    pub fn end(&self) -> usize {
        self.offset + 4 + usize::from(self.datasize)
    }
}

/// The bytes that follow a packet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Body {
    pub framing: Framing,
    pub offset: usize,
    pub length: usize,
    pub sha256: String,
}

/// Bytes that JSON carries as one character U+0000 to U+00FF each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

/// The fields of a description that the tests use; the others say how the capture was made.
#[derive(Deserialize)]
struct Description {
    format: Format,
    kind: Option<Form>,
    #[serde(default)]
    body: Option<Framing>,
    note: Option<String>,
    #[serde(default)]
    packets: Vec<Packet>,
    size: usize,
    sha256: String,
}

/// Returns the directory of the captures.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Returns all captures, sorted by name.
///
/// # Panics
///
/// If a file is missing, or differs from its description: the set is broken.
pub fn captures() -> Vec<Capture> {
    files("json")
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name != "refused.json"))
        .map(|path| capture(&path))
        .collect()
}

/// Returns the captures that decode cleanly.
pub fn packets() -> Vec<Capture> {
    captures().into_iter().filter(|capture| capture.format == Format::Uwsgi).collect()
}

/// Returns the files of the set with this extension, sorted.
pub fn files(extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for producer in list(&directory()) {
        if producer.is_dir() {
            files.extend(list(&producer).into_iter().filter(|path| path.extension().is_some_and(|e| e == extension)));
        }
    }
    files.sort();
    files
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", directory.display())).path()).collect()
}

fn capture(json: &Path) -> Capture {
    let description: Description = read_json(json);
    let bin = json.with_extension("bin");
    let bytes = fs::read(&bin).unwrap_or_else(|error| panic!("{}: {error}", bin.display()));
    let name = json.with_extension("");
    let name = name.strip_prefix(directory()).unwrap_or(&name).display().to_string();
    Capture {
        name,
        bytes,
        format: description.format,
        kind: description.kind,
        body: description.body.unwrap_or_default(),
        note: description.note,
        packets: description.packets,
        size: description.size,
        sha256: description.sha256,
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
