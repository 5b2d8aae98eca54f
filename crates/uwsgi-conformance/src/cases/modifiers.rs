//! Packets with other values of modifier1 and modifier2.

use crate::case::{Bytes, Case, Needs, Row, SMALL, Step};
use crate::cases::sources::MODIFIERS;

pub(super) const CASES: &[Case] = &[
    Case::builder("modifier1-1", "modifier1 1 (unassigned), good variables")
        .steps(&[Step::packet(SMALL.modifiers(1, 0))])
        .refused(501, Row::OtherModifier1)
        .because("0x01 begins FastCGI, but not with these bytes", MODIFIERS),
    Case::builder("modifier1-5", "modifier1 5 (Perl), good variables")
        .steps(&[Step::packet(SMALL.modifiers(5, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-7", "modifier1 7 (Ruby), good variables")
        .steps(&[Step::packet(SMALL.modifiers(7, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-9", "modifier1 9 (CGI), good variables")
        .steps(&[Step::packet(SMALL.modifiers(9, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-14", "modifier1 14 (PHP), good variables")
        .steps(&[Step::packet(SMALL.modifiers(14, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-17", "modifier1 17 (spooler), good variables")
        .steps(&[Step::packet(SMALL.modifiers(17, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the spooler of uWSGI writes what it receives to disk", MODIFIERS),
    Case::builder("modifier1-18", "modifier1 18 (symcall), good variables")
        .steps(&[Step::packet(SMALL.modifiers(18, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-22", "modifier1 22 (eval), good variables")
        .steps(&[Step::packet(SMALL.modifiers(22, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server runs no code from the network", MODIFIERS),
    Case::builder("modifier1-30", "modifier1 30 (WSGI, old style), good variables")
        .steps(&[Step::packet(SMALL.modifiers(30, 0))])
        .refused(501, Row::OtherModifier1)
        .because("it is the old modifier1 of WSGI; no front end sends it, and a setting accepts it", MODIFIERS),
    Case::builder("modifier1-72", "modifier1 72 (H of HTTP), good variables")
        .steps(&[Step::packet(SMALL.modifiers(72, 0))])
        .refused(501, Row::OtherModifier1)
        .because("H begins HTTP, but not with these bytes", MODIFIERS),
    Case::builder("modifier1-98", "modifier1 98 (reload), good variables")
        .steps(&[Step::packet(SMALL.modifiers(98, 0))])
        .refused(501, Row::OtherModifier1)
        .because("no reload can be asked for over the network", MODIFIERS),
    Case::builder("modifier1-99", "modifier1 99 (graceful reload), good variables")
        .steps(&[Step::packet(SMALL.modifiers(99, 0))])
        .refused(501, Row::OtherModifier1)
        .because("no reload can be asked for over the network", MODIFIERS),
    Case::builder("modifier1-101", "modifier1 101 (echo), good variables")
        .steps(&[Step::packet(SMALL.modifiers(101, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-109", "modifier1 109 (legion), good variables")
        .steps(&[Step::packet(SMALL.modifiers(109, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-110", "modifier1 110 (signal), good variables")
        .steps(&[Step::packet(SMALL.modifiers(110, 0))])
        .refused(501, Row::OtherModifier1)
        .because("no signal can be raised over the network", MODIFIERS),
    Case::builder("modifier1-111", "modifier1 111 (cache), good variables")
        .steps(&[Step::packet(SMALL.modifiers(111, 0))])
        .refused(501, Row::OtherModifier1)
        .because("there is no cache here", MODIFIERS),
    Case::builder("modifier1-123", "modifier1 123 (raw), good variables")
        .steps(&[Step::packet(SMALL.modifiers(123, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-173", "modifier1 173 (RPC), good variables")
        .steps(&[Step::packet(SMALL.modifiers(173, 0))])
        .refused(501, Row::OtherModifier1)
        .because("no function can be called over the network", MODIFIERS),
    Case::builder("modifier1-200", "modifier1 200 (close), good variables")
        .steps(&[Step::packet(SMALL.modifiers(200, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-224", "modifier1 224 (subscription), good variables")
        .steps(&[Step::packet(SMALL.modifiers(224, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-255", "modifier1 255 (response), good variables")
        .steps(&[Step::packet(SMALL.modifiers(255, 0))])
        .refused(501, Row::OtherModifier1)
        .because("the server has no handler for it, and the status says so", MODIFIERS),
    Case::builder("modifier1-1-datasize-0", "modifier1 1, datasize 0")
        .steps(&[Step::raw(b"\x01\0\0\0")])
        .refused(501, Row::OtherModifier1)
        .because("modifier1 decides, whatever the datasize is", MODIFIERS),
    Case::builder("modifier1-5-header-only", "modifier1 5, datasize 65535, and nothing more")
        .steps(&[Step::raw(b"\x05\xff\xff\0")])
        .refused(501, Row::OtherModifier1)
        .because("the server answers at once, and does not wait for the block", MODIFIERS),
    Case::builder("modifier1-5-malformed", "modifier1 5 and a malformed block")
        .steps(&[Step::packet(SMALL.modifiers(5, 0).tail(b"\x01"))])
        .refused(501, Row::OtherModifier1)
        .because("the server does not read the block of a packet that it does not accept", MODIFIERS),
    Case::builder("modifier1-5-accepted", "modifier1 5, accepted")
        .steps(&[Step::packet(SMALL.modifiers(5, 0))])
        .needs(Needs { accepting: &[5], ..Needs::DEFAULT })
        .served(&["method GET", "modifiers 5 0"], Row::Served)
        .because("the server is set to accept it", MODIFIERS),
    Case::builder("modifier1-30-accepted", "modifier1 30, accepted, modifier2 2")
        .steps(&[Step::packet(SMALL.modifiers(30, 2))])
        .needs(Needs { accepting: &[30], ..Needs::DEFAULT })
        .served(&["modifiers 30 2"], Row::Served)
        .because("the server is set to accept it", MODIFIERS),
    Case::builder("modifier2-1", "modifier2 1")
        .steps(&[Step::packet(SMALL.modifiers(0, 1))])
        .served(&["path /m", "modifiers 0 1"], Row::Served)
        .because("modifier2 is passed on to the application", MODIFIERS),
    Case::builder("modifier2-255", "modifier2 255")
        .steps(&[Step::packet(SMALL.modifiers(0, 255))])
        .served(&["path /m", "modifiers 0 255"], Row::Served)
        .because("modifier2 is passed on to the application", MODIFIERS),
    Case::builder("ones", "4096 bytes FF")
        .steps(&[Step::Send(Bytes::Times(b"\xff", 4096)), Step::ShutdownWrite])
        .refused(501, Row::OtherModifier1)
        .because("modifier1 255 is an answer, not a request", MODIFIERS),
];
