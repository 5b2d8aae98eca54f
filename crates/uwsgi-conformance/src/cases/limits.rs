//! Limits on the datasize and on the number of vars.

use crate::case::{Bytes, Case, Needs, Row, SMALL, Step};
use crate::cases::sources::{READER, TOO_LARGE, VARS};

pub(super) const CASES: &[Case] = &[
    Case::builder("datasize-4096", "variables of exactly 4096 bytes")
        .steps(&[Step::packet(SMALL.filled(4096))])
        .served(&["vars 11", "body 0"], Row::Served)
        .because("it is uWSGI's default limit; the default here is the largest datasize", READER),
    Case::builder("datasize-4097", "variables of exactly 4097 bytes")
        .steps(&[Step::packet(SMALL.filled(4097))])
        .served(&["vars 11", "body 0"], Row::Served)
        .because("the default limit is the largest datasize", READER),
    Case::builder("datasize-32768", "variables of exactly 32768 bytes")
        .steps(&[Step::packet(SMALL.filled(32768))])
        .served(&["vars 11"], Row::Served)
        .because("the datasize is unsigned", READER),
    Case::builder("datasize-65535", "variables of exactly 65535 bytes")
        .steps(&[Step::packet(SMALL.filled(65535))])
        .served(&["vars 11"], Row::Served)
        .because("it is the largest datasize, all 16 bits", READER),
    Case::builder("datasize-at-the-limit", "variables of exactly 4096 bytes, the limit")
        .steps(&[Step::packet(SMALL.filled(4096))])
        .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
        .served(&["vars 11"], Row::Served)
        .because("a value at the limit is allowed", READER),
    Case::builder("datasize-over-the-limit", "variables of 4097 bytes, the limit being 4096")
        .steps(&[Step::packet(SMALL.filled(4097))])
        .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
        .refused(431, Row::DatasizeOverLimit)
        .because("the status tells the front end which limit it was; it makes a 502 of uWSGI's close", TOO_LARGE),
    Case::builder(
        "datasize-over-the-limit-header-only",
        "a header with datasize 4097, the limit being 4096, and nothing more",
    )
    .steps(&[Step::raw(b"\0\x01\x10\0")])
    .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
    .refused(431, Row::DatasizeOverLimit)
    .because("the header is enough: the server does not wait for the block", TOO_LARGE),
    Case::builder(
        "datasize-over-the-limit-half-close",
        "a header with datasize 65535, the limit being 4096, half-close",
    )
    .steps(&[Step::raw(b"\0\xff\xff\0"), Step::ShutdownWrite])
    .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
    .refused(431, Row::DatasizeOverLimit)
    .because("the header decides, before the end of the stream matters", TOO_LARGE),
    Case::builder("datasize-over-the-limit-modifier1", "modifier1 9 and variables of 4097 bytes, the limit being 4096")
        .steps(&[Step::packet(SMALL.modifiers(9, 0).filled(4097))])
        .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
        .refused(501, Row::OtherModifier1)
        .because("modifier1 comes first: the size of another kind of packet does not matter", TOO_LARGE),
    Case::builder(
        "datasize-over-the-limit-accepted",
        "modifier1 5, accepted, and variables of 4097 bytes, the limit being 4096",
    )
    .steps(&[Step::packet(SMALL.modifiers(5, 0).filled(4097))])
    .needs(Needs { datasize: 4096, accepting: &[5], ..Needs::DEFAULT })
    .refused(431, Row::DatasizeOverLimit)
    .because("an accepted modifier1 has the same limits", TOO_LARGE),
    Case::builder("vars-100", "100 variables")
        .steps(&[Step::packet(SMALL.numbered(100))])
        .served(&["vars 100"], Row::Served)
        .because("within the limit", VARS),
    Case::builder("vars-120", "120 variables")
        .steps(&[Step::packet(SMALL.numbered(120))])
        .served(&["vars 120"], Row::Served)
        .because("within the limit", VARS),
    Case::builder("vars-130", "130 variables")
        .steps(&[Step::packet(SMALL.numbered(130))])
        .served(&["vars 130"], Row::Served)
        .because("it is over uWSGI's --max-vars, but within the limit here", VARS),
    Case::builder("vars-990", "990 variables")
        .steps(&[Step::packet(SMALL.numbered(990))])
        .served(&["vars 990"], Row::Served)
        .because("within the limit", VARS),
    Case::builder("vars-1000", "1000 variables")
        .steps(&[Step::packet(SMALL.numbered(1000))])
        .served(&["vars 1000"], Row::Served)
        .because("a value at the limit is allowed", VARS),
    Case::builder("vars-1001", "1001 variables")
        .steps(&[Step::packet(SMALL.numbered(1001))])
        .refused(431, Row::VarsOverLimit)
        .because("one over the limit", TOO_LARGE),
    Case::builder("vars-13107", "13107 variables: one-byte keys, empty values")
        .steps(&[Step::Send(Bytes::Block([0, 0xff, 0xff, 0], b"\x01\0k\0\0", 13107))])
        .refused(431, Row::VarsOverLimit)
        .because("the most vars that a block can hold", TOO_LARGE),
    Case::builder("vars-16383", "16383 variables: empty keys, empty values")
        .steps(&[Step::Send(Bytes::Block([0, 0xfc, 0xff, 0], b"\0\0\0\0", 16383))])
        .refused(400, Row::MalformedBlock)
        .because("empty keys make the block malformed, and that comes first", VARS),
    Case::builder("vars-at-a-small-limit", "10 variables, the limit being 10")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { vars: 10, ..Needs::DEFAULT })
        .served(&["vars 10"], Row::Served)
        .because("a value at the limit is allowed", VARS),
    Case::builder("vars-over-a-small-limit", "10 variables, the limit being 9")
        .steps(&[Step::packet(SMALL)])
        .needs(Needs { vars: 9, ..Needs::DEFAULT })
        .refused(431, Row::VarsOverLimit)
        .because("one over the limit", TOO_LARGE),
    Case::builder("vars-over-the-limit-and-malformed", "10 variables, the limit being 9, and one byte after them")
        .steps(&[Step::packet(SMALL.tail(b"\x01"))])
        .needs(Needs { vars: 9, ..Needs::DEFAULT })
        .refused(400, Row::MalformedBlock)
        .because("a malformed block comes before the limit on vars", VARS),
    Case::builder(
        "vars-over-the-limit-and-no-length",
        "10 variables, the limit being 9, one of them CONTENT_LENGTH abc",
    )
    .steps(&[Step::packet(SMALL.post(b"abc"))])
    .needs(Needs { vars: 9, ..Needs::DEFAULT })
    .refused(431, Row::VarsOverLimit)
    .because("the first row that applies wins", TOO_LARGE),
];
