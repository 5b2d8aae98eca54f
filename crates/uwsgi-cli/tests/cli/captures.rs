//! `decode` and `encode` of every capture, against the description of the capture.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{RunResult, capture, run, run_with};

/// A capture, and its description by an independent decoder.
struct Described {
    path: PathBuf,
    bytes: Vec<u8>,
    /// The described packets.
    packets: Value,
    /// The options with which `decode` reads the capture.
    options: Vec<String>,
}

fn described() -> Vec<Described> {
    let mut all = Vec::new();
    for producer in std::fs::read_dir(capture("")).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()) {
        for path in std::fs::read_dir(producer).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let mut about: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            if about["format"] != "uwsgi" {
                continue;
            }
            let path = path.with_extension("bin");
            let mut options = Vec::new();
            let is_answer = about["producer"] == "uwsgi-reply";
            if is_answer {
                options.push("--answer".to_owned());
            }
            for (field, option) in [("kind", "--payload"), ("body", "--body")] {
                // The modifiers of an answer determine its form.
                if let Some(value) = about[field].as_str().filter(|_| field == "body" || !is_answer) {
                    options.extend([option.to_owned(), value.to_owned()]);
                }
            }
            all.push(Described {
                bytes: std::fs::read(&path).unwrap(),
                packets: about["packets"].take(),
                options,
                path,
            });
        }
    }
    assert!(all.len() >= 400, "only {} captures", all.len());
    all
}

fn decode(capture: &Described, more: &[&str]) -> RunResult {
    let mut arguments = vec!["decode"];
    arguments.extend(capture.options.iter().map(String::as_str));
    arguments.extend(more);
    arguments.push(capture.path.to_str().unwrap());
    run(&arguments)
}

#[test]
fn json_equals_the_description() {
    for capture in described() {
        let json = decode(&capture, &["--json"]).success();
        let packets: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(packets, capture.packets, "{}", capture.path.display());
    }
}

#[test]
fn json_encodes_to_the_same_packets() {
    for capture in described() {
        let json = decode(&capture, &["--json"]).success();
        let result = run_with(&["encode", "--json", "-"], &json);
        assert_eq!(result.status, 0, "{}: {}", capture.path.display(), result.stderr);
        // JSON does not contain the bodies.
        let mut without_bodies: Vec<u8> = Vec::new();
        let mut bodies = 0;
        for packet in capture.packets.as_array().unwrap() {
            let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
            let (from, to) = (number(&packet["offset"]), number(&packet["body"]["offset"]));
            without_bodies.extend(&capture.bytes[from..to]);
            bodies += number(&packet["body"]["length"]);
        }
        assert!(result.stdout == without_bodies, "{}", capture.path.display());
        assert_eq!(result.stderr.contains("bodies"), bodies > 0, "{}", result.stderr);
    }
}

#[test]
fn the_fields_keep_their_order() {
    let json = String::from_utf8(run(&["decode", "--json", &capture("nginx/get.bin")]).success()).unwrap();
    assert!(
        json.starts_with(
            "[\n {\n  \"offset\": 0,\n  \"modifier1\": 0,\n  \"datasize\": 355,\n  \"modifier2\": 0,\n  \
             \"payload\": \"vars\",\n  \"vars\": [\n   [\n    \"QUERY_STRING\",\n    \"x=1&y=2\"\n   ],"
        ),
        "{json}"
    );
    let end = "\n  ],\n  \"body\": {\n   \"framing\": \"content-length\",\n   \"offset\": 359,\n   \"length\": 0,\n   \
               \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n  }\n }\n]\n";
    assert!(json.ends_with(end), "{json}");
}

#[test]
fn the_table_shows_every_key_and_no_escape_code() {
    for capture in described() {
        let result = decode(&capture, &[]);
        assert_eq!((result.status, &*result.stderr), (0, ""), "{}", capture.path.display());
        let text = result.text();
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text}");
        for packet in capture.packets.as_array().unwrap() {
            assert!(text.contains(&format!("packet at {}\n", packet["offset"])));
            for pair in packet["vars"].as_array().into_iter().flatten() {
                let key = pair[0].as_str().unwrap();
                assert!(!key.is_ascii() || text.contains(key), "{key} in {text}");
            }
        }
    }
}

#[test]
fn malformed_captures_are_errors() {
    for (name, kind, packets) in [
        ("apache-mod_Ruwsgi/total-70k.bin", "value-overrun", 0),
        ("apache-mod_uwsgi/total-70k.bin", "value-overrun", 0),
        ("uwsgi-tools/proxy-path-utf8.bin", "key-overrun", 0),
    ] {
        assert!(Path::new(&capture(name)).exists());
        let result = run(&["decode", "--json", &capture(name)]);
        assert_eq!((result.status, &*result.stderr), (1, ""));
        let document: Value = serde_json::from_slice(&result.stdout).unwrap();
        assert_eq!(document["error"]["kind"], kind, "{name}");
        assert_eq!(document["packets"].as_array().unwrap().len(), packets, "{name}");
    }
}
