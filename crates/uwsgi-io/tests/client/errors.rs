//! The texts of errors.

use std::io::{self, Read};
use std::net::TcpListener;

use uwsgi::AddressError;
use uwsgi_io::{Client, ClientError, ClientErrorKind};

use crate::server::{Server, read_bytes, temp_directory};
use crate::{get, packet};

/// Returns the text of an error and of its cause, without the address.
fn text_of(error: &ClientError) -> String {
    let text = format!("{error:#}");
    text.strip_prefix(&format!("{}: ", error.address())).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_server_that_does_not_listen() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = Client::new(&closed).unwrap().ping().unwrap_err();
    assert_eq!(error.to_string(), format!("{closed}: nobody listens there: is the server running?"));

    let directory = temp_directory();
    let path = directory.join("none.sock");
    let error = Client::new(path.to_str().unwrap()).unwrap().ping().unwrap_err();
    assert_eq!(text_of(&error), "there is no such socket: is the server running?");
    assert_eq!(error.address(), format!("unix:{}", path.display()));

    // The file of a socket on which no server listens.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let error = Client::new(path.to_str().unwrap()).unwrap().ping().unwrap_err();
    assert_eq!(text_of(&error), "nobody listens there: is the server running?");
    std::fs::remove_dir_all(directory).unwrap();

    assert_eq!(Client::new("fd:3").unwrap_err(), AddressError::NotToConnect);
    let error = Client::new("no-such-host.invalid:80").unwrap().ping().unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Connect(_)), "{error}");
}

/// An invalid request is not sent. No server listens at the address, so an attempt to connect would be another error.
#[test]
fn invalid_requests_are_not_sent() {
    let mut client = Client::new("127.0.0.1:1").unwrap();
    let rows: [(Vec<u8>, &str); 6] = [
        (vec![0, 1], "the packet to be sent is malformed: 4 bytes belong at offset 0, there are 2: 2 more needed"),
        (
            b"\0\x04\0\0\x05\0AB".to_vec(),
            "the packet to be sent is malformed: the key at offset 6 claims 5 bytes, its block has 2 left",
        ),
        ([get(), vec![1]].concat(), "1 bytes follow the packet to be sent: the body is a separate argument"),
        (packet(&[("CONTENT_LENGTH", "+5")]), "this cannot be sent: CONTENT_LENGTH is not a decimal number"),
        (
            // The last value counts.
            packet(&[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5, 5")]),
            "this cannot be sent: CONTENT_LENGTH is not a decimal number",
        ),
        (
            packet(&[("CONTENT_LENGTH", "18446744073709551616")]),
            "this cannot be sent: CONTENT_LENGTH does not fit into 64 bits",
        ),
    ];
    for (packet, text) in rows {
        assert_eq!(text_of(&client.request(&packet, io::empty()).unwrap_err()), text);
        assert_eq!(text_of(&client.send(&packet).unwrap_err()), text);
    }
}

#[test]
fn invalid_responses() {
    let rows: [(&[u8], &str); 7] = [
        (
            b"",
            "the server closed without an answer, as uWSGI does with what it refuses: its log says why; a packet over its \
             --buffer-size is a usual reason",
        ),
        (b"HTTP/1.1 200 OK\r\nX: 1\r\n", "the answer's head is refused: the answer ends inside its head (at byte 23)"),
        (b"\x64\0\0\x01", "the answer's head is refused: the answer ends inside its head (at byte 4)"),
        (
            b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
            "the answer's head is refused: a line of the answer's head is no header (at byte 17)",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "the answer's head is refused: the answer has two Content-Length lines (at byte 36)",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhello", "the backend closed 3 bytes before the answer's end"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            "the answer's chunked body is malformed: a chunk's size is not 1 to 16 hex digits",
        ),
    ];
    let server = Server::tcp(rows.len(), move |number, connection| {
        read_bytes(connection, get().len());
        connection.write_all(rows[number].0).unwrap();
    });
    let mut client = server.client();
    for (bytes, text) in rows {
        let error = match client.request(&get(), io::empty()) {
            Err(error) => error,
            Ok(mut response) => {
                let error = response.read_to_end(&mut Vec::new()).unwrap_err();
                response.explain(error)
            }
        };
        assert_eq!(text_of(&error), text, "{}", bytes.escape_ascii());
        // An `io::Error` of it has the same text.
        let text = error.to_string();
        assert_eq!(io::Error::from(error).to_string(), text);
    }
    server.join();
}
