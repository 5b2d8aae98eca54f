//! The cache of a uWSGI server.

use core::time::Duration;
use std::io;

use uwsgi::client::Exchange;
use uwsgi::message::{CacheAnswer, CacheCommand, CacheRequest};

use crate::client::client::Client;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::value::Value;

impl Client {
    /// Returns the cache of the server with this name, or its default cache if `name` is `None`.
    pub const fn cache<'c>(&'c mut self, name: Option<&'c str>) -> Cache<'c> {
        Cache::new(self, name)
    }
}

/// A cache of a uWSGI server, from [`Client::cache`]. Each call makes a new connection, unless the client has kept one.
///
/// If uWSGI cannot execute a command, it closes the connection without an answer. So the client cannot tell a missing key, a
/// missing cache and a full cache apart. If one of these is a usual result of a command, the command returns `None` or `false`.
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

    /// Returns the value of a key, if there is one. [`get_with_expiry`](Self::get_with_expiry) also returns when it expires.
    ///
    /// # Errors
    ///
    /// There is no connection, or the answer is not valid.
    pub fn get<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K) -> Result<Option<Value<'_>>, ClientError> {
        Ok(self.get_with_expiry(key)?.map(|(value, _)| value))
    }

    /// Returns the value of a key, and the Unix time in seconds at which it expires, if it does.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub fn get_with_expiry<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        key: &K,
    ) -> Result<Option<(Value<'_>, Option<u64>)>, ClientError> {
        self.encode(CacheRequest::new(CacheCommand::Get).with_key(key.as_ref()))?;
        match self.client.send_message(Exchange::new(false), io::empty(), Asked::Cache) {
            Ok(reply) => match CacheAnswer::decode(&reply.packet) {
                Ok(answer) => Ok(Some((reply.into_value(&[], answer.size.unwrap_or(0)), answer.expires))),
                Err(error) => Err(reply.message_error(error)),
            },
            Err(error) if means_no(&error, CacheCommand::Get) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the cache has a key.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub fn exists<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K) -> Result<bool, ClientError> {
        self.execute(CacheRequest::new(CacheCommand::Exists).with_key(key.as_ref()), &[])
    }

    /// Stores a value, unless the key has one already. Returns whether the value was stored.
    ///
    /// The value expires after `expires`, or never if that is `None`. uWSGI counts whole seconds, and 0 means never. So the
    /// client rounds up, to at least 1 second.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub fn set<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        key: &K,
        value: &[u8],
        expires: Option<Duration>,
    ) -> Result<bool, ClientError> {
        self.store(CacheCommand::Set, key.as_ref(), value, expires)
    }

    /// Stores a value, and replaces the value that the key has. `expires` is the same as for [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get). [`NoAnswer`](ClientErrorKind::NoAnswer) if the cache does not exist, the value is
    /// empty, or the cache has no room for it.
    pub fn update<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        key: &K,
        value: &[u8],
        expires: Option<Duration>,
    ) -> Result<(), ClientError> {
        self.store(CacheCommand::Update, key.as_ref(), value, expires).map(|_| ())
    }

    /// Removes a key. Returns whether the cache had it.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    pub fn delete<K: AsRef<[u8]> + ?Sized>(&mut self, key: &K) -> Result<bool, ClientError> {
        self.execute(CacheRequest::new(CacheCommand::Del).with_key(key.as_ref()), &[])
    }

    /// Removes all keys.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get). [`NoAnswer`](ClientErrorKind::NoAnswer) if the cache does not exist.
    pub fn clear(&mut self) -> Result<(), ClientError> {
        self.execute(CacheRequest::new(CacheCommand::Clear), &[]).map(|_| ())
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
        self.execute(request, value)
    }

    /// Sends a command. Returns whether the server has executed it.
    fn execute(&mut self, request: CacheRequest<'_>, value: &[u8]) -> Result<bool, ClientError> {
        self.encode(request)?;
        let exchange = Exchange::new(false).with_outgoing(request.size.unwrap_or(0));
        match self.client.send_message(exchange, value, Asked::Cache) {
            Ok(reply) => match CacheAnswer::decode(&reply.packet) {
                Ok(_) => Ok(true),
                Err(error) => Err(reply.message_error(error)),
            },
            Err(error) if means_no(&error, request.command) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn encode(&mut self, request: CacheRequest<'_>) -> Result<(), ClientError> {
        let mut request = request;
        request.cache = self.name.map(str::as_bytes);
        self.client.outgoing.clear();
        let written = request.encode(&mut self.client.outgoing).map(|_| ());
        written.map_err(|error| self.client.fail(ClientErrorKind::Encode(error)))
    }
}

/// Returns whether an error means `None` or `false` for this command: uWSGI closed the connection without an answer.
const fn means_no(error: &ClientError, command: CacheCommand) -> bool {
    matches!(error.kind(), ClientErrorKind::NoAnswer(_)) && command.silence_is_no()
}
