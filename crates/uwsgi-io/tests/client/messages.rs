//! Messages that are not web requests, with the answers of uWSGI 2.0 and with other answers.

use core::time::Duration;
use std::io::Read;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use uwsgi::Address;
use uwsgi::message::{CacheRequest, RpcCall, Subscription, SubscriptionCommand};
use uwsgi::{EncodeErrorKind, Packet};
use uwsgi_io::{Asked, Client, ClientError, ClientErrorKind, subscribe};

use crate::server::{Connection, Server, read_bytes, temp_directory};

/// Reads a packet.
fn packet(connection: &mut dyn Connection) -> Vec<u8> {
    let header = read_bytes(connection, 4);
    let payload = read_bytes(connection, usize::from(u16::from_le_bytes([header[1], header[2]])));
    [header, payload].concat()
}

/// Serves one connection: expects this packet, and answers with these bytes.
fn answering(expected: &'static [u8], answer: impl AsRef<[u8]> + Send + 'static) -> Server {
    Server::tcp(1, move |_, connection| {
        assert_eq!(packet(connection), expected);
        connection.write_all(answer.as_ref()).unwrap();
    })
}

#[test]
fn ping() {
    let server = answering(b"\x64\0\0\0", b"\x64\0\0\x01");
    assert_eq!(server.client().ping().unwrap().warning, b"");
    server.join();
    let server = answering(b"\x64\0\0\0", b"\x64\x0b\0\x01going down!");
    assert_eq!(server.client().ping().unwrap().warning, b"going down!");
    server.join();
}

/// Answers that do not fit the message, and the text of the error.
#[test]
fn invalid_answers() {
    const HTTP: &str = "the answer is HTTP with status 501: does this server take anything but web requests?";
    let rows: [(&[u8], &str); 8] = [
        (b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n", HTTP),
        (b"HTTP/1.1 501", HTTP),
        (
            b"",
            "the server closed without an answer, as uWSGI does with what it refuses: does it have the plugin for this?",
        ),
        (
            b"\x64\0",
            "the answer is a packet of another kind: the payload is malformed: 4 bytes belong at offset 0, there are 2: 2 more needed",
        ),
        (
            b"\x64\x05\0\x01ab",
            "the answer is a packet of another kind: the payload is malformed: 5 bytes belong at offset 4, there are 2: 3 more needed",
        ),
        (b"\x64\0\0\0", "the answer is a packet of another kind: modifier2 0 says that this is another message"),
        (b"\xff\0\0\x01", "the answer is a packet of another kind: modifier1 is not 100 (ping)"),
        (b"HTTP/1.1 xyz", "the answer is HTTP with status 0: does this server take anything but web requests?"),
    ];
    let server = Server::tcp(rows.len(), move |number, connection| {
        packet(connection);
        // Byte by byte: the result must not depend on the sizes of the pieces.
        for byte in rows[number].0 {
            // The client may know enough before the last byte, and close.
            let _closed = connection.write_all(&[*byte]);
        }
    });
    let mut client = server.client();
    for (bytes, text) in rows {
        let error = client.ping().unwrap_err();
        assert_eq!(format!("{error:#}"), format!("{}: {text}", server.address), "{}", bytes.escape_ascii());
    }
    server.join();
}

/// Serves one call of a function. `answer` gets its name and arguments, joined by `|`.
fn rpc(answer: impl Fn(Vec<u8>) -> Vec<u8> + Send + 'static) -> Server {
    Server::tcp(1, move |_, connection| {
        let packet = packet(connection);
        let call = RpcCall::decode_as_uwsgi(&Packet::decode(&packet).unwrap().0).unwrap();
        let mut parts = vec![call.name()];
        parts.extend(call.args_as_uwsgi());
        connection.write_all(&answer(parts.join(&b'|'))).unwrap();
    })
}

/// Returns the packet of a result.
fn inline(result: &[u8]) -> Vec<u8> {
    let length = u16::try_from(result.len()).unwrap().to_le_bytes();
    [&[0xad, length[0], length[1], 0], result].concat()
}

#[test]
fn calls_of_functions() {
    for arguments in [&[][..], &["a"], &["a", "bb"]] {
        let server = rpc(|call| inline(&call));
        let mut client = server.client();
        let value = client.rpc("hello", arguments).unwrap();
        let want = [&["hello"], arguments].concat().join("|");
        assert_eq!(value.length(), Some(want.len() as u64));
        assert_eq!(value.into_vec(100).unwrap(), want.as_bytes());
        server.join();
    }
    // The largest argument and the largest result of one packet.
    let server = rpc(|call| inline(&call[2..]));
    let largest = vec![b'x'; 65535 - 3 - 2];
    assert!(server.client().rpc("f", [&largest]).unwrap().into_vec(1 << 20).unwrap() == largest);
    server.join();
}

#[test]
fn results_of_any_length() {
    for length in [1_usize, 65_536, 100_000, 5_000_000] {
        let server = rpc(move |_| {
            let text = length.to_string();
            let size = u8::try_from(18 + text.len()).unwrap();
            let pair =
                [&b"\x0e\0CONTENT_LENGTH"[..], &[u8::try_from(text.len()).unwrap(), 0], text.as_bytes()].concat();
            [&[0xad, size, 0, 5], &pair[..], &vec![b'y'; length]].concat()
        });
        let mut client = server.client();
        let value = client.rpc("big", ["x"]).unwrap();
        assert_eq!(value.length(), Some(length as u64));
        assert!(value.into_vec(length).unwrap() == vec![b'y'; length]);
        server.join();
    }
}

#[test]
fn results_with_a_wrong_length() {
    // A length that fits into no memory, and three bytes.
    let huge = b"\xad\x25\0\x05\x0e\0CONTENT_LENGTH\x13\09223372036854775807abc";
    for most in [1 << 20, usize::MAX] {
        let server = rpc(|_| huge.to_vec());
        let mut client = server.client();
        let error = client.rpc("big", ["x"]).unwrap().into_vec(most).unwrap_err();
        let text = error.to_string();
        match most {
            usize::MAX => {
                assert!(text.ends_with("the backend closed 9223372036854775804 bytes before the answer's end"))
            }
            _ => assert!(text.ends_with("the answer is longer than 1048576 bytes")),
        }
        server.join();
    }
    // A reader gets the bytes that there are, then the error.
    let server = rpc(|_| huge.to_vec());
    let mut client = server.client();
    let mut value = client.rpc("big", ["x"]).unwrap();
    let mut bytes = Vec::new();
    let error = value.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(bytes, b"abc");
    assert!(matches!(value.explain(error).kind(), ClientErrorKind::Answer(_)));
    server.join();
    // An invalid length, and no length.
    for answer in [&b"\xad\x14\0\x05\x0e\0CONTENT_LENGTH\x02\0-1"[..], b"\xad\0\0\x05", b"\xad\0\0\x07"] {
        let server = rpc(|_| answer.to_vec());
        let mut client = server.client();
        let error = client.rpc("big", ["x"]).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Message(_)), "{error}");
        server.join();
    }
}

