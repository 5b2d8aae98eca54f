//! How requests become packets.

use alloc::vec::Vec;

use http::header::{FORWARDED, HeaderName};
use uwsgi::Modifier1;

use crate::vars::http_var::HttpVar;
use crate::vars::settings_error::SettingsError;
use crate::vars::trusted_proxies::TrustedProxies;

/// How requests of HTTP become packets.
///
/// A packet has the vars of nginx's stock `uwsgi_params` in their order, then the headers, then `X-Forwarded-*` and
/// `X-Request-Id`, then the operator's vars. It differs from nginx's packet in this:
///
/// - `CONTENT_LENGTH` is always a number, so that the connection to the backend can be kept. `DOCUMENT_ROOT` is left out.
/// - `SERVER_NAME` is the host of the request. If it names no host, `SERVER_NAME` is the address of the listener.
/// - `REMOTE_ADDR` is the client that a [trusted proxy](TrustedProxies) reports.
/// - In `PATH_INFO` slashes are not merged.
/// - Lines of one header become one var: those of Cookie are joined by `; `, those of others by `, `. The last line of a header
///   that may occur only once counts: see [`joined`](uwsgi::HeaderName::joined).
/// - Headers about the connection and those that `Connection` lists are left out, and so are `Proxy` and names that are not
///   [plain](uwsgi::gateway::is_plain_header_name).
/// - [Headers that say who the client is](uwsgi::gateway::is_forwarding_header) are left out, unless
///   [`with_trusted_header`](Self::with_trusted_header) lets one through.
///
/// ```
/// use uwsgi_gateway::{FrontAddresses, Translation};
///
/// let translation = Translation::new();
/// let front = FrontAddresses::tcp("203.0.113.9:40000".parse()?, "127.0.0.1:8080".parse()?);
/// let (parts, ()) = http::Request::get("/a%20b?c").header("Host", "example.com").body(())?.into_parts();
/// let packet = translation.read(&parts, &front)?.packet(0)?;
/// let vars = packet.vars()?;
/// assert_eq!(vars.get("PATH_INFO"), Some(&b"/a b"[..]));
/// assert_eq!(vars.get("HTTP_X_FORWARDED_FOR"), Some(&b"203.0.113.9"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A gateway after another proxy believes this proxy:
///
/// ```
/// use uwsgi_gateway::{Forwarding, FrontAddresses, HttpVar, Translation, TrustedProxies};
///
/// let translation = Translation::new()
///     .with_trusted_proxies(TrustedProxies::parse("10.0.0.0/8")?)
///     .with_forwarding(Forwarding::Append)
///     .with_var(HttpVar::parse("CLIENT=$remote_addr")?);
/// translation.check()?;
///
/// let front = FrontAddresses::tcp("10.0.0.1:40000".parse()?, "10.0.0.2:8080".parse()?);
/// let request = http::Request::get("/").header("Host", "example.com").header("X-Forwarded-For", "203.0.113.9");
/// let (parts, ()) = request.body(())?.into_parts();
/// let packet = translation.read(&parts, &front)?.packet(0)?;
/// assert_eq!(packet.vars()?.get("CLIENT"), Some(&b"203.0.113.9"[..]));
/// assert_eq!(packet.vars()?.get("HTTP_X_FORWARDED_FOR"), Some(&b"203.0.113.9, 10.0.0.1"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Translation {
    pub(crate) underscores: bool,
    pub(crate) forwarding: Forwarding,
    pub(crate) proxies: TrustedProxies,
    pub(crate) trusted_headers: Vec<HeaderName>,
    pub(crate) vars: Vec<HttpVar>,
    pub(crate) modifiers: (Modifier1, u8),
}

/// What a gateway tells a backend about the client in `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Forwarding {
    /// The address of the client, the scheme, and the host.
    #[default]
    Replace,
    /// As [`Replace`](Self::Replace), but `X-Forwarded-For` has all that a trusted proxy sent, and then the address of that proxy.
    /// A proxy on a Unix socket has no address, so nothing is added for it.
    Append,
    /// Nothing.
    None,
}

impl Default for Translation {
    fn default() -> Self {
        Self::new()
    }
}

impl Translation {
    /// Makes the default translation.
    #[must_use]
    pub fn new() -> Self {
        Self {
            underscores: false,
            forwarding: Forwarding::Replace,
            proxies: TrustedProxies::default(),
            trusted_headers: Vec::new(),
            vars: Vec::new(),
            modifiers: (Modifier1::WSGI, 0),
        }
    }

    /// Sets whether headers with an underscore in their names are passed on, as nginx's `underscores_in_headers` does; false by
    /// default. If they are, two names that become the same var have status 400.
    #[must_use]
    pub fn with_underscores(self, allow: bool) -> Self {
        Self { underscores: allow, ..self }
    }

    /// Sets what the gateway tells a backend about the client.
    #[must_use]
    pub fn with_forwarding(self, forwarding: Forwarding) -> Self {
        Self { forwarding, ..self }
    }

    /// Sets the proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` count; no proxy by default.
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// Adds a header that is passed on as a trusted proxy sent it, and that is removed from the requests of all other peers. If the
    /// gateway writes a header of this name, the one of the proxy takes its place.
    #[must_use]
    pub fn with_trusted_header(mut self, name: HeaderName) -> Self {
        self.trusted_headers.push(name);
        self
    }

    /// Adds a var to every request. It replaces a var of the request with the same key, and a var that was added before.
    #[must_use]
    pub fn with_var(mut self, var: HttpVar) -> Self {
        self.vars.retain(|other| other.key != var.key);
        self.vars.push(var);
        self
    }

    /// Sets the modifiers of the packets; [`Modifier1::WSGI`] and 0 by default.
    #[must_use]
    pub fn with_modifiers(self, modifier1: Modifier1, modifier2: u8) -> Self {
        Self { modifiers: (modifier1, modifier2), ..self }
    }

    /// Checks that the settings do not contradict each other.
    ///
    /// ```
    /// use uwsgi_gateway::{Forwarding, SettingsError, Translation};
    ///
    /// let translation = Translation::new().with_forwarding(Forwarding::Append);
    /// assert_eq!(translation.check(), Err(SettingsError::AppendWithoutTrustedProxy));
    /// ```
    ///
    /// # Errors
    ///
    /// [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        let no_proxies = self.proxies.is_empty();
        if self.forwarding == Forwarding::Append && no_proxies {
            return Err(SettingsError::AppendWithoutTrustedProxy);
        }
        if self.trusts_header(&FORWARDED) {
            return Err(SettingsError::ForwardedAsTrustedHeader);
        }
        if !self.trusted_headers.is_empty() && no_proxies {
            return Err(SettingsError::TrustedHeaderWithoutTrustedProxy);
        }
        Ok(())
    }

    /// Whether a header is one of the trusted headers.
    pub(crate) fn trusts_header(&self, name: &HeaderName) -> bool {
        let name = uwsgi::HeaderName::from_name(name.as_str());
        self.trusted_headers.iter().any(|trusted| name == *trusted.as_str())
    }

    /// Whether the operator's vars replace the var with this key.
    pub(crate) fn replaces(&self, key: impl Iterator<Item = u8> + Clone) -> bool {
        self.vars.iter().any(|var| var.key.bytes().eq(key.clone()))
    }
}
