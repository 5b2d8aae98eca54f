//! Reads the answers of a front end from the bytes that came so far.

use httparse::{EMPTY_HEADER, Response, Status};

/// One answer, interim or final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0 for bytes that are not an answer of HTTP/1.
    pub(crate) status: u16,
    /// The number that the backend has given it; `None` if the answer is the front end's own.
    pub(crate) number: Option<String>,
    /// Whether an answer of this kind has no body.
    pub(crate) has_no_body: bool,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// The first answer is not whole.
    Partial,
    /// The first answer, and its length in bytes.
    Whole(Answer, usize),
}

/// Reads the first answer. `to_head` says that it answers HEAD, and `is_end` that no more bytes come.
pub(crate) fn parse(bytes: &[u8], to_head: bool, is_end: bool) -> Parsed {
    let mut headers = [EMPTY_HEADER; 100];
    let mut response = Response::new(&mut headers);
    let head = match response.parse(bytes) {
        Ok(Status::Complete(head)) => head,
        Ok(Status::Partial) => return Parsed::Partial,
        // The rest has no head: nginx answers a request without a version with the body alone.
        Err(_) if is_end && !bytes.is_empty() => {
            let answer = Answer { status: 0, number: None, has_no_body: false, body: bytes.to_vec() };
            return Parsed::Whole(answer, bytes.len());
        }
        Err(_) => return Parsed::Partial,
    };
    let status = response.code.unwrap_or_default();
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(found.value).into_owned())
    };
    let has_no_body = to_head || header("X-Head").is_some() || matches!(status, 100..200 | 204 | 304);
    let body = if has_no_body {
        Some((Vec::new(), 0))
    } else if header("Transfer-Encoding").is_some() {
        chunks(&bytes[head..])
    } else if let Some(length) = header("Content-Length") {
        length.parse().ok().and_then(|length: usize| Some((bytes.get(head..head + length)?.to_vec(), length)))
    } else {
        is_end.then(|| (bytes[head..].to_vec(), bytes.len() - head))
    };
    match body {
        None => Parsed::Partial,
        Some((body, length)) => {
            Parsed::Whole(Answer { status, number: header("X-Number"), has_no_body, body }, head + length)
        }
    }
}

/// Returns a chunked body, and its length with the coding; `None` if it is not whole.
fn chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (length, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(Status::Complete((length, size))) => (length, usize::try_from(size).ok()?),
            _ => return None,
        };
        let data = bytes.get(at + length..at + length + size + 2)?;
        body.extend_from_slice(&data[..size]);
        at += length + size + 2;
        // No server of the tests sends trailers.
        if data[size..] != *b"\r\n" {
            return None;
        }
        if size == 0 {
            return Some((body, at));
        }
    }
}

#[test]
fn answers_are_read() {
    let own = |status, body: &str| Answer { status, number: None, has_no_body: false, body: body.into() };
    let empty = |status| Answer { has_no_body: true, ..own(status, "") };
    for (bytes, to_head, is_end, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcH", false, false, Some((own(200, "abc"), 41))),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false, true, None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, false, Some((empty(200), 38))),
        ("HTTP/1.1 200 OK\r\nX-Head: yes\r\n\r\n", false, false, Some((empty(200), 32))),
        ("HTTP/1.1 204 No Content\r\n\r\nHTTP", false, false, Some((empty(204), 27))),
        ("HTTP/1.1 100 Continue\r\n\r\n", false, false, Some((empty(100), 25))),
        ("HTTP/1.1 200 OK\r\n\r\nab", false, false, None),
        ("HTTP/1.1 200 OK\r\n\r\nab", false, true, Some((own(200, "ab"), 21))),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            false,
            false,
            Some((own(200, "a"), 58)),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", false, true, None),
        ("answer 1", false, false, None),
        ("answer 1", false, true, Some((own(0, "answer 1"), 8))),
        ("", false, true, None),
    ] {
        let parsed = parse(bytes.as_bytes(), to_head, is_end);
        assert_eq!(
            parsed,
            expected.map_or(Parsed::Partial, |(answer, length)| Parsed::Whole(answer, length)),
            "{bytes:?}"
        );
    }
}
