//! The vars that a request gives by name: each is found, and no other var is taken for it.

use uwsgi::framing::RequestFraming;
use uwsgi::{Modifier1, Packet, Request, Scheme};
use uwsgi_tests::naive;

/// A key, a value, and whether a request shows that value.
struct Row {
    key: &'static str,
    value: &'static str,
    shown: fn(&Request<'_>, &[u8]) -> bool,
}

/// Key, value, request, value as bytes, what is shown.
macro_rules! rows {
    ($($key:literal $value:literal |$request:ident, $bytes:ident| $shown:expr;)*) => {
        const ROWS: &[Row] = &[$(Row { key: $key, value: $value, shown: |$request, $bytes| $shown }),*];
    };
}

rows! {
    "CONTENT_LENGTH" "5" |request, _value| request.body_framing() == Ok(RequestFraming::Length(5));
    "CONTENT_TYPE" "a/b" |request, value| request.content_type() == Some(value);
    "DOCUMENT_ROOT" "/srv" |request, value| request.document_root() == Some(value);
    "HTTPS" "on" |request, _value| request.scheme() == Scheme::Https;
    "HTTP_HOST" "a.test" |request, value| request.host() == Some(value);
    "PATH_INFO" "/a" |request, value| request.path_info() == Some(value);
    "QUERY_STRING" "a=b" |request, value| request.query_string() == Some(value);
    "REMOTE_ADDR" "::1" |request, value| request.remote_addr() == Some(value);
    "REMOTE_PORT" "4050" |request, value| request.remote_port() == Some(value);
    "REMOTE_USER" "root" |request, value| request.remote_user() == Some(value);
    "REQUEST_METHOD" "PUT" |request, value| request.method() == Some(value);
    "REQUEST_SCHEME" "https" |request, _value| request.scheme() == Scheme::Https;
    "REQUEST_URI" "/a?b" |request, value| request.request_uri() == Some(value);
    "SCRIPT_NAME" "/m" |request, value| request.script_name() == Some(value);
    "SERVER_NAME" "b.test" |request, value| request.server_name() == Some(value);
    "SERVER_PORT" "80" |request, value| request.server_port() == Some(value);
    "SERVER_PROTOCOL" "HTTP/1.1" |request, value| request.server_protocol() == Some(value);
    "UWSGI_SCHEME" "https" |request, _value| request.scheme() == Scheme::Https;
    "wsgi.url_scheme" "https" |request, _value| request.scheme() == Scheme::Https;
}

/// Returns the keys whose rows show their value for a request of this var alone.
fn shown_for(key: &[u8], value: &str) -> Vec<&'static str> {
    let block = naive::encode_vars(&[(key, value)]).expect("a short var");
    let bytes = naive::encode_packet(0, 0, &block).expect("a short block");
    let (packet, _) = Packet::decode(&bytes).expect("a packet");
    let request = Request::decode(&packet).expect("a request");
    ROWS.iter().filter(|row| (row.shown)(&request, value.as_bytes())).map(|row| row.key).collect()
}

#[test]
fn every_var_is_shown_by_its_own_method() {
    // The four vars that name a scheme belong to one question.
    let scheme = ["HTTPS", "REQUEST_SCHEME", "UWSGI_SCHEME", "wsgi.url_scheme"];
    for row in ROWS {
        let want = if scheme.contains(&row.key) { scheme.to_vec() } else { vec![row.key] };
        assert_eq!(shown_for(row.key.as_bytes(), row.value), want, "{}", row.key);
    }
}

/// A key that differs in one letter is another var, even if a reader compares lengths and last letters first.
#[test]
fn a_similar_key_is_not_taken_for_another() {
    for row in ROWS {
        let key = row.key.as_bytes();
        for at in 0..key.len() {
            for other in [key[at] ^ 0x20, b'X', b'_', 0] {
                let mut like = key.to_vec();
                like[at] = other;
                if like != key {
                    assert!(shown_for(&like, row.value).is_empty(), "{}", like.escape_ascii());
                }
            }
        }
        for like in [&key[1..], &key[..key.len() - 1], &[key, b"X"].concat(), &[b"X", key].concat()] {
            assert!(shown_for(like, row.value).is_empty(), "{}", like.escape_ascii());
        }
    }
}

/// A request with other modifiers is a request like any other, and keeps its modifiers.
#[test]
fn a_request_keeps_its_modifiers() {
    for (modifier1, modifier2) in [(0, 0), (0, 1), (7, 2), (9, 255), (255, 254)] {
        let packet = Packet::new(Modifier1(modifier1), modifier2, b"\x01\0A\x01\x001").expect("a short block");
        let request = Request::decode(&packet).expect("a request");
        assert_eq!((request.modifier1(), request.modifier2()), (Modifier1(modifier1), modifier2));
        let mounted = request.with_mount(b"/a", b"/b");
        assert_eq!((mounted.modifier1(), mounted.modifier2()), (Modifier1(modifier1), modifier2));
    }
}
