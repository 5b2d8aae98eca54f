//! `decode` of malformed input.

use serde_json::{Value, json};

use crate::{capture, run, run_with, scratch};

/// A packet of one var, A=1.
const GOOD: &[u8] = b"\x00\x06\x00\x00\x01\x00A\x01\x001";

/// Returns the good packet, and these bytes after it.
fn after_good(bytes: &[u8]) -> Vec<u8> {
    [GOOD, bytes].concat()
}

#[test]
fn json_names_the_error_its_offset_and_the_missing_bytes() {
    let length = |value: &str| {
        let mut block = b"\x0e\x00CONTENT_LENGTH".to_vec();
        block.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        block.extend(value.bytes());
        [&[0, u8::try_from(block.len()).unwrap(), 0, 0], &block[..]].concat()
    };
    for (options, input, kind, offset, needed, message) in [
        (
            &[][..],
            after_good(b"\x00\x01"),
            "truncated",
            10,
            json!(2),
            "4 bytes belong at offset 10, there are 2: 2 more needed",
        ),
        (
            &[],
            after_good(b"\x00\x06\x00\x00\x01\x00A"),
            "truncated",
            14,
            json!(3),
            "6 bytes belong at offset 14, there are 3: 3 more needed",
        ),
        (
            &[],
            after_good(&[&length("9")[..], b"abc"].concat()),
            "truncated",
            33,
            json!(6),
            "the body at offset 33 needs 9 bytes, there are 3: 6 more needed",
        ),
        (
            &[],
            length("18446744073709551615"),
            "truncated",
            42,
            json!(u64::MAX),
            "the body at offset 42 needs 18446744073709551615 bytes, there are 0: 18446744073709551615 more needed",
        ),
        (
            &[],
            length("+5"),
            "content-length",
            22,
            json!(null),
            "CONTENT_LENGTH is not a decimal number: \"+5\" at offset 22",
        ),
        (
            &[],
            length("18446744073709551616"),
            "content-length",
            22,
            json!(null),
            "CONTENT_LENGTH does not fit into 64 bits: \"18446744073709551616\" at offset 22",
        ),
        (
            &[],
            after_good(b"\x00\x06\x00\x00\x03\x00A\x01\x001"),
            "value-length-missing",
            19,
            json!(null),
            "1 byte is left at offset 19, where the length of a value belongs",
        ),
        (
            &[],
            after_good(b"\x00\x06\x00\x00\x05\x00A\x01\x001"),
            "key-overrun",
            16,
            json!(null),
            "the key at offset 16 claims 5 bytes, its block has 4 left",
        ),
        (
            &[],
            after_good(b"\x00\x06\x00\x00\x01\x00A\x02\x001"),
            "value-overrun",
            19,
            json!(null),
            "the value at offset 19 claims 2 bytes, its block has 1 left",
        ),
        (
            &[],
            after_good(b"\x00\x07\x00\x00\x01\x00A\x01\x001\x00"),
            "key-length-missing",
            20,
            json!(null),
            "1 byte is left at offset 20, where the length of a key belongs",
        ),
        (
            &[],
            after_good(b"\x00\x05\x00\x00\x00\x00\x01\x001"),
            "empty-key",
            14,
            json!(null),
            "the key at offset 14 is empty",
        ),
        (
            &[],
            after_good(b"\xad\x04\x00\x00\x01\x00A\x01"),
            "item-length-missing",
            17,
            json!(null),
            "1 byte is left at offset 17, where the length of an item belongs",
        ),
        (
            &[],
            after_good(b"\xad\x04\x00\x00\x03\x00AB"),
            "item-overrun",
            16,
            json!(null),
            "the item at offset 16 claims 3 bytes, its block has 2 left",
        ),
        (
            &["--payload", "none"],
            b"d\0\0\0\x65\x01\0\0x".to_vec(),
            "payload-form",
            8,
            json!(null),
            "the packet at offset 4 has 1 byte of payload, but --payload none allows no payload",
        ),
        (
            &["--hex"],
            b"0a\n0".to_vec(),
            "hex",
            1,
            json!(null),
            "standard input: line 2, column 1: this digit has no second digit: the number of digits is odd",
        ),
    ] {
        let arguments = [&["decode", "--json"], options].concat();
        let result = run_with(&arguments, &input);
        assert_eq!((result.status, &*result.stderr), (1, ""), "{message}");
        let document: Value = serde_json::from_slice(&result.stdout).unwrap();
        let error = json!({ "kind": kind, "offset": offset, "needed": needed, "message": message });
        assert_eq!(document["error"], error);
        let before = usize::from(input.starts_with(GOOD) || input.starts_with(b"d\0\0\0"));
        assert_eq!(document["packets"].as_array().unwrap().len(), before, "{message}");
        // The document has the packets and the error, and nothing else.
        assert_eq!(document.as_object().unwrap().len(), 2);
    }
}

#[test]
fn the_last_of_several_lengths_counts() {
    let pair = |value: &str| format!("CONTENT_LENGTH={value}");
    // One byte follows the packet. It is the body, or the beginning of a packet that is cut short.
    let rows = [
        (&["2", "1"][..], 0),
        (&["x", "1"], 0),
        (&["1", "01"], 0),
        (&["1", ""], 1),
        (&["1", "x"], 1),
        (&["1", "2"], 1),
    ];
    for (values, status) in rows {
        let pairs: Vec<_> = values.iter().map(|value| pair(value)).collect();
        let arguments: Vec<_> = core::iter::once("encode").chain(pairs.iter().map(String::as_str)).collect();
        let mut packet = run(&arguments).success();
        packet.push(b'x');
        assert_eq!(run_with(&["decode"], &packet).status, status, "{values:?}");
        assert_eq!(run_with(&["decode", "--body", "rest"], &packet).status, 0, "{values:?}");
    }
}

