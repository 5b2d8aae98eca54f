//! Every capture of a real program: decoded, encoded back, cut at every place, and delivered in every two pieces.
//!
//! Round trips alone would prove only that the crate agrees with itself. Other programs wrote these bytes.

use std::sync::LazyLock;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256};
use uwsgi::{
    Array, ArrayEncoder, Content, DecodeErrorKind, Limits, Modifier1, Packet, PayloadForm, Request, Vars, VarsEncoder,
};
use uwsgi_tests::naive::{self, Fault, Rules};
use uwsgi_tests::vectors::{self, Capture, Form, Format, Framing};

/// The captures, read once for all tests.
static CAPTURES: LazyLock<Vec<Capture>> = LazyLock::new(vectors::captures);

/// The largest packet: a header and 65535 bytes.
const LARGEST: usize = 4 + 65535;

#[test]
fn the_set_of_captures_is_complete() {
    assert_eq!(CAPTURES.len(), vectors::files("bin").len(), "a description without bytes, or bytes without one");
    for capture in CAPTURES.iter() {
        assert_eq!(capture.bytes.len(), capture.size, "{}", capture.name);
        assert_eq!(sha256(&capture.bytes), capture.sha256, "{}", capture.name);
        assert_eq!(capture.format == Format::Uwsgi, !capture.packets.is_empty(), "{}", capture.name);
    }
}

#[test]
fn every_capture_decodes_to_its_description() {
    for_every_packet_capture(|capture| {
        let mut at = 0;
        for want in &capture.packets {
            assert_eq!(at, want.offset, "{}: where a packet starts", capture.name);
            at = decodes_to(capture, want);
        }
        assert_eq!(at, capture.bytes.len(), "{}: bytes left over", capture.name);
    });
}

/// Compares one packet and its body with the description; returns where the body ends.
fn decodes_to(capture: &Capture, want: &vectors::Packet) -> usize {
    let name = &capture.name;
    let (packet, rest) = Packet::decode(&capture.bytes[want.offset..]).expect(name);
    assert_eq!(packet.modifier1(), Modifier1(want.modifier1), "{name}");
    assert_eq!(packet.modifier2(), want.modifier2, "{name}");
    assert_eq!(packet.datasize(), want.datasize, "{name}");
    assert_eq!(packet.encoded_len(), want.end() - want.offset, "{name}");

    let mut declared = 0;
    match want.payload {
        Form::Vars => {
            let vars = packet.vars().expect(name);
            let pairs: Vec<_> = want.vars.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
            assert!(vars.iter().eq(pairs.iter().copied()), "{name}: {vars:?}");
            assert_eq!(vars.len(), pairs.len(), "{name}");
            for (key, _) in &pairs {
                let last = pairs.iter().rev().find(|(other, _)| other == key).map(|(_, value)| *value);
                assert_eq!(vars.get(key), last, "{name}");
            }
            let request = Request::decode(&packet).expect(name);
            assert_eq!(request.vars(), vars, "{name}");
            if want.body.framing == Framing::ContentLength {
                declared = usize::try_from(request.content_length().expect(name).unwrap_or(0)).expect(name);
            }
        }
        Form::Array => {
            let array = packet.array().expect(name);
            assert!(array.iter().eq(want.items.iter().map(AsRef::as_ref)), "{name}: {array:?}");
            assert_eq!(array.len(), want.items.len(), "{name}");
        }
        Form::Raw => assert_eq!(packet.payload(), want.raw.as_ref(), "{name}"),
        Form::None => assert_eq!(packet.payload(), b"", "{name}"),
    }
    // If the description does not name the form and the packet is not an answer, the modifiers say the form.
    if capture.kind.is_none() && !capture.is_answer() {
        let form = match packet.content().expect(name) {
            Content::Array(_) => Form::Array,
            Content::Raw(_) => Form::Raw,
            Content::Vars(_) => Form::Vars,
            _ => Form::None,
        };
        assert_eq!(form, want.payload, "{name}: the form that the modifiers ask for");
        assert_eq!(packet.payload_form() == PayloadForm::None, want.payload == Form::None, "{name}");
    }
    if capture.is_answer() {
        let form = match packet.answer_form() {
            PayloadForm::Array => Form::Array,
            PayloadForm::Raw => Form::Raw,
            PayloadForm::Vars => Form::Vars,
            _ => Form::None,
        };
        assert_eq!(form, want.payload, "{name}: the form that the modifiers of an answer ask for");
    }

    let length = if want.body.framing == Framing::Rest { rest.len() } else { declared };
    let body = rest.get(..length).unwrap_or_else(|| panic!("{name}: a body of {length} bytes"));
    assert_eq!(want.end(), want.body.offset, "{name}");
    assert_eq!(length, want.body.length, "{name}: length of the body");
    assert_eq!(sha256(body), want.body.sha256, "{name}: the body");
    want.end() + length
}

