//! Messages of a client: packets that are not web requests.

use std::io::{self, Read};
use std::time::Instant;

use uwsgi::client::Exchange;
use uwsgi::message::{Ping, Pong, Reply, RpcAnswer, RpcCallEncoder, RpcMode, Signal};
use uwsgi::{EncodeErrorKind, Modifier1, VarsEncoder};

use crate::client::answer_packet::AnswerPacket;
use crate::client::client::Client;
use crate::client::connect::start_sending;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::source::BufferedSource;
use crate::client::value::Value;

impl Client {
    /// Asks whether the server is alive. The answer may contain a warning.
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
    /// [`ClientError`]: the server has not answered.
    pub fn ping(&mut self) -> Result<Pong<'_>, ClientError> {
        self.outgoing.clear();
        let written = Ping.encode(&mut self.outgoing).map(|_| ());
        written.map_err(|error| self.fail(ClientErrorKind::Encode(error)))?;
        let answer = self.send_message(Exchange::new(false), io::empty(), Asked::Ping)?;
        Pong::decode(&answer.packet).map_err(|error| answer.message_error(error))
    }

    /// Calls a function of the server, and returns its result, which may have any length.
    ///
    /// An argument must not be empty: uWSGI would call the function without it, or close the connection if it is the last one.
    /// An empty result looks the same as a function that does not exist: the error is [`NoAnswer`](ClientErrorKind::NoAnswer).
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
    /// [`Encode`](ClientErrorKind::Encode) if an argument is empty or the arguments do not fit into a packet,
    /// [`TooManyArguments`](ClientErrorKind::TooManyArguments), and the errors of connections and answers.
    pub fn rpc<A: AsRef<[u8]>>(
        &mut self,
        function: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Value<'_>, ClientError> {
        self.call(function, arguments, RpcMode::Packet)?;
        let answer = self.send_message(Exchange::new(false), io::empty(), Asked::Rpc)?;
        match RpcAnswer::decode(&answer.packet) {
            Ok(RpcAnswer::Inline { result }) => Ok(answer.into_value(result, 0)),
            Ok(RpcAnswer::Sized { length }) => Ok(answer.into_value(&[], length)),
            Ok(_) => Err(answer.refused()),
            Err(error) => Err(answer.message_error(error)),
        }
    }

    /// Calls a function like [`rpc`](Self::rpc), but the answer is only the bytes of the result, up to the close. An empty
    /// result looks the same as a function that does not exist: the answer has no bytes.
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
    /// The errors of [`rpc`](Self::rpc).
    pub fn rpc_raw<A: AsRef<[u8]>>(
        &mut self,
        function: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Value<'_>, ClientError> {
        self.call(function, arguments, RpcMode::Raw)?;
        self.read_to_close(Asked::Rpc, false)
    }

    /// Puts a task into the server's spooler. When this returns, the task is queued; the spooler may not have run it yet.
    ///
    /// The spooler itself reads the pairs `spooler`, `priority` and `at`: see [`SpoolTask`](uwsgi::message::SpoolTask). A task
    /// that comes over the network has no body. A function in Python gets the pair `body` as if it were the body.
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
    /// [`Refused`](ClientErrorKind::Refused) if the server has no spooler, and the errors of connections and answers.
    pub fn spool<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), ClientError> {
        self.outgoing.clear();
        let mut task = VarsEncoder::new(&mut self.outgoing);
        let written = pairs.into_iter().try_for_each(|(key, value)| task.push_raw(key.as_ref(), value.as_ref()));
        let written = written.and_then(|()| task.finish(Modifier1::SPOOLER, 0).map(|_| ()));
        written.map_err(|error| self.fail(ClientErrorKind::Encode(error)))?;
        self.expect_accepted(Asked::Spool)
    }

    /// Raises a signal of uWSGI, 0 to 255. When this returns, the signal is queued. uWSGI does not say whether the signal has a
    /// handler.
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
    /// [`Refused`](ClientErrorKind::Refused), and the errors of connections and answers.
    pub fn signal(&mut self, number: u8) -> Result<(), ClientError> {
        self.outgoing.clear();
        let written = Signal { number }.encode(&mut self.outgoing).map(|_| ());
        written.map_err(|error| self.fail(ClientErrorKind::Encode(error)))?;
        self.expect_accepted(Asked::Signal)
    }

    /// Sends any bytes, valid or not. Returns everything that the server sends up to its close.
    ///
    /// The connection stays open in both directions until the value is dropped. So a server that needs more bytes waits for
    /// them until its timeout. [`raw_and_half_close`](Self::raw_and_half_close) tells it that no more will come.
    ///
    /// If the bytes are a web request, [`Exchange::split`] splits the answer into head and body:
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// use uwsgi::client::Exchange;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 25]).unwrap();
    /// #     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    /// # });
    /// let answer = client.raw(b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET")?.into_vec(1024)?;
    /// let response = Exchange::new(false).split(&answer)?;
    /// assert_eq!((response.head.status(), &*response.body), (200, &b"hello"[..]));
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no connection.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<Value<'_>, ClientError> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(bytes);
        self.read_to_close(Asked::Request, false)
    }

    /// Sends any bytes like [`raw`](Self::raw), and then half-closes the connection: the server sees the end of the stream after
    /// the last byte, and can still answer.
    ///
    /// The half-close follows as soon as the kernel has taken the last byte: before this returns, or during a read of the value
    /// if the server takes the bytes slowly.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_to_end(&mut Vec::new()).unwrap();
    /// #     stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    /// # });
    /// // The header announces 21 bytes, and only two follow.
    /// let answer = client.raw_and_half_close(b"\0\x15\0\0\x0e\0")?.into_vec(1024)?;
    /// assert!(answer.starts_with(b"HTTP/1.1 400"));
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no connection.
    pub fn raw_and_half_close(&mut self, bytes: &[u8]) -> Result<Value<'_>, ClientError> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(bytes);
        self.read_to_close(Asked::Request, true)
    }

    /// Sends the bytes of `self.outgoing`. Any answer other than [`Reply::Accepted`] is an error.
    fn expect_accepted(&mut self, asked: Asked) -> Result<(), ClientError> {
        let answer = self.send_message(Exchange::new(false), io::empty(), asked)?;
        match Reply::decode(&answer.packet) {
            Ok(Reply::Accepted) => Ok(()),
            Ok(Reply::Refused) => Err(answer.refused()),
            Err(error) => Err(answer.message_error(error)),
        }
    }

    /// Sends the bytes of `self.outgoing` and then the body, which `exchange` counts. Reads the packet that answers.
    pub(super) fn send_message<B: Read>(
        &mut self,
        mut exchange: Exchange,
        body: B,
        asked: Asked,
    ) -> Result<AnswerPacket<'_, B>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (driver, _) =
            start_sending(address, settings, connection, outgoing, body, (Instant::now(), Some(&mut exchange)))
                .map_err(failed)?;
        AnswerPacket::read(driver, exchange, incoming, address, asked).map_err(failed)
    }

    /// Sends the bytes of `self.outgoing`, and then half-closes if `half_closes` says so. Returns everything that the server
    /// sends up to its close.
    fn read_to_close(&mut self, asked: Asked, half_closes: bool) -> Result<Value<'_>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let (mut driver, _) =
            start_sending(address, settings, connection, outgoing, io::empty(), (Instant::now(), None))
                .map_err(|kind| ClientError::new(address, kind))?;
        if half_closes {
            driver.half_close_when_sent();
        }
        Ok(Value::new(BufferedSource::empty(driver, incoming), &[], None, address, asked))
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
                EncodeErrorKind::TooManyArguments => {
                    ClientErrorKind::TooManyArguments { most: error.available().unwrap_or(0) }
                }
                _ => ClientErrorKind::Encode(error),
            })
        })
    }
}