#[test]
fn calls_that_are_not_sent() {
    let mut client = Client::new("127.0.0.1:1").unwrap();
    for (function, arguments, kind) in [
        ("", vec!["a"], EncodeErrorKind::EmptyItem),
        ("f", vec!["a", ""], EncodeErrorKind::EmptyItem),
        ("f", vec!["", "a"], EncodeErrorKind::EmptyItem),
    ] {
        let error = client.rpc(function, arguments).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Encode(error) if error.kind() == kind), "{error}");
    }
    let error = client.rpc("f", [vec![b'x'; 65536]]).unwrap_err();
    assert!(format!("{error:#}").ends_with("an item of 65536 bytes, a length field says at most 65535"), "{error}");
    let error = client.rpc("f", core::iter::repeat_n("x", 255)).unwrap_err();
    assert!(error.to_string().ends_with("more than 254 arguments: uWSGI ignores the rest"), "{error}");
}

#[test]
fn calls_answered_raw() {
    let server = Server::tcp(1, |_, connection| {
        assert_eq!(packet(connection), b"\xad\x07\0\x01\x05\0hello");
        connection.write_all(b"HTTP or whatever").unwrap();
    });
    let none: [&str; 0] = [];
    assert_eq!(server.client().rpc_raw("hello", none).unwrap().into_vec(16).unwrap(), b"HTTP or whatever");
    server.join();
    let server = Server::answering_once(11, "longer than wanted");
    let error = server.client().rpc_raw("hello", none).unwrap().into_vec(16).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::TooLong { most: 16 }), "{error}");
    server.join();
}

const OK: &[u8] = b"\x6f\x0c\0\x11\x06\0status\x02\0ok";

