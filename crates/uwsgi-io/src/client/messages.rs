//! What uWSGI takes besides web requests.

use std::io::{self, Read};
use std::time::Instant;

use uwsgi::client::Exchange;
use uwsgi::message::{Ping, Pong, Reply, RpcAnswer, RpcCallEncoder, RpcMode, Signal};
use uwsgi::{EncodeErrorKind, Modifier1, VarsEncoder};

use crate::client::answer_packet::AnswerPacket;
use crate::client::client::Client;
use crate::client::connect::open;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::source::Incoming;
use crate::client::value::Value;

impl Client {
    /// Asks whether the server lives; its answer may hold a warning.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 4]).unwrap();
    /// #     stream.write_all(b"\x64\x00\x00\x01").unwrap();
    /// # });
    /// assert_eq!(client.ping()?.warning, b"");
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ClientError`]: it does not.
    pub fn ping(&mut self) -> Result<Pong<'_>, ClientError> {
        self.outgoing.clear();
        let written = Ping.encode(&mut self.outgoing).map(|_| ());
        written.map_err(|error| self.fail(ClientErrorKind::Encode(error)))?;
        let answered = self.ask(Exchange::new(false), io::empty(), Asked::Ping)?;
        Pong::decode(&answered.packet).map_err(|error| answered.wrong(error))
    }

    /// Calls a function, and answers its result, of whatever length.
    ///
    /// An argument must not be empty: uWSGI would call the function without it, or close if it is the last one. A result of
    /// no bytes cannot be told from a function that does not exist; both are [`NoAnswer`](ClientErrorKind::NoAnswer).
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 16]).unwrap();
    /// #     stream.write_all(b"\xad\x02\x00\x0042").unwrap();
    /// # });
    /// let sum = client.rpc("add", ["2", "40"])?.into_vec(1024)?;
    /// assert_eq!(sum, b"42");
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Encode`](ClientErrorKind::Encode) for an empty argument and for more than a packet holds,
    /// [`TooManyArguments`](ClientErrorKind::TooManyArguments), and all that connections and answers can do.
    pub fn rpc<A: AsRef<[u8]>>(
        &mut self,
        function: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Value<'_>, ClientError> {
        self.call(function, arguments, RpcMode::Packet)?;
        let answered = self.ask(Exchange::new(false), io::empty(), Asked::Rpc)?;
        match RpcAnswer::decode(&answered.packet) {
            Ok(RpcAnswer::Inline { result }) => Ok(answered.into_value(result, 0)),
            Ok(RpcAnswer::Sized { length }) => Ok(answered.into_value(&[], length)),
            Ok(_) => Err(answered.refused()),
            Err(error) => Err(answered.wrong(error)),
        }
    }

    /// [`rpc`](Self::rpc) with an answer that is the result's bytes and nothing else, up to the close: no result at all, and
    /// no such function, is an answer of no bytes.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 16]).unwrap();
    /// #     stream.write_all(b"42").unwrap();
    /// # });
    /// assert_eq!(client.rpc_raw("add", ["2", "40"])?.into_vec(1024)?, b"42");
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`rpc`](Self::rpc).
    pub fn rpc_raw<A: AsRef<[u8]>>(
        &mut self,
        function: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Value<'_>, ClientError> {
        self.call(function, arguments, RpcMode::Raw)?;
        self.pour(Asked::Rpc)
    }

    /// Puts a task into the spooler. It is queued then, not done.
    ///
    /// The pairs `spooler`, `priority` and `at` are for the spooler itself, see [`SpoolTask`](uwsgi::message::SpoolTask).
    /// Over the network a task has no body; a pair `body` looks like one to functions in Python.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 24]).unwrap();
    /// #     stream.write_all(b"\xff\x00\x00\x01").unwrap();
    /// # });
    /// client.spool([("job", "resize"), ("id", "7")])?;
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refused`](ClientErrorKind::Refused) where the server has no spooler, and all that connections and answers can do.
    pub fn spool<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), ClientError> {
        self.outgoing.clear();
        let mut task = VarsEncoder::new(&mut self.outgoing);
        let written = pairs.into_iter().try_for_each(|(key, value)| task.push_raw(key.as_ref(), value.as_ref()));
        let written = written.and_then(|()| task.finish(Modifier1::SPOOLER, 0).map(|_| ()));
        written.map_err(|error| self.fail(ClientErrorKind::Encode(error)))?;
        self.accepted(Asked::Spool)
    }

    /// Raises a signal of uWSGI's, 0 to 255. It is queued then, not handled; uWSGI does not say whether it has a handler.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     let mut packet = [0; 4];
    /// #     stream.read_exact(&mut packet).unwrap();
    /// #     assert_eq!(packet, [0x6e, 0, 0, 17]);
    /// #     stream.write_all(b"\xff\x00\x00\x01").unwrap();
    /// # });
    /// client.signal(17)?;
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refused`](ClientErrorKind::Refused), and all that connections and answers can do.
    pub fn signal(&mut self, number: u8) -> Result<(), ClientError> {
        self.outgoing.clear();
        let written = Signal { number }.encode(&mut self.outgoing).map(|_| ());
        written.map_err(|error| self.fail(ClientErrorKind::Encode(error)))?;
        self.accepted(Asked::Signal)
    }

    /// Sends any bytes, well formed or not, and answers with all that the server sends up to its close.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 9]).unwrap();
    /// #     stream.write_all(b"hello").unwrap();
    /// # });
    /// // Modifier 101: uWSGI sends back what it gets.
    /// assert_eq!(client.raw(b"\x65\x05\x00\x00hello")?.into_vec(1024)?, b"hello");
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No connection.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<Value<'_>, ClientError> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(bytes);
        self.pour(Asked::Request)
    }

    fn accepted(&mut self, asked: Asked) -> Result<(), ClientError> {
        let answered = self.ask(Exchange::new(false), io::empty(), asked)?;
        match Reply::decode(&answered.packet) {
            Ok(Reply::Accepted) => Ok(()),
            Ok(Reply::Refused) => Err(answered.refused()),
            Err(error) => Err(answered.wrong(error)),
        }
    }

    /// Sends what is in the buffer for what is written, and reads a packet. `exchange` counts the body.
    pub(super) fn ask<B: Read>(
        &mut self,
        mut exchange: Exchange,
        body: B,
        asked: Asked,
    ) -> Result<AnswerPacket<'_, B>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (pump, _) = open(address, settings, connection, outgoing, body, (Instant::now(), Some(&mut exchange)))
            .map_err(failed)?;
        AnswerPacket::read(pump, exchange, incoming, address, asked).map_err(failed)
    }

    /// Sends what is in the buffer for what is written, and reads whatever comes.
    fn pour(&mut self, asked: Asked) -> Result<Value<'_>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        match open(address, settings, connection, outgoing, io::empty(), (Instant::now(), None)) {
            Ok((pump, _)) => Ok(Value::new(Incoming::whole(pump, incoming), &[], None, address, asked)),
            Err(kind) => Err(ClientError::new(address, kind)),
        }
    }

    /// Writes the packet of a call.
    fn call<A: AsRef<[u8]>>(
        &mut self,
        function: &str,
        arguments: impl IntoIterator<Item = A>,
        mode: RpcMode,
    ) -> Result<(), ClientError> {
        self.outgoing.clear();
        let written = RpcCallEncoder::new(&mut self.outgoing, function).and_then(|mut call| {
            for argument in arguments {
                call.push_as_uwsgi(argument.as_ref())?;
            }
            call.finish(mode).map(|_| ())
        });
        written.map_err(|error| {
            self.fail(match error.kind() {
                EncodeErrorKind::TooManyArguments => ClientErrorKind::TooManyArguments { most: error.available() },
                _ => ClientErrorKind::Encode(error),
            })
        })
    }
}
