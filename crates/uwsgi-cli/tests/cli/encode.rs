//! `encode` from pairs, items and JSON.

use serde_json::json;

use crate::{run, run_with, scratch};

#[test]
fn arguments_become_a_packet() {
    for (arguments, packet) in [
        (
            &["A=1", "B=", "C==x", "A=2"][..],
            &b"\x00\x18\x00\x00\x01\0A\x01\x001\x01\0B\0\0\x01\0C\x02\0=x\x01\0A\x01\x002"[..],
        ),
        (&["--modifier1", "ping"], b"d\0\0\0"),
        (&["--modifier1", "110", "--modifier2", "17"], b"n\0\0\x11"),
        (
            &["--modifier1", "rpc", "--payload", "array", "hello", "", "http://x", "--", "-1"],
            b"\xad\x17\0\0\x05\0hello\0\0\x08\0http://x\x02\0-1",
        ),
        (&["--modifier1", "echo", "--payload", "raw", "a=b"], b"\x65\x03\0\0a=b"),
        (&["--modifier2", "1", "--payload", "raw"], b"\0\0\0\x01"),
    ] {
        let arguments = [&["encode"], arguments].concat();
        assert_eq!(run(&arguments).success().escape_ascii().to_string(), packet.escape_ascii().to_string());
    }
}

#[test]
fn bytes_that_are_not_utf8_are_encoded() {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let argument = std::ffi::OsStr::from_bytes(b"A=\xff\xfe");
        let output = crate::command(&["encode"]).arg(argument).output().unwrap();
        assert_eq!(output.stdout, b"\x00\x07\x00\x00\x01\0A\x02\0\xff\xfe");
    }
}

#[test]
fn invalid_arguments_are_refused_without_output() {
    let long = format!("A={}", "x".repeat(65536));
    let parts = ["A", "B"].map(|key| format!("{key}={}", "x".repeat(40000)));
    for (arguments, what) in [
        (&["=x"][..], "=x: an empty key, which uWSGI refuses"),
        (&["A"], "A: neither KEY=VALUE nor a URL"),
        (&[&long], "a value of 65536 bytes, a length field says at most 65535"),
        (&[&parts[0], &parts[1]], "the payload would be"),
        (&["--payload", "raw", "a", "b"], "--payload raw takes one argument"),
        (&["A=B", "-X", "GET"], "-H, -u, -d, -X and -I need a URL"),
        (&["--payload", "array", "a", "-d", "x"], "-H, -u, -d, -X and -I need a URL"),
        (&["http://a/", "http://b/"], "a second URL, http://b/"),
        (&["--json", "/nowhere"], "cannot read /nowhere: No such file"),
        (&["--json", "-", "A=B"], "cannot be used with"),
        (&["--json", "-", "-d", "x"], "cannot be used with"),
        (&["-I", "-d", "x", "http://a/"], "cannot be used with"),
    ] {
        let result = run(&[&["encode"], arguments].concat());
        assert_eq!((result.status, result.text()), (2, ""), "{what}");
        assert!(result.stderr.contains(what), "{what} in {}", result.stderr);
        assert!(result.stderr.len() < 1000);
    }
}

#[test]
fn json_fields_have_defaults() {
    let json = json!([
        { "vars": [["A", "1"]] },
        { "modifier1": 173, "items": ["ä", ""] },
        { "modifier1": 101, "modifier2": 2, "raw": "\u{0}\u{ff}" },
        { "modifier1": 100 },
        { "payload": "vars", "vars": [], "datasize": 0 }
    ]);
    let bytes = b"\0\x06\0\0\x01\0A\x01\x001\xad\x05\0\0\x01\0\xe4\0\0\x65\x02\0\x02\0\xffd\0\0\0\0\0\0\0";
    for document in [json.to_string(), json!({ "packets": json, "producer": "x" }).to_string()] {
        assert_eq!(run_with(&["encode", "--json", "-"], document.as_bytes()).success(), bytes);
    }
    // Several documents in one input, as decode prints them for several files.
    let twice = format!("{json}\n{json}");
    assert_eq!(run_with(&["encode", "--json", "-"], twice.as_bytes()).success(), bytes.repeat(2));
}

