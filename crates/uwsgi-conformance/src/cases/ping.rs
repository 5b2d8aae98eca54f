//! Pings.

use crate::case::{Case, Needs, Row, SMALL, Step, Verdict};
use crate::cases::sources::PING;

pub(super) const CASES: &[Case] = &[
    Case::builder("ping-bare", "a real ping: 100, 0, 0")
        .steps(&[Step::raw(b"\x64\0\0\0")])
        .verdict(Verdict::Pong, Row::Ping)
        .because("a load balancer asks like this whether a server lives", PING),
    Case::builder("modifier1-100", "modifier1 100 (ping), good variables")
        .steps(&[Step::packet(SMALL.modifiers(100, 0))])
        .verdict(Verdict::Pong, Row::Ping)
        .because("a ping may carry vars, which mean nothing", PING),
    Case::builder("ping-modifier2", "a ping with modifier2 7")
        .steps(&[Step::raw(b"\x64\0\0\x07")])
        .verdict(Verdict::Pong, Row::Ping)
        .because("modifier2 is not judged", PING),
    Case::builder("ping-malformed", "a ping whose block is no vars")
        .steps(&[Step::raw(b"\x64\x03\0\0abc")])
        .verdict(Verdict::Pong, Row::Ping)
        .because("the block is ignored, so that it cannot be malformed", PING),
    Case::builder("ping-then-get", "a ping and a good GET in one write")
        .steps(&[Step::packet(SMALL.modifiers(100, 0)), Step::packet(SMALL)])
        .verdict(Verdict::Pong, Row::Ping)
        .because("the connection ends with the pong", PING),
    Case::builder("ping-half-close", "a ping, half-close")
        .steps(&[Step::raw(b"\x64\0\0\0"), Step::ShutdownWrite])
        .verdict(Verdict::Pong, Row::Ping)
        .because("the packet is whole", PING),
    Case::builder("ping-block-cut", "a ping of 3 bytes, 2 of them, half-close")
        .steps(&[Step::raw(b"\x64\x03\0\0ab"), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("the end of the stream inside a block comes first", PING),
    Case::builder("ping-block-late", "a ping whose block comes in two pieces, 2 s apart")
        .steps(&[Step::raw(b"\x64\x03\0\0a"), Step::Wait(2000), Step::raw(b"bc")])
        .verdict(Verdict::Pong, Row::Ping)
        .because("the pong comes when the block is there, not before", PING),
    Case::builder("ping-block-wait", "a ping of 3 bytes, 2 of them, nothing more")
        .steps(&[Step::raw(b"\x64\x03\0\0ab")])
        .refused(408, Row::HeaderTimeout)
        .because("the header timeout comes first", PING),
    Case::builder("ping-over-the-datasize-limit", "a ping with 4097 bytes, the limit being 4096")
        .steps(&[Step::packet(SMALL.modifiers(100, 0).filled(4097))])
        .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
        .refused(431, Row::DatasizeOverLimit)
        .because("the block is over the limit, so that the server does not wait for it", PING),
    Case::builder("ping-accepted", "modifier1 100, accepted")
        .steps(&[Step::packet(SMALL.modifiers(100, 0))])
        .needs(Needs { accepting: &[100], ..Needs::DEFAULT })
        .verdict(Verdict::Pong, Row::Ping)
        .because("modifier1 100 is a ping, even if the server accepts it", PING),
];