#[test]
fn every_capture_encodes_back_to_its_bytes() {
    let mut slice = vec![0; LARGEST];
    let mut inline = Box::new(ArrayVec::<u8, LARGEST>::new());
    for_every_packet_capture(|capture| {
        for want in &capture.packets {
            let bytes = &capture.bytes[want.offset..want.end()];
            let mut vec = b"already there".to_vec();
            inline.clear();
            // A slice with room for exactly this packet.
            assert_eq!(encode(want, &mut slice[..bytes.len()]), bytes, "{}: [u8]", capture.name);
            assert_eq!(encode(want, &mut *inline), bytes, "{}: ArrayVec", capture.name);
            assert_eq!(encode(want, &mut vec), bytes, "{}: Vec", capture.name);
            assert!(vec.starts_with(b"already there") && vec.ends_with(bytes), "{}", capture.name);

            let (packet, _) = Packet::decode(bytes).unwrap();
            assert_eq!(packet.encode(&mut slice[..bytes.len()]), Ok(bytes), "{}", capture.name);
            inline.clear();
            assert_eq!(packet.encode(&mut *inline), Ok(bytes), "{}", capture.name);
            assert_eq!(packet.encode(&mut Vec::new()), Ok(bytes), "{}", capture.name);
            if want.payload == Form::Vars {
                assert_eq!(uwsgi::encoded_len(want.vars.iter().map(|(k, v)| (k, v))), bytes.len(), "{}", capture.name);
            }
        }
    });
}

/// Writes a described packet, element by element if it has elements.
fn encode<'b, B: uwsgi::Buffer + ?Sized>(packet: &vectors::Packet, buffer: &'b mut B) -> &'b [u8] {
    let (modifier1, modifier2) = (Modifier1(packet.modifier1), packet.modifier2);
    match packet.payload {
        Form::Vars => {
            let mut vars = VarsEncoder::new(buffer);
            for (key, value) in &packet.vars {
                vars.push_raw(key, value).unwrap();
            }
            vars.finish(modifier1, modifier2).unwrap()
        }
        Form::Array => {
            let mut items = ArrayEncoder::new(buffer);
            for item in &packet.items {
                items.push(item).unwrap();
            }
            items.finish(modifier1, modifier2).unwrap()
        }
        Form::Raw | Form::None => {
            Packet::new(modifier1, modifier2, packet.raw.as_ref()).unwrap().encode(buffer).unwrap()
        }
    }
}

#[test]
fn every_prefix_says_how_many_bytes_complete_it() {
    for_every_packet_capture(|capture| {
        for want in &capture.packets {
            let bytes = &capture.bytes[want.offset..want.end()];
            for cut in 0..bytes.len() {
                let (element, end) = if cut < 4 { (0, 4) } else { (4, bytes.len()) };
                let error = Packet::decode(&bytes[..cut]).unwrap_err();
                let truncated = Fault {
                    kind: DecodeErrorKind::Truncated,
                    offset: element,
                    required: end - element,
                    available: cut - element,
                };
                assert_eq!(Fault::from(error), truncated, "{}: the first {cut} bytes", capture.name);
                assert_eq!(error.needed(), Some(end - cut), "{}: the first {cut} bytes", capture.name);
            }
        }
    });
}

/// A cut payload counts as complete, so more bytes cannot help: it is malformed, or well formed if the cut is between
/// two elements. It is never truncated.
#[test]
fn every_cut_block_is_malformed_or_ends_between_two_elements() {
    // Every place of the large payloads would take too long, and the rest of them is more of the same.
    const CUTS: usize = 1024;
    let limits = Limits::default();
    for_every_packet_capture(|capture| {
        for want in &capture.packets {
            let block = &capture.bytes[want.offset + 4..want.end()];
            for cut in 0..block.len().min(CUTS) {
                let block = &block[..cut];
                match want.payload {
                    Form::Vars => {
                        let naive = naive::vars(block, &Rules::WIRE);
                        let ours = Vars::decode_with(block, &limits);
                        assert_eq!(ours.err().map(Fault::from), naive.fault, "{}: cut at {cut}", capture.name);
                        let count = Vars::pairs(block, &limits).filter(Result::is_ok).count();
                        assert_eq!(count, naive.elements.len(), "{}: cut at {cut}", capture.name);
                    }
                    Form::Array => {
                        let naive = naive::array(block).whole().map(|items| items.len());
                        let ours = Array::decode(block).map(|array| array.len()).map_err(Fault::from);
                        assert_eq!(ours, naive, "{}: cut at {cut}", capture.name);
                    }
                    Form::Raw | Form::None => {}
                }
            }
        }
    });
}

