//! Addresses of servers.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address that a server listens on or a client connects to, as command lines and configurations write it.
///
/// | text | address |
/// |---|---|
/// | `127.0.0.1:3031`, `[::1]:3031` | [`Address::Tcp`] |
/// | `app.internal:3031` | [`Address::Name`], a name for the resolver |
/// | `:3031` | [`Address::Name`] without a name: every IPv4 address of the machine for a [listener](Address::to_listen), as in uWSGI, and `localhost` for a [client](Address::to_connect) |
/// | `unix:/run/app.sock`, `/run/app.sock`, `./app.sock` | [`Address::Unix`] |
/// | `@name`, `unix:@name` | [`Address::Abstract`], Linux's sockets without a file |
/// | `fd:3`, `fd://3` | [`Address::Fd`], inherited; a client cannot connect to it |
///
/// ```
/// use uwsgi::Address;
///
/// assert_eq!(Address::parse("127.0.0.1:3031")?, Address::Tcp("127.0.0.1:3031".parse().unwrap()));
/// assert_eq!(Address::parse("unix:/run/app.sock")?, Address::Unix("/run/app.sock"));
/// assert_eq!(Address::parse("@app")?, Address::Abstract("app"));
/// assert_eq!(Address::parse("fd:3")?, Address::Fd(3));
/// assert_eq!(Address::parse("app:3031")?, Address::Name { host: "app", port: 3031 });
/// assert!(Address::parse("127.0.0.1").is_err());
/// assert_eq!(Address::parse("[::1]:3031")?.to_string(), "[::1]:3031");
/// # Ok::<(), uwsgi::AddressError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address<'a> {
    /// A Unix socket without a file, by its name.
    Abstract(&'a str),
    /// An inherited descriptor.
    Fd(u32),
    /// A host that has to be looked up.
    Name {
        /// The name; empty in `:3031`.
        host: &'a str,
        /// The port.
        port: u16,
    },
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket, by its path.
    Unix(&'a str),
}

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is empty, or nothing follows its prefix.
    Empty,
    /// What follows `fd:` is not a number.
    Fd,
    /// The host has a character that is not allowed. An IPv6 address needs brackets.
    Host,
    /// A descriptor, which a client cannot connect to.
    NotToConnect,
    /// There is no port from 0 to 65535.
    Port,
    /// A URL: an address has no scheme.
    Url,
    /// The path or the name of a Unix socket has NUL in it, or is longer than 107 bytes, the limit on Linux.
    Path,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty address: write host:port, unix:/path, @name or fd:N",
            Self::Fd => "no number after fd:",
            Self::Host => "not a host: an IPv6 address needs brackets, as in [::1]:3031",
            Self::NotToConnect => "a descriptor cannot be connected to: give the address it listens on",
            Self::Port => "no port from 0 to 65535: write host:port, or a path with a / in it",
            Self::Url => "a URL, not an address: leave out http:// or uwsgi://, and the path",
            Self::Path => "not a path of a Unix socket: at most 107 bytes, without NUL",
        })
    }
}

impl core::error::Error for AddressError {}

impl<'a> TryFrom<&'a str> for Address<'a> {
    type Error = AddressError;

    /// Does what [`Address::parse`] does.
    fn try_from(text: &'a str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl From<SocketAddr> for Address<'_> {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl<'a> Address<'a> {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// [`AddressError`].
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix("unix:") {
            // Front ends write unix:/path, uWSGI and others unix:///path.
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            return match rest.strip_prefix('@') {
                Some(name) => path(name).map(Self::Abstract),
                None => path(rest).map(Self::Unix),
            };
        }
        if let Some(rest) = text.strip_prefix("fd:") {
            let number = rest.strip_prefix("//").unwrap_or(rest);
            return digits(number).map(Self::Fd).ok_or(AddressError::Fd);
        }
        if let Some(name) = text.strip_prefix('@') {
            return path(name).map(Self::Abstract);
        }
        if text.contains("://") {
            return Err(AddressError::Url);
        }
        if text.contains('/') {
            return path(text).map(Self::Unix);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::Port)?;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if !host.bytes().all(is_host) {
            return Err(AddressError::Host);
        }
        let port = digits(port).and_then(|port| u16::try_from(port).ok()).ok_or(AddressError::Port)?;
        Ok(Self::Name { host, port })
    }

    /// Returns the address that a server listens on: `:3031` is every IPv4 address of the machine, as in uWSGI. Write
    /// `[::]:3031` for the addresses of both families.
    ///
    /// ```
    /// use uwsgi::Address;
    ///
    /// assert_eq!(Address::parse(":3031")?.to_listen(), Address::parse("0.0.0.0:3031")?);
    /// # Ok::<(), uwsgi::AddressError>(())
    /// ```
    #[must_use]
    pub fn to_listen(self) -> Self {
        match self {
            Self::Name { host: "", port } => Self::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)),
            other => other,
        }
    }

    /// Returns the address that a client connects to: `:3031` is `localhost:3031`.
    ///
    /// # Errors
    ///
    /// [`AddressError::NotToConnect`] for a descriptor.
    ///
    /// ```
    /// use uwsgi::{Address, AddressError};
    ///
    /// assert_eq!(Address::parse(":3031")?.to_connect()?, Address::parse("localhost:3031")?);
    /// assert_eq!(Address::parse("fd:3")?.to_connect(), Err(AddressError::NotToConnect));
    /// # Ok::<(), AddressError>(())
    /// ```
    pub fn to_connect(self) -> Result<Self, AddressError> {
        match self {
            Self::Name { host: "", port } => Ok(Self::Name { host: "localhost", port }),
            Self::Fd(_) => Err(AddressError::NotToConnect),
            other => Ok(other),
        }
    }
}

/// Prints what [`Address::parse`] reads.
impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abstract(name) => write!(f, "@{name}"),
            Self::Fd(number) => write!(f, "fd:{number}"),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
            Self::Tcp(address) => address.fmt(f),
            // `parse` removes two slashes after `unix:`.
            Self::Unix(path) if path.starts_with("//") => write!(f, "unix://{path}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

fn path(text: &str) -> Result<&str, AddressError> {
    match text.len() {
        0 => Err(AddressError::Empty),
        // sun_path has 108 bytes, the last one NUL (unix(7)).
        1..=107 if !text.contains('\0') => Ok(text),
        _ => Err(AddressError::Path),
    }
}

/// Reads a number that consists of digits; [`str::parse`] also accepts a sign.
fn digits(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