/// Serves one cache command: expects this command and value, and answers with these bytes.
fn cache(command: &'static str, value: &'static [u8], answer: &'static [u8]) -> Server {
    Server::tcp(1, move |_, connection| {
        let packet = packet(connection);
        let request = CacheRequest::decode(&Packet::decode(&packet).unwrap().0).unwrap();
        let text = format!(
            "{} {:?} {:?} {:?} {:?}",
            request.command.as_str(),
            request.key.map(|key| key.escape_ascii().to_string()),
            request.size,
            request.expires,
            request.cache.map(|name| name.escape_ascii().to_string())
        );
        assert_eq!(text, command);
        assert_eq!(read_bytes(connection, value.len()), value);
        connection.write_all(answer).unwrap();
    })
}

#[test]
fn cache_commands() {
    let hit = b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x002v1";
    let server = cache(r#"get Some("k1") None None None"#, b"", hit);
    assert_eq!(server.client().cache(None).get("k1").unwrap().unwrap().into_vec(2).unwrap(), b"v1");
    server.join();

    let expiring = b"\x6f\x22\0\x11\x06\0status\x02\0ok\x04\0size\x01\x000\x07\0expires\x02\x0042";
    let server = cache(r#"get Some("\\x00") None None Some("c")"#, b"", expiring);
    let mut client = server.client();
    let mut named = client.cache(Some("c"));
    let (value, expires) = named.get_with_expiry(b"\0").unwrap().unwrap();
    assert_eq!((value.into_vec(0).unwrap(), expires), (Vec::new(), Some(42)));
    server.join();

    let server = cache(r#"exists Some("k1") None None None"#, b"", OK);
    assert!(server.client().cache(None).exists("k1").unwrap());
    server.join();
    let server = cache(r#"set Some("k1") Some(5) None None"#, b"value", OK);
    assert!(server.client().cache(None).set("k1", b"value", None).unwrap());
    server.join();
    let server = cache(r#"update Some("k1") Some(0) Some(60) None"#, b"", OK);
    server.client().cache(None).update("k1", b"", Some(Duration::from_secs(60))).unwrap();
    server.join();
    let server = cache(r#"del Some("k1") None None None"#, b"", OK);
    assert!(server.client().cache(None).delete("k1").unwrap());
    server.join();
    let server = cache(r#"clear None None None Some("other")"#, b"", OK);
    server.client().cache(Some("other")).clear().unwrap();
    server.join();
}

/// uWSGI counts seconds, and takes 0 for never.
#[test]
fn a_short_time_to_expiry_is_rounded_up() {
    for (expires, seconds) in [
        (Duration::ZERO, 1),
        (Duration::from_nanos(1), 1),
        (Duration::from_millis(500), 1),
        (Duration::from_secs(1), 1),
        (Duration::from_millis(1001), 2),
        (Duration::MAX, u64::MAX >> 1),
    ] {
        let command = format!(r#"set Some("k") Some(1) Some({seconds}) None"#);
        let server = cache(command.leak(), b"v", OK);
        assert!(server.client().cache(None).set("k", b"v", Some(expires)).unwrap());
        server.join();
    }
}

/// uWSGI says no by a close. If that has only one meaning for a command, the result is `None` or `false`.
#[test]
fn cache_commands_without_an_answer() {
    type Command = fn(&mut Client) -> Result<bool, ClientError>;
    let rows: [(&str, Command, bool); 6] = [
        (r#"get Some("k") None None None"#, |client| client.cache(None).get("k").map(|value| value.is_some()), true),
        (r#"exists Some("k") None None None"#, |client| client.cache(None).exists("k"), true),
        (r#"set Some("k") Some(0) None None"#, |client| client.cache(None).set("k", b"", None), true),
        (r#"del Some("k") None None None"#, |client| client.cache(None).delete("k"), true),
        (
            r#"update Some("k") Some(0) None None"#,
            |client| client.cache(None).update("k", b"", None).map(|()| true),
            false,
        ),
        (r#"clear None None None None"#, |client| client.cache(None).clear().map(|()| true), false),
    ];
    for (command, ask, is_answer) in rows {
        let server = cache(command, b"", b"");
        match ask(&mut server.client()) {
            Ok(found) => assert!(!found && is_answer, "{command}"),
            Err(error) => {
                assert!(
                    !is_answer && matches!(error.kind(), ClientErrorKind::NoAnswer(Asked::Cache)),
                    "{command}: {error}"
                )
            }
        }
        server.join();
    }
}

/// A value that is larger than all buffers on its way to the server, and a value that is shorter than the server says.
#[test]
fn large_values() {
    let value: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    let expected = value.clone();
    let server = Server::tcp(2, move |number, connection| {
        packet(connection);
        if number == 0 {
            assert!(read_bytes(connection, expected.len()) == expected);
            connection.write_all(OK).unwrap();
        } else {
            connection.write_all(b"\x6f\x15\0\x11\x06\0status\x02\0ok\x04\0size\x01\x009v1").unwrap();
        }
    });
    let mut client = server.client();
    client.cache(None).update("k", &value, None).unwrap();
    let error = client.cache(None).get("k").unwrap().unwrap().into_vec(9).unwrap_err();
    assert!(error.to_string().ends_with("the backend closed 7 bytes before the answer's end"), "{error}");
    server.join();
}

#[test]
fn spooler_and_signals() {
    let task = b"\x11\x0e\0\0\x05\0hello\x05\0world";
    let server = answering(task, b"\xff\0\0\x01");
    server.client().spool([("hello", "world")]).unwrap();
    server.join();
    let server = answering(task, b"\xff\0\0\0");
    let error = server.client().spool([("hello", "world")]).unwrap_err();
    assert!(error.to_string().ends_with(": the task was refused: was the server started with --spooler?"), "{error}");
    server.join();

    let server = answering(b"\x6e\0\0\x11", b"\xff\0\0\x01");
    server.client().signal(17).unwrap();
    server.join();
    let server = answering(b"\x6e\0\0\0", b"\xff\0\0\0");
    let error = server.client().signal(0).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Refused(Asked::Signal)), "{error}");
    server.join();
    let server = answering(b"\x6e\0\0\0", b"\xff\0\0\x02");
    let error = server.client().signal(0).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Message(_)), "{error}");
    server.join();

    let error = Client::new("127.0.0.1:1").unwrap().spool([("", "x")]).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Encode(_)), "{error}");
}

#[test]
fn subscriptions() {
    let mut join = Subscription::new(SubscriptionCommand::Join, b"example.com", b"127.0.0.1:4050");
    join.weight = Some(3);
    let arrives =
        |datagram: &[u8]| assert_eq!(Subscription::decode(&Packet::decode(datagram).unwrap().0).unwrap(), join);
    let mut buffer = [0; 5000];

    let router = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = router.local_addr().unwrap();
    subscribe(Address::Tcp(address), &join).unwrap();
    let count = router.recv(&mut buffer).unwrap();
    arrives(&buffer[..count]);
    subscribe(Address::Name { host: "localhost", port: address.port() }, &join).unwrap();
    let count = router.recv(&mut buffer).unwrap();
    arrives(&buffer[..count]);

    let directory = temp_directory();
    let path = directory.join("router");
    let router = UnixDatagram::bind(&path).unwrap();
    subscribe(Address::Unix(path.to_str().unwrap()), &join).unwrap();
    let count = router.recv(&mut buffer).unwrap();
    arrives(&buffer[..count]);
    drop(router);
    let error = subscribe(Address::Unix(path.to_str().unwrap()), &join).unwrap_err();
    assert!(error.to_string().ends_with("nobody listens there: is the server running?"), "{error}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn subscriptions_that_are_not_sent() {
    let router = UdpSocket::bind("127.0.0.1:0").unwrap();
    router.set_nonblocking(true).unwrap();
    let address = Address::Tcp(router.local_addr().unwrap());
    let long = [b'x'; 256];
    for (key, address_of, what) in [(&b""[..], &b":1"[..], "key"), (b"k", b"", "address"), (&long, b":1", "key")] {
        let leave = Subscription::new(SubscriptionCommand::Leave, key, address_of);
        let error = subscribe(address, &leave).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!("{address}: this cannot be sent: the value of {what} is not one that this message allows")
        );
    }
    let path = [b'/'; 4096];
    let mut join = Subscription::new(SubscriptionCommand::Join, b"k", b":1");
    join.sni_key = Some(&path);
    let error = subscribe(address, &join).unwrap_err();
    assert!(error.to_string().ends_with("is too long: a router reads 4096"), "{error}");
    assert!(router.recv(&mut [0; 10]).is_err(), "something was sent");

    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let join = Subscription::new(SubscriptionCommand::Join, b"k", b":1");
    // A busy kernel may report this too late, so this tries several times.
    let error = (0..100).find_map(|_| subscribe(Address::Tcp(gone), &join).err()).unwrap();
    assert_eq!(error.to_string(), format!("{gone}: nobody listens there: is the server running?"));
}
