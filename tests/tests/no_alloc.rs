//! Decoding, viewing and encoding allocate nothing, unless the buffer is a `Vec`.

use std::hint::black_box;

use arrayvec::ArrayVec;
use uwsgi::{Array, ArrayEncoder, EncodeError, Limits, Modifier1, Packet, Request, Vars, VarsEncoder, check};
use uwsgi_tests::counting::{CountingAllocator, allocations};
use uwsgi_tests::vectors::{self, Form};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn nothing_allocates() {
    // A check that the counter counts.
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);

    let captures = vectors::captures();
    assert!(captures.len() > 250, "only {} captures", captures.len());
    let mut slice = vec![0; 65539];
    let mut inline = Box::new(ArrayVec::<u8, 65539>::new());
    let mut packets = 0;
    for capture in &captures {
        // This holds for any bytes, also malformed ones and HTTP responses.
        assert_eq!(allocations(|| decode(&capture.bytes)), 0, "decoding {}", capture.name);
        for packet in &capture.packets {
            let bytes = &capture.bytes[packet.offset..packet.end()];
            assert_eq!(allocations(|| decode(bytes)), 0, "decoding {}", capture.name);
            let into_slice = allocations(|| assert_eq!(encode(packet, &mut slice[..]).as_deref(), Ok(bytes)));
            assert_eq!(into_slice, 0, "encoding {} into a slice", capture.name);
            inline.clear();
            let into_array = allocations(|| assert_eq!(encode(packet, &mut *inline).as_deref(), Ok(bytes)));
            assert_eq!(into_array, 0, "encoding {} into an ArrayVec", capture.name);
            packets += 1;
        }
    }
    assert!(packets > 250, "only {packets} packets");

    let headers = allocations(|| {
        push_headers(&mut slice[..]).unwrap();
        inline.clear();
        push_headers(&mut *inline).unwrap();
    });
    assert_eq!(headers, 0, "writing headers");
    // A check that the test would see an allocation.
    assert_ne!(allocations(|| push_headers(&mut Vec::new()).unwrap()), 0);
}

/// Calls everything that reads a packet.
fn decode(bytes: &[u8]) {
    let limits = Limits::server();
    let Ok((packet, rest)) = Packet::decode_with(bytes, &limits) else { return };
    see((rest, packet.header().foreign(), packet.modifier1().name()));
    see(packet.content());
    for pair in Vars::pairs(packet.payload(), &limits) {
        see(pair);
    }
    if let Ok(array) = Array::decode_as_uwsgi(packet.payload()) {
        see((array.iter().count(), array.as_uwsgi().count()));
    }
    let Ok(vars) = packet.vars_with(&limits) else { return };
    see((vars.get("PATH_INFO"), vars.get_all("HTTP_X").count(), vars.iter().map(|(key, _)| key.len()).sum::<usize>()));

    let Ok(request) = Request::decode_with(&packet, &limits) else { return };
    see((request.method(), request.path_info(), request.query_string(), request.host(), request.content_type()));
    see((request.scheme(), request.body_framing(), request.body_framing_or_chunked(), request.content_length()));
    see((request.header("user-agent"), request.header_all("X-A").count(), request.var_str("REQUEST_URI")));
    for (name, value) in request.headers() {
        see((name.bytes().count(), name.is_hop_by_hop(), name.duplicates_content(), name.is_token(), value));
    }
    see(check(&request));
    see(request.with_mount(b"/mount", b"/").path_info());
}

/// Makes sure that a value is computed.
fn see<T>(value: T) {
    black_box(&value);
}

/// Writes a described packet, element by element.
fn encode<'b, B: uwsgi::Buffer + ?Sized>(packet: &vectors::Packet, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
    let (modifier1, modifier2) = (Modifier1(packet.modifier1), packet.modifier2);
    match packet.payload {
        Form::Vars => {
            let mut vars = VarsEncoder::new(buffer);
            packet.vars.iter().try_for_each(|(key, value)| vars.push_raw(key, value))?;
            vars.finish(modifier1, modifier2)
        }
        Form::Array => {
            let mut items = ArrayEncoder::new(buffer);
            packet.items.iter().try_for_each(|item| items.push(item))?;
            items.finish(modifier1, modifier2)
        }
        Form::Raw | Form::None => Packet::new(modifier1, modifier2, packet.raw.as_ref())?.encode(buffer),
    }
}

fn push_headers<B: uwsgi::Buffer + ?Sized>(buffer: &mut B) -> Result<(), EncodeError> {
    let mut vars = VarsEncoder::new(buffer);
    vars.push_header("X-Forwarded-For", "203.0.113.9")?;
    vars.push_header("Content-Type", "text/plain")?;
    vars.push_number("CONTENT_LENGTH", u64::MAX)?;
    black_box(vars.push_header("Proxy", "evil:80").unwrap_err());
    black_box(vars.push_header("X", "a\r\nb").unwrap_err());
    black_box(vars.finish(Modifier1::WSGI, 0)?);
    Ok(())
}