#[test]
fn every_split_decodes_like_the_whole() {
    for_every_packet_capture(|capture| {
        for want in &capture.packets {
            let bytes = &capture.bytes[want.offset..];
            let (whole, rest) = Packet::decode(bytes).unwrap();
            let end = bytes.len() - rest.len();
            for split in 0..=end {
                let (taken, rounds) = accumulate(bytes, split, |needed| needed);
                assert_eq!(taken, end, "{}: split at {split}", capture.name);
                assert!(rounds <= 3, "{}: {rounds} rounds from a split at {split}", capture.name);
                assert_eq!(
                    Packet::decode(&bytes[..taken]),
                    Ok((whole, &b""[..])),
                    "{}: split at {split}",
                    capture.name
                );
            }
            let (taken, rounds) = accumulate(bytes, 0, |_| 1);
            assert_eq!((taken, rounds), (end, end + 1), "{}: one byte at a time", capture.name);
        }
    });
}

/// Reads bytes until they are a packet. After each try it reads as many bytes as `step` makes of the needed ones.
/// Returns how many it read and how often it tried.
fn accumulate(stream: &[u8], first: usize, step: impl Fn(usize) -> usize) -> (usize, usize) {
    let mut taken = first;
    let mut rounds = 1;
    while let Err(error) = Packet::decode(&stream[..taken]) {
        taken += step(error.needed().expect("a prefix of a good packet is truncated"));
        rounds += 1;
    }
    (taken, rounds)
}

/// A malformed packet of a real program is refused at the place that the capture's note names.
#[test]
fn malformed_captures_are_refused_where_their_note_says() {
    let captures: Vec<_> = CAPTURES.iter().filter(|capture| capture.format == Format::Malformed).collect();
    assert!(captures.len() >= 4, "only {} malformed captures", captures.len());
    for capture in captures {
        let (packet, _) = Packet::decode(&capture.bytes).expect(&capture.name);
        let fault = Fault::from(packet.vars().expect_err(&capture.name));
        let note = capture.note.as_deref().unwrap_or_default();
        assert_eq!(Some(fault), overrun(note), "{}: {note}", capture.name);
        assert_eq!(Request::decode(&packet).map(|_| ()).map_err(Fault::from), Err(fault), "{}", capture.name);
        let naive = naive::packet(&capture.bytes, &Rules::WIRE).unwrap();
        assert_eq!(
            naive::vars(&naive.payload, &Rules::WIRE).fault.map(|f| f.moved_by(4)),
            Some(fault),
            "{}",
            capture.name
        );
    }
}

/// Reads "… key of 3753 bytes at 51 runs past 181", or the same of a value.
fn overrun(note: &str) -> Option<Fault> {
    let kind = if note.contains("value of") { DecodeErrorKind::ValueOverrun } else { DecodeErrorKind::KeyOverrun };
    let (before, claim) = note.split_once(" bytes at ")?;
    let required = before.rsplit_once(" of ")?.1.parse().ok()?;
    let (offset, end) = claim.split_once(" runs past ")?;
    let offset: usize = offset.parse().ok()?;
    Some(Fault { kind, offset, required, available: end.parse::<usize>().ok()? - offset })
}

/// Runs on every capture that decodes. Checks that there are many, and that none was left out.
fn for_every_packet_capture(mut run: impl FnMut(&Capture)) {
    let (packets, others): (Vec<_>, Vec<_>) = CAPTURES.iter().partition(|capture| capture.format == Format::Uwsgi);
    packets.iter().for_each(|capture| run(capture));
    let described = vectors::files("json").iter().filter(|path| !path.ends_with("refused.json")).count();
    assert_eq!(packets.len() + others.len(), described, "captures that did not run");
    assert!(packets.len() > 250, "only {} captures ran", packets.len());
    println!("{} captures", packets.len());
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
