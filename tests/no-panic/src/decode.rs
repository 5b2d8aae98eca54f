//! Decoding: headers, packets, vars, arrays.

use std::hash::{DefaultHasher, Hash, Hasher};

use uwsgi::{
    Array, Content, ControlVar, DecodeError, DecodeErrorKind, EncodeError, Foreign, Header, HeaderName, Items, Iter,
    Limits, Modifier1, Packet, PayloadForm, Standing, Vars,
};

proven! {
    fn header_decode(bytes: &[u8]) -> Result<(Header, &[u8]), DecodeError> {
        Header::decode(bytes)
    }
    fn header_from_bytes(bytes: [u8; 4]) -> Header {
        Header::from_bytes(bytes)
    }
    fn header_to_bytes(header: Header) -> [u8; 4] {
        header.to_bytes()
    }
    fn header_foreign(header: &Header) -> Option<Foreign> {
        header.foreign()
    }
    fn foreign_advice(foreign: Foreign) -> &'static str {
        foreign.advice()
    }

    fn modifier1(number: Modifier1) -> (Option<&'static str>, Option<&'static str>, Standing) {
        (number.name(), number.meaning(), number.standing())
    }
    fn modifier1_payload_form(number: Modifier1, modifier2: u8, datasize: u16) -> PayloadForm {
        number.payload_form(modifier2, datasize)
    }
    fn modifier1_answer_form(number: Modifier1, modifier2: u8, datasize: u16) -> PayloadForm {
        number.answer_form(modifier2, datasize)
    }

    fn limits(numbers: [u16; 4], empty_keys: bool) -> (Limits, u16) {
        let [datasize, vars, key, value] = numbers;
        let limits = Limits::server()
            .with_datasize(datasize)
            .with_vars(vars)
            .with_key(key)
            .with_value(value)
            .with_empty_keys(empty_keys);
        (limits, limits.datasize())
    }
    fn limits_named(which: u8) -> Limits {
        match which {
            0 => Limits::wire(),
            1 => Limits::server(),
            _ => Limits::default(),
        }
    }

    fn error(error: &DecodeError) -> (DecodeErrorKind, [usize; 3], Option<usize>) {
        (error.kind(), [error.offset(), error.required(), error.available()], error.needed())
    }
    fn error_as_str(kind: DecodeErrorKind) -> &'static str {
        kind.as_str()
    }

    fn packet_new(modifier1: Modifier1, modifier2: u8, payload: &[u8]) -> Result<Packet<'_>, EncodeError> {
        Packet::new(modifier1, modifier2, payload)
    }
    fn packet_decode(bytes: &[u8]) -> Result<(Packet<'_>, &[u8]), DecodeError> {
        Packet::decode(bytes)
    }
    fn packet_decode_with<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Packet<'a>, &'a [u8]), DecodeError> {
        Packet::decode_with(bytes, limits)
    }
    fn packet_header(packet: &Packet<'_>) -> (Header, PayloadForm, PayloadForm, usize) {
        (packet.header(), packet.payload_form(), packet.answer_form(), packet.encoded_len())
    }
    fn packet_parts<'a>(packet: &Packet<'a>) -> (Modifier1, u8, u16, &'a [u8]) {
        (packet.modifier1(), packet.modifier2(), packet.datasize(), packet.payload())
    }
    fn packet_content<'a>(packet: &Packet<'a>) -> Result<Content<'a>, DecodeError> {
        packet.content()
    }
    fn packet_vars<'a>(packet: &Packet<'a>) -> Result<Vars<'a>, DecodeError> {
        packet.vars()
    }
    fn packet_vars_with<'a>(packet: &Packet<'a>, limits: &Limits) -> Result<Vars<'a>, DecodeError> {
        packet.vars_with(limits)
    }
    fn packet_array<'a>(packet: &Packet<'a>) -> Result<Array<'a>, DecodeError> {
        packet.array()
    }

    fn vars_decode(block: &[u8]) -> Result<Vars<'_>, DecodeError> {
        Vars::decode(block)
    }
    fn vars_decode_with<'a>(block: &'a [u8], limits: &Limits) -> Result<Vars<'a>, DecodeError> {
        Vars::decode_with(block, limits)
    }
    fn vars_parts<'a>(vars: &Vars<'a>) -> (&'a [u8], usize, bool) {
        (vars.as_bytes(), vars.len(), vars.is_empty())
    }
    fn vars_iter<'a>(vars: Vars<'a>) -> (usize, Iter<'a>) {
        let mut pairs = vars.into_iter();
        let mut bytes = pairs.len();
        for (key, value) in pairs.by_ref() {
            bytes ^= key.len() ^ value.len();
        }
        (bytes, pairs)
    }
    fn vars_get<'a>(vars: &Vars<'a>, key: &[u8]) -> Option<&'a [u8]> {
        vars.get(key)
    }
    fn vars_get_all(vars: &Vars<'_>, key: &[u8]) -> usize {
        vars.get_all(key).fold(0, |bytes, value| bytes ^ value.len())
    }
    fn vars_pairs<'a>(block: &'a [u8], limits: &Limits) -> (usize, Option<DecodeError>, &'a [u8]) {
        let mut pairs = Vars::pairs(block, limits);
        let (mut bytes, mut error) = (0, None);
        for pair in pairs.by_ref() {
            match pair {
                Ok((key, value)) => bytes ^= key.len() ^ value.len(),
                Err(stop) => error = Some(stop),
            }
        }
        (bytes, error, pairs.rest())
    }

    fn array_decode(block: &[u8]) -> Result<Array<'_>, DecodeError> {
        Array::decode(block)
    }
    fn array_decode_as_uwsgi(block: &[u8]) -> Result<Array<'_>, DecodeError> {
        Array::decode_as_uwsgi(block)
    }
    fn array_parts<'a>(array: &Array<'a>) -> (&'a [u8], usize, bool) {
        (array.as_bytes(), array.len(), array.is_empty())
    }
    fn array_iter<'a>(array: Array<'a>) -> (usize, Items<'a>) {
        let mut items = array.into_iter();
        let mut bytes = items.len() ^ items.rest().len();
        for item in items.by_ref() {
            bytes ^= item.len();
        }
        (bytes, items)
    }
    fn array_as_uwsgi(array: &Array<'_>) -> usize {
        array.as_uwsgi().fold(0, |bytes, item| bytes ^ item.len())
    }

    fn header_name_from_key(key: &[u8]) -> Option<HeaderName<'_>> {
        HeaderName::from_key(key)
    }
    fn header_name_key(name: &HeaderName<'_>) -> u8 {
        name.key().fold(0, |bytes, byte| bytes ^ byte)
    }
    fn header_name_bytes(name: &HeaderName<'_>) -> (u8, u8, usize) {
        let both = |bytes: u8, byte: u8| bytes ^ byte;
        (name.bytes().fold(0, both), name.bytes().rev().fold(0, both), name.bytes().len() ^ name.as_bytes().len())
    }
    fn header_name_is(name: &HeaderName<'_>) -> [bool; 3] {
        [name.is_hop_by_hop(), name.duplicates_content(), name.is_token()]
    }
    fn header_name_eq(name: &HeaderName<'_>, other: &HeaderName<'_>, text: &str, bytes: &[u8]) -> [bool; 4] {
        [name == other, name == text, *name == text, name == bytes]
    }

    fn header_name_hash(name: &HeaderName<'_>, mut state: DefaultHasher) -> u64 {
        name.hash(&mut state);
        state.finish()
    }

    fn control_var_from_key(key: &[u8]) -> Option<ControlVar> {
        ControlVar::from_key(key)
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let header: [u8; 4] = bytes.first_chunk().copied().unwrap_or_default();
    let packet = crate::packet(bytes);
    let strict = Limits::server().with_vars(3).with_key(14).with_value(8).with_datasize(300);
    let none = Limits::server().with_empty_keys(true);
    call! {
        header_decode: bytes;
        header_from_bytes: header;
        header_to_bytes: Header::from_bytes(header);
        header_foreign: &Header::from_bytes(header);
        foreign_advice: Header::from_bytes(header).foreign().unwrap_or(Foreign::Tls);
        modifier1: packet.modifier1();
        modifier1_payload_form: packet.modifier1(), packet.modifier2(), packet.datasize();
        modifier1_answer_form: packet.modifier1(), packet.modifier2(), packet.datasize();
        limits: [1, 2, 3, 4], true;
        limits_named: header[0];
        packet_new: packet.modifier1(), packet.modifier2(), bytes;
        packet_decode: bytes;
        packet_header: &packet;
        packet_parts: &packet;
        packet_content: &packet;
        packet_vars: &packet;
        packet_array: &packet;
        vars_decode: packet.payload();
        array_decode: packet.payload();
        array_decode_as_uwsgi: packet.payload();
        header_name_from_key: b"CONTENT_TYPE";
        control_var_from_key: b"UWSGI_FILE";
    }
    for limits in [&strict, &none] {
        call! {
            packet_decode_with: bytes, limits;
            packet_vars_with: &packet, limits;
            vars_decode_with: packet.payload(), limits;
            vars_pairs: packet.payload(), limits;
        }
    }
    if let Err(fault) = packet.vars() {
        call! {
            error: &fault;
            error_as_str: fault.kind();
        }
    }
    let vars = packet.vars().unwrap_or(Vars::EMPTY);
    call! {
        vars_parts: &vars;
        vars_iter: vars;
        vars_get: &vars, b"PATH_INFO";
        vars_get_all: &vars, b"CONTENT_LENGTH";
    }
    for (key, _) in vars {
        call! {
            header_name_from_key: key;
            control_var_from_key: key;
        }
        if let Some(name) = HeaderName::from_key(key) {
            call! {
                header_name_key: &name;
                header_name_bytes: &name;
                header_name_hash: &name, DefaultHasher::new();
                header_name_is: &name;
                header_name_eq: &name, &name, "X-Forwarded-For", key;
            }
        }
    }
    if let Ok(array) = packet.array() {
        call! {
            array_parts: &array;
            array_iter: array;
            array_as_uwsgi: &array;
        }
    }
}
