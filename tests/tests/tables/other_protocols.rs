//! The first bytes of other protocols, as a reader of packets sees them.

use uwsgi::{Foreign, Header};

use crate::rows;

/// The first bytes of a connection, the header that they make, and the protocol.
struct Row {
    name: &'static str,
    first: &'static str,
    modifier1: u8,
    datasize: u16,
    foreign: Option<Foreign>,
    uwsgi: &'static str,
    gunicorn: &'static str,
    source: &'static str,
}

/// Name, first four bytes in hex, modifier1, datasize, protocol, source.
macro_rules! rows {
    ($($name:literal $first:literal $modifier1:literal $datasize:literal $foreign:expr, $source:literal;)*) => {
        const ROWS: &[Row] = &[$(Row {
            name: $name,
            first: $first,
            modifier1: $modifier1,
            datasize: $datasize,
            foreign: $foreign,
            uwsgi: "closes: invalid request block size, or unavailable modifier; it never says what it saw",
            gunicorn: if $modifier1 == 0 { "reads a block" } else { "501: unsupported modifier1" },
            source: $source,
        }),*];
    };
}

rows! {
    "GET" "47455420" 71 21573 Some(Foreign::Http), "RFC 9110 section 9.3.1";
    "POST" "504f5354" 80 21327 Some(Foreign::Http), "RFC 9110 section 9.3.3";
    "HEAD" "48454144" 72 16709 Some(Foreign::Http), "RFC 9110 section 9.3.2";
    "PUT" "50555420" 80 21589 Some(Foreign::Http), "RFC 9110 section 9.3.4";
    "DELETE" "44454c45" 68 19525 Some(Foreign::Http), "RFC 9110 section 9.3.5";
    "OPTIONS" "4f505449" 79 21584 Some(Foreign::Http), "RFC 9110 section 9.3.7";
    "CONNECT" "434f4e4e" 67 20047 Some(Foreign::Http), "RFC 9110 section 9.3.6";
    "TRACE" "54524143" 84 16722 Some(Foreign::Http), "RFC 9110 section 9.3.8";
    "PATCH" "50415443" 80 21569 Some(Foreign::Http), "RFC 5789 section 2";
    "PROPFIND" "50524f50" 80 20306 Some(Foreign::Http), "RFC 4918 section 9.1";
    "MKCOL" "4d4b434f" 77 17227 Some(Foreign::Http), "RFC 4918 section 9.3";
    "COPY" "434f5059" 67 20559 Some(Foreign::Http), "RFC 4918 section 9.8";
    "MOVE" "4d4f5645" 77 22095 Some(Foreign::Http), "RFC 4918 section 9.9";
    "LOCK" "4c4f434b" 76 17231 Some(Foreign::Http), "RFC 4918 section 9.10";
    "UNLOCK" "554e4c4f" 85 19534 Some(Foreign::Http), "RFC 4918 section 9.11";
    "a-response" "48545450" 72 21588 Some(Foreign::Http), "RFC 9112 section 4";
    "HTTP/2" "50524920" 80 18770 Some(Foreign::Http2), "RFC 9113 section 3.4";
    "PROXY-1" "50524f58" 80 20306 Some(Foreign::Proxy), "The PROXY protocol, section 2.1";
    "PROXY-2" "0d0a0d0a" 13 3338 Some(Foreign::Proxy), "The PROXY protocol, section 2.2";
    "TLS-1.0-record" "16030102" 22 259 Some(Foreign::Tls), "RFC 8446 section 5.1";
    "TLS-1.2-record" "16030300" 22 771 Some(Foreign::Tls), "RFC 5246 section 6.2.1";
    "SSL-3-record" "16030000" 22 3 Some(Foreign::Tls), "RFC 6101 section 5.2.1";
    "FastCGI-begin" "01010001" 1 1 Some(Foreign::FastCgi), "FastCGI Specification section 3.3";
    "FastCGI-get-values" "01090000" 1 9 Some(Foreign::FastCgi), "FastCGI Specification section 4.1";

    // Bytes of this protocol.
    "empty" "00000000" 0 0 None, "uWSGI 2.0 uwsgi.h struct uwsgi_header";
    "a-request" "00650100" 0 357 None, "uWSGI 2.0 uwsgi.h struct uwsgi_header";
    "ping" "64000000" 100 0 None, "uWSGI 2.0 plugins/ping/ping_plugin.c";
    "rpc" "ad0e0000" 173 14 None, "uWSGI 2.0 plugins/rpc/rpc_plugin.c";
    "signal" "6e000011" 110 0 None, "uWSGI 2.0 plugins/signal/signal_plugin.c";
    "answer" "ff000001" 255 0 None, "uWSGI 2.0 plugins/signal/signal_plugin.c";
    "subscription" "e0650000" 224 101 None, "uWSGI 2.0 core/subscription.c";
    "modifier1-22" "16100000" 22 16 None, "uWSGI 2.0 uwsgi.h UWSGI_MODIFIER_EVAL";
    "modifier1-72" "48010000" 72 1 None, "uWSGI docs Protocol.rst";
    "modifier1-1" "01020000" 1 2 None, "uWSGI docs Protocol.rst";
    "modifier1-80" "50010000" 80 1 None, "uWSGI 2.0 uwsgi.h";
    "get-in-lower-case" "67657420" 103 29797 None, "RFC 9110 section 9.1: methods are case-sensitive";
    "ones" "ffffffff" 255 65535 None, "uWSGI 2.0 uwsgi.h struct uwsgi_header";
}

#[test]
fn other_protocols() {
    let describe = |row: &Row| (row.name, [row.uwsgi, row.gunicorn, row.source]);
    rows::run("other protocols", ROWS, describe, |row| {
        let bytes = rows::hex(row.first);
        let (header, rest) = Header::decode(&bytes).expect("four bytes");
        assert!(rest.is_empty());
        let got = (header.modifier1.0, header.datasize, header.foreign());
        let mut wrong = Vec::new();
        if got != (row.modifier1, row.datasize, row.foreign) {
            wrong.push(format!("{got:?}"));
        }
        if header.to_bytes()[..] != bytes {
            wrong.push(format!("{header:?} does not write the four bytes back"));
        }
        wrong
    });
}

/// This is advice only: the header of an HTTP GET begins a good packet if 21573 bytes of vars follow.
#[test]
fn a_packet_that_looks_foreign_still_decodes() {
    let block = [b"\x01\x00A".as_slice(), &21_568_u16.to_le_bytes(), &[b'x'; 21_568]].concat();
    let bytes = [b"GET ".as_slice(), &block].concat();
    let (packet, rest) = uwsgi::Packet::decode(&bytes).unwrap();
    assert_eq!((packet.header().foreign(), rest), (Some(Foreign::Http), &b""[..]));
    assert_eq!(packet.vars().unwrap().get("A").map(<[u8]>::len), Some(21_568));
}