#[test]
fn invalid_json_is_refused() {
    for (document, what) in [
        (json!([{ "vars": [["A", "1"]], "datasize": 7 }]), "packets[0].datasize is 7, but the payload takes 6 bytes"),
        (json!([{}, { "modifier1": 256 }]), "packets[1].modifier1 must be a number of 8 bits, but is 256"),
        (json!([{ "modifier2": "0" }]), "packets[0].modifier2 must be a number of 8 bits, but is \"0\""),
        (json!([{ "datasize": -1 }]), "packets[0].datasize must be a number of 16 bits"),
        (json!([{ "vars": [["A", "1"], ["A"]] }]), "packets[0].vars[1] must be an array of two strings: [key, value]"),
        (json!([{ "vars": [["A", 1]] }]), "packets[0].vars[0][1] must be a string"),
        (json!([{ "vars": [["", "1"]] }]), "packets[0].vars[0]: an empty key"),
        (json!([{ "vars": { "A": "1" } }]), "packets[0].vars must be an array of [key, value]"),
        (json!([{ "items": ["☕"] }]), "packets[0].items[0]: '☕' (U+2615) stands for no byte"),
        (json!([{ "raw": "x".repeat(65536) }]), "packets[0]: the payload would be 65536 bytes"),
        (json!([{ "raw": "", "vars": [] }]), "packets[0] has `vars` and `raw`, but a packet has one payload"),
        (json!([{ "payload": "array", "vars": [] }]), "packets[0] has no field `items`"),
        (json!([{ "payload": "none", "raw": "x" }]), "packets[0] has a field `raw`, but its `payload` is \"none\""),
        (json!([{ "payload": "text" }]), "packets[0].payload must be vars, array, raw or none"),
        (json!([1]), "packets[0] must be an object"),
        (json!({ "packets": {} }), "packets must be an array"),
        (json!({}), "the object has no field `packets`"),
        (json!("x"), "the document must be an array of packets"),
    ] {
        let result = run_with(&["encode", "--json", "-"], document.to_string().as_bytes());
        assert_eq!((result.status, result.text()), (1, ""), "{what}");
        assert!(result.stderr.starts_with(&format!("error: standard input: {what}")), "{what} in {}", result.stderr);
    }
    let result = run_with(&["encode", "--json", "-"], b"[] [{]");
    assert_eq!(result.status, 1);
    assert!(result.stderr.starts_with("error: standard input: this is not JSON: "), "{}", result.stderr);
    let deep = "[".repeat(100_000);
    assert_eq!(run_with(&["encode", "--json", "-"], deep.as_bytes()).status, 1);
}

#[test]
fn json_of_malformed_input_gives_a_note() {
    let json = run_with(&["decode", "--json"], b"d\0\0\0\0").stdout;
    let result = run_with(&["encode", "--json", "-"], &json);
    assert_eq!((result.status, &*result.stdout), (0, &b"d\0\0\0"[..]));
    assert!(
        result.stderr.contains("the decoded input was malformed after packet 1: 4 bytes belong at offset 4"),
        "{}",
        result.stderr
    );
}

#[test]
fn the_packet_goes_to_a_file() {
    let file = scratch("output").join("ping.bin");
    let name = file.to_str().unwrap();
    assert!(run(&["encode", "--modifier1", "ping", "-o", name]).success().is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), b"d\0\0\0");
    assert!(run(&["encode", "--modifier1", "ping", "--hex", "--output", name]).success().is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), b"64 00 00 00\n");
    assert_eq!(run(&["encode", "--modifier1", "ping", "-o", "-"]).success(), b"d\0\0\0");
    // A failure does not touch the file.
    assert_eq!(run(&["encode", "=", "-o", name]).status, 2);
    assert_eq!(std::fs::read(&file).unwrap(), b"64 00 00 00\n");
}
