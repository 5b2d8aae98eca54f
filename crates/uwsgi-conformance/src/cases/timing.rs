//! Silence and slowness before the application is called.

use crate::case::{Bytes, Case, Row, SMALL, Step, Verdict};
use crate::cases::sources::TIMEOUT;

pub(super) const CASES: &[Case] = &[
    Case::builder("connect-wait", "connect, send nothing")
        .verdict(Verdict::Close, Row::Silence)
        .because("no request has begun, so that there is nothing to answer", TIMEOUT),
    Case::builder("connect-wait-then-get", "nothing for 9 s, then a good GET")
        .steps(&[Step::Wait(9000), Step::packet(SMALL)])
        .served(&["path /m"], Row::Served)
        .because("within the header timeout", TIMEOUT),
    Case::builder("connect-wait-11", "nothing for 11 s, then a good GET")
        .steps(&[Step::Wait(11000), Step::packet(SMALL)])
        .verdict(Verdict::Close, Row::Silence)
        .because("the server closed after 10 s", TIMEOUT),
    Case::builder("connect-wait-half-close", "nothing for 11 s, then half-close")
        .steps(&[Step::Wait(11000), Step::ShutdownWrite])
        .verdict(Verdict::Close, Row::Silence)
        .because("the server closed after 10 s", TIMEOUT),
    Case::builder("header-3-wait", "3 bytes of header, nothing more")
        .steps(&[Step::part(SMALL, 0, 3)])
        .refused(408, Row::HeaderTimeout)
        .because("RFC 9110 section 15.5.9: the request did not come in time", TIMEOUT),
    Case::builder("header-only-wait", "header with datasize 100, nothing more")
        .steps(&[Step::raw(b"\0d\0\0")])
        .refused(408, Row::HeaderTimeout)
        .because("the block did not come", TIMEOUT),
    Case::builder("datasize-more-wait", "datasize 50 more than sent, nothing more")
        .steps(&[Step::packet(SMALL.datasize_off(50))])
        .refused(408, Row::HeaderTimeout)
        .because("the rest of the block did not come", TIMEOUT),
    Case::builder("header-late-then-slow", "nothing for 9 s, 3 bytes, nothing for 9 s, the rest")
        .steps(&[Step::Wait(9000), Step::part(SMALL, 0, 3), Step::Wait(9000), Step::part(SMALL, 3, 195)])
        .served(&["path /m"], Row::Served)
        .because("the silence before the first byte and the time after it are counted apart", TIMEOUT),
    Case::builder("byte-every-9-seconds", "a good GET, a byte every 9 s")
        .steps(&[Step::Trickle(9000, Bytes::Of(SMALL))])
        .refused(408, Row::HeaderTimeout)
        .because(
            "the timeout counts in total, not per read: else 195 bytes hold a connection for half an hour",
            TIMEOUT,
        ),
    Case::builder("block-slow", "a good GET, a byte every 0.1 s")
        .steps(&[Step::Trickle(100, Bytes::Of(SMALL))])
        .refused(408, Row::HeaderTimeout)
        .because("19.5 s in total", TIMEOUT),
    Case::builder("byte-by-byte", "a good GET byte by byte, 2 ms apart")
        .steps(&[Step::Trickle(2, Bytes::Of(SMALL))])
        .served(&["path /m", "vars 10"], Row::Served)
        .because("a read may end anywhere inside a packet", TIMEOUT),
    Case::builder("split-header", "header split 2+2, 0.3 s apart")
        .steps(&[
            Step::part(SMALL, 0, 2),
            Step::Wait(300),
            Step::part(SMALL, 2, 4),
            Step::Wait(300),
            Step::part(SMALL, 4, 195),
        ])
        .served(&["path /m"], Row::Served)
        .because("a read may end anywhere inside a packet", TIMEOUT),
    Case::builder("split-key", "variables split inside a key")
        .steps(&[Step::part(SMALL, 0, 20), Step::Wait(300), Step::part(SMALL, 20, 195)])
        .served(&["path /m"], Row::Served)
        .because("a read may end anywhere inside a packet", TIMEOUT),
    Case::builder("slow-2s", "one byte every 0.5 s for 3 s, then the rest")
        .steps(&[Step::Trickle(500, Bytes::Part(SMALL, 0, 6)), Step::Wait(500), Step::part(SMALL, 6, 195)])
        .served(&["path /m"], Row::Served)
        .because("it is slow, but within the header timeout", TIMEOUT),
];
