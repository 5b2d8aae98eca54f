//! The four bytes of a header, and a stream that ends inside a packet.

use crate::case::{Bytes, Case, Needs, Row, SMALL, Step};
use crate::cases::sources::{READER, VARS};

pub(super) const CASES: &[Case] = &[
    Case::builder("header-1-close", "1 byte of header, close")
        .steps(&[Step::part(SMALL, 0, 1), Step::Close])
        .refused(400, Row::EndOfStream)
        .because("a packet had begun; the server cannot tell a close from a half-close", READER),
    Case::builder("header-3-close", "3 bytes of header, close")
        .steps(&[Step::part(SMALL, 0, 3), Step::Close])
        .refused(400, Row::EndOfStream)
        .because("a packet had begun", READER),
    Case::builder("header-1-half-close", "1 byte of header, then the sending side is shut down")
        .steps(&[Step::part(SMALL, 0, 1), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("the peer can still read a status", READER),
    Case::builder("header-2-half-close", "2 bytes of header, then the sending side is shut down")
        .steps(&[Step::part(SMALL, 0, 2), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("a packet had begun, though its datasize was not there yet", READER),
    Case::builder("header-only-close", "header with datasize 100, close")
        .steps(&[Step::raw(b"\0d\0\0"), Step::Close])
        .refused(400, Row::EndOfStream)
        .because("100 bytes were announced, and no byte came", READER),
    Case::builder("header-10-of-100", "header with datasize 100, 10 bytes, half-close")
        .steps(&[Step::raw(b"\0d\0\0\x0e\0REQUEST_"), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("100 bytes were announced, and 10 came", READER),
    Case::builder("datasize-more-close", "datasize 50 more than sent, half-close")
        .steps(&[Step::packet(SMALL.datasize_off(50)), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("what came is well formed, but less than was announced", READER),
    Case::builder("datasize-one-more-close", "datasize 1 more than sent, half-close")
        .steps(&[Step::packet(SMALL.datasize_off(1)), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("one byte is missing", READER),
    Case::builder("datasize-0", "datasize 0").steps(&[Step::raw(b"\0\0\0\0")]).refused(400, Row::DatasizeZero).because(
        "a request without vars asks for nothing: the status tells the front end that its setup is wrong",
        READER,
    ),
    Case::builder("datasize-0-body", "datasize 0, then 5 bytes")
        .steps(&[Step::raw(b"\0\0\0\0hello")])
        .refused(400, Row::DatasizeZero)
        .because("the header decides, and the server drops what follows", READER),
    Case::builder("datasize-0-modifier2", "datasize 0, modifier2 7")
        .steps(&[Step::raw(b"\0\0\0\x07")])
        .refused(400, Row::DatasizeZero)
        .because("modifier2 is not judged", READER),
    Case::builder("datasize-0-accepted-modifier1", "modifier1 5, which is accepted, and datasize 0")
        .steps(&[Step::raw(b"\x05\0\0\0")])
        .needs(Needs { accepting: &[5], ..Needs::DEFAULT })
        .refused(400, Row::DatasizeZero)
        .because("a request with another modifier1 has vars too", READER),
    Case::builder("datasize-0-half-close", "datasize 0, half-close")
        .steps(&[Step::raw(b"\0\0\0\0"), Step::ShutdownWrite])
        .refused(400, Row::DatasizeZero)
        .because("the packet is whole, so that the stream does not end inside it", READER),
    Case::builder("zeros", "4096 zero bytes")
        .steps(&[Step::Send(Bytes::Times(b"\0", 4096)), Step::ShutdownWrite])
        .refused(400, Row::DatasizeZero)
        .because("there is one answer, not 1024: nothing after a refused packet is read as a packet", READER),
    Case::builder("datasize-less", "datasize ends in the middle of the last value; the rest follows")
        .steps(&[Step::packet(SMALL.datasize_off(-3))])
        .refused(400, Row::MalformedBlock)
        .because("the last value runs past the end of the block; bytes after the block do not belong to it", VARS),
    Case::builder("datasize-less-pair", "datasize leaves the last variable outside")
        .steps(&[Step::packet(SMALL.datasize_off(-21))])
        .served(&["vars 9", "headers 0", "body 0"], Row::BytesAfterRequest)
        .because("the block is well formed; the pair after it is neither body nor packet", READER),
    Case::builder("datasize-less-half-close", "datasize 1 less than sent, half-close")
        .steps(&[Step::packet(SMALL.datasize_off(-1)), Step::ShutdownWrite])
        .refused(400, Row::MalformedBlock)
        .because("the block is whole, but its last value runs past its end", VARS),
];
