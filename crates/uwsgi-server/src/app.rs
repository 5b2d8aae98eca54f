//! What an application is.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::net::{IpAddr, SocketAddr};
use std::io::{self, BufRead, Write};

use uwsgi::framing::{content_length, is_length_right, whole_length};
use uwsgi::{Packet, Request, Scheme};
use uwsgi_io::{HeadError, RequestBody, ResponseWriter, Transport};

use crate::head::Head;
use crate::workers::Workers;

/// Why an application failed. It is logged; the client learns of it as a 500 if nothing of the answer has left, and as a
/// connection that is reset otherwise.
///
/// A Unix socket has no reset. There the connection is closed, and an answer that breaks off looks whole unless its head has a
/// Content-Length.
pub type AppError = Box<dyn core::error::Error + Send + Sync>;

/// An application: WSGI's contract (PEP 3333) in Rust.
///
/// It is called with a request and its body, gives a head, then bytes. The head leaves with the first bytes that are not
/// none, or at the end, and can be replaced until then. A function is an application too. One that calls another, with an
/// [`Answer`] of its own if need be, is middleware:
///
/// ```
/// use std::io;
/// use uwsgi_server::{Answer, App, AppError, Body, Call, Head};
///
/// fn hello(call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
///     let host = call.request().host().unwrap_or(b"somebody");
///     Ok(answer.whole(Head::new(200).with("Content-Type", "text/plain"), host)?)
/// }
///
/// /// Answers only those who have logged in.
/// struct Guarded<A>(A);
///
/// impl<A: App> App for Guarded<A> {
///     fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
///         match call.request().remote_user() {
///             Some(user) if !user.is_empty() => self.0.call(call, body, answer),
///             _ => Ok(answer.whole(Head::new(401), b"")?),
///         }
///     }
/// }
///
/// # fn is_app(_: impl App) {}
/// # is_app(Guarded(hello));
/// ```
pub trait App: Send + Sync {
    /// Answers a request.
    ///
    /// # Errors
    ///
    /// Whatever failed. A read of the body that failed because of the peer is best passed on: the peer is told what was wrong.
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError>;

    /// Answers a packet that is no web request: a signal, a remote call, a cache command. Only those are given to it whose
    /// modifier1 the settings [accept](uwsgi::server::Settings::accepting). What is written to `answer` leaves as it is.
    ///
    /// Unless it is there, the answer is 501.
    ///
    /// # Errors
    ///
    /// [`NotImplemented`], or whatever failed.
    fn message(
        &self,
        message: &Message<'_>,
        body: &mut dyn Body,
        answer: &mut (dyn Write + Send),
    ) -> Result<(), AppError> {
        let _ = (message, body, answer);
        Err(NotImplemented.into())
    }
}

/// A function is an application.
impl<F> App for F
where
    F: Fn(&Call<'_>, &mut dyn Body, &mut dyn Answer) -> Result<(), AppError> + Send + Sync,
{
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        self(call, body, answer)
    }
}

/// That an application has no answer to this kind of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct NotImplemented;

impl core::fmt::Display for NotImplemented {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the application has no answer to this kind of packet")
    }
}

impl core::error::Error for NotImplemented {}

/// A request's body. It ends where its length says; an end before that is an error. After the head of a 101 has left, it is
/// whatever the peer sends.
pub trait Body: BufRead + Send {}

impl<T: Transport + Sync> Body for RequestBody<'_, T> {}

/// Where an answer goes. Bytes that are written are the body, and leave before [`write`](Write::write) returns.
///
/// Give the head a Content-Length where the length is known. Without one the end of the connection is the body's: over a Unix
/// socket, which has no reset, nobody can tell an answer that broke off from a whole one. [`whole`](Self::whole) gives it one,
/// and an answer that ends without a byte of body gets a length of 0 by itself.
pub trait Answer: Write + Send {
    /// Gives the head, or another one.
    ///
    /// # Errors
    ///
    /// [`HeadError`]: a line cannot stand in a head, or another head has left. Nothing has changed.
    fn head(&mut self, head: Head) -> Result<(), HeadError>;

    /// Whether a head has left, so that no other can be given.
    fn has_left(&self) -> bool;

    /// Whether this is the answer to HEAD, none of whose body leaves. Who wraps an answer passes it on.
    fn is_head_request(&self) -> bool {
        false
    }

