//! The cache of a uWSGI server.

use core::time::Duration;
use std::io;

use uwsgi::client::Exchange;
use uwsgi::message::{CacheAnswer, CacheCommand, CacheRequest};

use crate::client::client::Client;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::value::Value;

impl Client {
    /// The cache of the server with this name, or its default one.
    pub const fn cache<'c>(&'c mut self, name: Option<&'c str>) -> Cache<'c> {
        Cache::new(self, name)
    }
}

/// A cache of a uWSGI server, from [`Client::cache`]. Each call is a connection.
///
/// uWSGI answers what it did, and nothing at all otherwise: whether there is no such key, no such cache, or no room cannot be
/// told apart. Where one of these is to be expected, the answer is `None` or `false`.
///
/// ```
/// # use std::io::{Read, Write};
/// # use uwsgi_io::Client;
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
/// # let server = std::thread::spawn(move || {
/// #     let answers: [&[u8]; 2] = [b"\x6f\x0c\x00\x11\x06\x00status\x02\x00ok",
/// #         b"\x6f\x15\x00\x11\x06\x00status\x02\x00ok\x04\x00size\x01\x002v1"];
/// #     for (len, answer) in [(34, answers[0]), (23, answers[1])] {
/// #         let mut stream = listener.accept().unwrap().0;
/// #         stream.read_exact(&mut vec![0; len]).unwrap();
/// #         stream.write_all(answer).unwrap();
/// #     }
/// # });
/// let mut cache = client.cache(None);
/// cache.update("k1", b"v1", None)?;
/// let value = cache.get("k1")?.ok_or("no such key")?;
/// assert_eq!(value.into_vec(1024)?, b"v1");
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Cache<'c> {
    client: &'c mut Client,
    name: Option<&'c str>,
}

impl<'c> Cache<'c> {
    pub(crate) const fn new(client: &'c mut Client, name: Option<&'c str>) -> Self {
        Self { client, name }
    }

    /// The value of a key, if there is one. When it expires, in seconds of Unix time, [`get_with_expiry`](Self::get_with_expiry)
    /// says too.
    ///
    /// # Errors
    ///
    /// No connection, or an answer that is none.
    pub fn get<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K) -> Result<Option<Value<'_>>, ClientError> {
        Ok(self.get_with_expiry(key)?.map(|(value, _)| value))
    }

    /// The value of a key, and the Unix time in seconds until which it is good, if it expires.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with_expiry<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        key: &K,
    ) -> Result<Option<(Value<'_>, Option<u64>)>, ClientError> {
        self.write(CacheRequest::new(CacheCommand::Get).with_key(key.as_ref()))?;
        match self.client.ask(Exchange::new(false), io::empty(), Asked::Cache) {
            Ok(answered) => match CacheAnswer::decode(&answered.packet) {
                Ok(answer) => Ok(Some((answered.into_value(&[], answer.size.unwrap_or(0)), answer.expires))),
                Err(error) => Err(answered.wrong(error)),
            },
            Err(error) if is_no(&error, CacheCommand::Get) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there is such a key.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn exists<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K) -> Result<bool, ClientError> {
        self.done(CacheRequest::new(CacheCommand::Exists).with_key(key.as_ref()), &[])
    }

    /// Stores a value, for so long, unless the key has one; whether it did. uWSGI counts whole seconds and takes 0 of them for
    /// ever: what is between two seconds is rounded up, and no time is one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn set<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        key: &K,
        value: &[u8],
        expires: Option<Duration>,
    ) -> Result<bool, ClientError> {
        self.store(CacheCommand::Set, key.as_ref(), value, expires)
    }

    /// Stores a value, for so long, in place of the one that the key has; the time is that of [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`NoAnswer`](ClientErrorKind::NoAnswer) where there is no such cache, the value is empty, or
    /// there is no room for it.
    pub fn update<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        key: &K,
        value: &[u8],
        expires: Option<Duration>,
    ) -> Result<(), ClientError> {
        self.store(CacheCommand::Update, key.as_ref(), value, expires).map(|_| ())
    }

    /// Forgets a key; whether there was one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn delete<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K) -> Result<bool, ClientError> {
        self.done(CacheRequest::new(CacheCommand::Del).with_key(key.as_ref()), &[])
    }

    /// Forgets every key.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`NoAnswer`](ClientErrorKind::NoAnswer) where there is no such cache.
    pub fn clear(&mut self) -> Result<(), ClientError> {
        self.done(CacheRequest::new(CacheCommand::Clear), &[]).map(|_| ())
    }

    fn store(
        &mut self,
        command: CacheCommand,
        key: &[u8],
        value: &[u8],
        expires: Option<Duration>,
    ) -> Result<bool, ClientError> {
        let mut request = CacheRequest::new(command).with_key(key);
        request.size = Some(u64::try_from(value.len()).unwrap_or(u64::MAX));
        let request = expires.map_or(request, |time| request.with_expires(time));
        self.done(request, value)
    }

    /// Whether a command was obeyed.
    fn done(&mut self, request: CacheRequest<'_>, value: &[u8]) -> Result<bool, ClientError> {
        self.write(request)?;
        let exchange = Exchange::new(false).with_outgoing(request.size.unwrap_or(0));
        match self.client.ask(exchange, value, Asked::Cache) {
            Ok(answered) => match CacheAnswer::decode(&answered.packet) {
                Ok(_) => Ok(true),
                Err(error) => Err(answered.wrong(error)),
            },
            Err(error) if is_no(&error, request.command) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, request: CacheRequest<'_>) -> Result<(), ClientError> {
        let mut request = request;
        request.cache = self.name.map(str::as_bytes);
        self.client.outgoing.clear();
        let written = request.encode(&mut self.client.outgoing).map(|_| ());
        written.map_err(|error| self.client.fail(ClientErrorKind::Encode(error)))
    }
}

/// uWSGI's way to say no.
const fn is_no(error: &ClientError, command: CacheCommand) -> bool {
    matches!(error.kind(), ClientErrorKind::NoAnswer(_)) && command.silence_is_no()
}
