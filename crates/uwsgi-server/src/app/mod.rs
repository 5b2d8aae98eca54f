//! The contract between the server and its application.

mod answer;
mod call;
mod head;

use alloc::boxed::Box;
use std::io::{BufRead, Write};

use uwsgi_io::{RequestBody, Transport};

pub use answer::Answer;
pub use call::{Call, Message};
pub use head::Head;

/// Why an application failed. The server logs it. If no byte of the response has left, the client gets a 500, or the response
/// for a fault of the peer. Otherwise the server resets the connection.
///
/// A Unix socket has no reset. There the server closes the connection, and a response that breaks off looks whole unless its
/// head has a Content-Length.
pub type AppError = Box<dyn core::error::Error + Send + Sync>;

/// An application: WSGI's contract (PEP 3333) in Rust.
///
/// The server calls it with a request and the request's body. The application gives a head, then bytes. The head leaves with
/// the first non-empty write, or at the end. Until then the application can replace it. A function is an application too. An
/// application that calls another one is middleware; it can pass on an [`Answer`] of its own:
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
/// /// Lets only users in that have logged in.
/// struct LoginRequired<A>(A);
///
/// impl<A: App> App for LoginRequired<A> {
///     fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
///         match call.request().remote_user() {
///             Some(user) if !user.is_empty() => self.0.call(call, body, answer),
///             _ => Ok(answer.whole(Head::new(401), b"")?),
///         }
///     }
/// }
///
/// # fn is_app(_: impl App) {}
/// # is_app(LoginRequired(hello));
/// ```
pub trait App: Send + Sync {
    /// Responds to a request.
    ///
    /// # Errors
    ///
    /// Any failure of the application. If a read of the body fails because of the peer, return that error: the server then
    /// sends the peer the response for that fault.
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError>;

    /// Answers a packet that is not a web request: a signal, a remote call, a cache command. The server passes on only packets
    /// whose modifier1 the settings [accept](uwsgi::server::Settings::with_modifier1). Bytes that are written to `answer` leave
    /// unchanged.
    ///
    /// By default the answer is 501.
    ///
    /// # Errors
    ///
    /// [`NotImplemented`], or any failure of the application.
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

/// The error of an application that has no answer to this kind of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct NotImplemented;

impl core::fmt::Display for NotImplemented {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the application has no answer to this kind of packet")
    }
}

impl core::error::Error for NotImplemented {}

/// A request's body. It ends where its length says; an earlier end of the stream is an error. After the head of a 101 has left,
/// the body is all further bytes that the peer sends.
pub trait Body: BufRead + Send {}

impl<T: Transport + Sync> Body for RequestBody<'_, T> {}