    /// Gives the head with a Content-Length, if [one belongs there](uwsgi::framing::whole_length), and all of the body. A
    /// Content-Length that the head has already is used.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head), and as [`write`](Write::write). [`io::ErrorKind::InvalidInput`]: the Content-Length that the
    /// head has is [not the body's](uwsgi::framing::is_length_right). Nothing has changed then.
    fn whole(&mut self, head: Head, body: &[u8]) -> io::Result<()> {
        let (length, to_head) = (u64::try_from(body.len()).unwrap_or(u64::MAX), self.is_head_request());
        // One that is no number is refused with the head.
        let told = head.header("content-length").map(|told| content_length(told).ok().flatten());
        let head = match (told, whole_length(head.status(), to_head, length)) {
            (None, Some(length)) => head.with_length(length),
            (Some(Some(told)), _) if !is_length_right(head.status(), to_head, told, length) => {
                let what = format!("the head has a Content-Length of {told}, and the body has {length} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            _ => head,
        };
        self.head(head).map_err(io::Error::other)?;
        self.write_all(body)
    }
}

impl<T: Transport + Sync> Answer for ResponseWriter<'_, T> {
    fn head(&mut self, head: Head) -> Result<(), HeadError> {
        ResponseWriter::head(self, head.status(), head.reason(), head.lines())
    }

    fn has_left(&self) -> bool {
        ResponseWriter::has_left(self)
    }

    fn is_head_request(&self) -> bool {
        self.respond().is_head_request()
    }
}

/// Between which addresses a connection is; none on a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ends {
    /// The peer's address: the front end's, not the client's.
    pub peer: Option<SocketAddr>,
    /// The address that was connected to.
    pub local: Option<SocketAddr>,
}

/// A request, and what it came through.
#[derive(Debug, Clone, Copy)]
pub struct Call<'r> {
    request: Request<'r>,
    packet: Packet<'r>,
    ends: Ends,
    workers: &'r Workers,
}

impl<'r> Call<'r> {
    pub(crate) const fn new(request: Request<'r>, packet: Packet<'r>, ends: Ends, workers: &'r Workers) -> Self {
        Self { request, packet, ends, workers }
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request<'r> {
        &self.request
    }

    /// The packet that the request came in, as it came.
    #[must_use]
    pub const fn packet(&self) -> &Packet<'r> {
        &self.packet
    }

    /// The same call with another view of its request: how middleware that mounts applications rewrites.
    #[must_use]
    pub const fn with_request(self, request: Request<'r>) -> Self {
        Self { request, ..self }
    }

    /// Between which addresses the connection is.
    #[must_use]
    pub const fn ends(&self) -> Ends {
        self.ends
    }

    /// The client's address, as the front end tells it in `REMOTE_ADDR`; without that the peer's.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        let told = self.request.remote_addr().and_then(|address| core::str::from_utf8(address).ok());
        told.and_then(|address| address.parse().ok()).or(self.ends.peer.map(|peer| peer.ip()))
    }

    /// The server's name: `SERVER_NAME`, else the address that was connected to, else `localhost`. Never empty (PEP 3333,
    /// "environ Variables").
    #[must_use]
    pub fn server_name(&self) -> Cow<'r, str> {
        match (self.request.server_name(), self.ends.local) {
            (Some(name), _) if !name.is_empty() => String::from_utf8_lossy(name),
            (_, Some(local)) => Cow::Owned(local.ip().to_canonical().to_string()),
            _ => Cow::Borrowed("localhost"),
        }
    }

    /// The server's port: `SERVER_PORT`, else the port that was connected to, else the scheme's.
    #[must_use]
    pub fn server_port(&self) -> u16 {
        let told = self.request.server_port().and_then(Request::port);
        told.or(self.ends.local.map(|local| local.port())).unwrap_or(match self.request.scheme() {
            Scheme::Https => 443,
            _ => 80,
        })
    }

    /// How many requests the application may be at work on now (`wsgi.multithread`, if it is more than 1): as many as
    /// [`with_workers`](crate::Server::with_workers) says, and those that went on without a permit. It may have changed when
    /// it is asked again.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.at_most()
    }
}

/// A packet that is no web request, and what it came through.
#[derive(Debug, Clone, Copy)]
pub struct Message<'r> {
    packet: Packet<'r>,
    ends: Ends,
}

impl<'r> Message<'r> {
    pub(crate) const fn new(packet: Packet<'r>, ends: Ends) -> Self {
        Self { packet, ends }
    }

    /// The packet; [`uwsgi::message`] has the types to decode it with.
    #[must_use]
    pub const fn packet(&self) -> &Packet<'r> {
        &self.packet
    }

    /// Between which addresses the connection is.
    #[must_use]
    pub const fn ends(&self) -> Ends {
        self.ends
    }
}
