//! What the client's errors say, and the statuses that a proxy answers with.

use core::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use uwsgi::client::ExchangeError;
use uwsgi::framing::FramingError;
use uwsgi::{EncodeErrorKind, Modifier1, VarsEncoder};
use uwsgi_tower::{ClientError, VarsError};

/// An error, its status, and whether it is a timeout and an error of the connect.
type Row = (ClientError, u16, bool, bool);

fn rows() -> Vec<Row> {
    let connect = |error: io::Error| ClientError::Connect { address: "unix:/app.sock".into(), error: Arc::new(error) };
    let full = VarsEncoder::new(&mut [0; 4][..]).finish(Modifier1::WSGI, 0).map(drop).and_then(|()| {
        let mut buffer = [0; 8];
        VarsEncoder::new(&mut buffer[..]).push("REQUEST_METHOD", "GET")
    });
    let full = full.unwrap_err();
    assert_eq!(full.kind(), EncodeErrorKind::BufferFull);
    let decode = uwsgi::Packet::decode(b"\0\x05\0\0\x01").unwrap_err();
    let status = http::StatusCode::from_u16(1).unwrap_err();
    let os = io::Error::from_raw_os_error;
    vec![
        (ClientError::Answer(ExchangeError::NoAnswer), 502, false, false),
        (ClientError::Body("the disk is full".into()), 400, false, false),
        (ClientError::BodyLength, 400, false, false),
        (ClientError::BodyTooLong, 413, false, false),
        (connect(ErrorKind::ConnectionRefused.into()), 502, false, true),
        (connect(ErrorKind::TimedOut.into()), 503, true, true),
        (connect(os(rustix::io::Errno::MFILE.raw_os_error())), 503, false, true),
        (connect(os(rustix::io::Errno::ADDRNOTAVAIL.raw_os_error())), 503, false, true),
        (ClientError::Framing(FramingError::ConflictingLengths), 400, false, false),
        (ClientError::Head(status.into()), 502, false, false),
        (ClientError::Io(Arc::new(ErrorKind::ConnectionReset.into())), 502, false, false),
        (ClientError::Request(decode), 502, false, false),
        (ClientError::Timeout, 504, true, false),
        (ClientError::Vars(VarsError::TwoHosts), 400, false, false),
        (ClientError::Vars(VarsError::Encode(full)), 431, false, false),
        (ClientError::Vars(VarsError::MoreVars(full)), 500, false, false),
    ]
}

#[test]
fn each_error_has_its_status() {
    for (error, status, is_timeout, is_connect) in rows() {
        let got = (error.status().as_u16(), error.is_timeout(), error.is_connect());
        assert_eq!(got, (status, is_timeout, is_connect), "{error:?}");
    }
}

/// A report walks the sources, and prints each text once. `{:#}` prints the same.
#[test]
fn no_error_says_what_its_source_says() {
    for (error, ..) in rows() {
        let mut texts = vec![error.to_string()];
        texts.extend(core::iter::successors(error.source(), |error| (*error).source()).map(ToString::to_string));
        for (at, text) in texts.iter().enumerate() {
            assert!(texts.iter().skip(at + 1).all(|source| !text.contains(&**source)), "{texts:?}");
        }
        assert!(texts.iter().all(|text| format!("{error:#}").contains(&**text)), "{error:#}: {texts:?}");
    }
}