#[test]
fn text_shows_the_good_packets_then_the_error() {
    let input = after_good(b"\x00\x0c\x00\x00\x01\x00B\x01\x002\x01\x00C\xff\x003");
    let result = run_with(&["decode"], &input);
    assert_eq!(result.status, 1);
    assert_eq!(
        result.text(),
        "\
packet at 0
  modifier1  0 wsgi a request for a Python WSGI application, and the default of every front end
  modifier2  0
  datasize   6
  vars       1
         4  A  1
  body       none (content-length)

packet at 10 malformed
  modifier1  0 wsgi a request for a Python WSGI application, and the default of every front end
  modifier2  0
  datasize   12
  vars       1 before the fault
        14  B  2
"
    );
    assert_eq!(
        result.stderr,
        "\
error: standard input: the value at offset 25 claims 255 bytes, its block has 1 left
         0  00 06 00 00 01 00 41 01 00 31 00 0c 00 00 01 00  |......A..1......|
        16  42 01 00 32 01 00 43 ff 00 33                    |B..2..C..3|
                                       ^^                              ^
  hint: --payload raw shows the bytes of the payload
  hint: if these bytes belong to the body of the packet before, use --body rest
"
    );
}

#[test]
fn the_good_items_of_a_broken_array_are_shown() {
    for block in [&b"\x02\x00ok\x09\x00A"[..], b"\x02\x00ok\x09"] {
        let packet = [&[173, u8::try_from(block.len()).unwrap(), 0, 0], block].concat();
        let result = run_with(&["decode"], &packet);
        assert_eq!(result.status, 1);
        assert!(result.text().ends_with("  items      1 before the fault\n         4  ok\n"), "{}", result.text());
        assert!(result.stderr.contains("if a server sent it, add --answer"), "{}", result.stderr);
    }
}

#[test]
fn other_protocols_are_named() {
    for (input, advice) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], "these bytes look like HTTP: use uwsgi_pass, not proxy_pass"),
        (b"\x16\x03\x01\x02\x00\x01", "these bytes look like TLS: "),
        (b"\x01\x01\x00\x01\x00\x08\x00\x00", "these bytes look like FastCGI: "),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "these bytes look like HTTP/2: "),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "these bytes look like the PROXY protocol: "),
    ] {
        let result = run_with(&["decode"], input);
        assert_eq!(result.status, 1);
        assert!(result.stderr.contains(&format!("\n  hint: {advice}")), "{}", result.stderr);
        let document: Value = serde_json::from_slice(&run_with(&["decode", "--json"], input).stdout).unwrap();
        assert!(document["error"]["message"].as_str().unwrap().contains(&format!("; {advice}")), "{document}");
    }
}

#[test]
fn needed_is_the_number_of_missing_bytes() {
    let whole = std::fs::read(capture("nginx/get.bin")).unwrap();
    for cut in (1..whole.len()).step_by(23) {
        let result = run_with(&["decode", "--json"], &whole[..cut]);
        assert_eq!(result.status, 1);
        let document: Value = serde_json::from_slice(&result.stdout).unwrap();
        let missing = if cut < 4 { 4 - cut } else { whole.len() - cut };
        assert_eq!(document["error"]["needed"], missing);
    }
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let good = capture("uwsgi-client/ping.bin");
    for more in [&[][..], &["--json"]] {
        let arguments = [&["decode"], more, &["/nowhere/a\x1b[31m", &good, "/"]].concat();
        let result = run(&arguments);
        assert_eq!(result.status, 2);
        assert!(result.text().contains("modifier1"), "{}", result.text());
        assert!(result.stderr.starts_with("error: cannot read /nowhere/a\\x1b[31m: No such file"), "{}", result.stderr);
        assert!(result.stderr.contains("\nerror: cannot read /: Is a directory"), "{}", result.stderr);
    }
}

#[test]
fn changed_captures_never_panic() {
    let directory = scratch("changed");
    let mut files = Vec::new();
    // A simple random generator with a fixed seed, so that each run has the same inputs.
    let mut state = 1_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    for name in ["nginx/get.bin", "uwsgi-client/raw-rpc-raw.bin", "uwsgi-client/cache-udp-set.bin"] {
        let original = std::fs::read(capture(name)).unwrap();
        for round in 0..100 {
            let mut bytes = original.clone();
            for _ in 0..=below(4) {
                let at = below(bytes.len());
                bytes[at] = [0, 1, 0xff, b'"', 0x1b][below(5)];
            }
            bytes.truncate(1 + below(bytes.len()));
            let file = directory.join(format!("{}-{round}.bin", name.replace('/', "-")));
            std::fs::write(&file, bytes).unwrap();
            files.push(file.to_str().unwrap().to_owned());
        }
    }
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    for options in [&[][..], &["--json"], &["--hex"], &["--payload", "array"], &["--payload", "vars", "--body", "none"]]
    {
        let result = run(&[&["decode"], options, &files].concat());
        assert_eq!(result.status, 1);
        assert!(!result.text().contains('\x1b'));
    }
}
