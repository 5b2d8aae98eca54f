//! Completions, manual pages and help.

use crate::{run, scratch};

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = String::from_utf8(run(&["completions", shell]).good()).unwrap();
        for word in ["uwsgictl", "decode", "encode", "payload", "data-binary"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    assert_eq!(run(&["completions", "tcsh"]).status, 2);
}

#[test]
fn every_command_has_a_page() {
    let directory = scratch("man").join("made/on/the/way");
    assert!(run(&["man", "--dir", directory.to_str().unwrap()]).good().is_empty());
    let all = String::from_utf8(run(&["man"]).good()).unwrap();
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()).collect();
    let commands = [
        "bench",
        "cache",
        "check",
        "completions",
        "decode",
        "encode",
        "man",
        "ping",
        "request",
        "rpc",
        "serve",
        "signal",
        "spool",
        "subscribe",
    ];
    for command in commands {
        assert!(directory.join(format!("uwsgictl-{command}.1")).is_file(), "{command}");
    }
    for file in files {
        let page = file.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{text}");
        assert!(text.contains(".SH NAME") && all.contains(&text));
    }
    assert_eq!(run(&["man", "--dir", "/dev/null/x"]).status, 2);
}

#[test]
fn help_has_examples() {
    for arguments in
        [&["--help"][..], &["decode", "--help"], &["encode", "--help"], &["man", "-h"], &["help", "completions"]]
    {
        let text = String::from_utf8(run(arguments).good()).unwrap();
        assert!(text.contains("Examples:\n  uwsgictl "), "{text}");
        assert!(text.contains("\nUsage: "), "{text}");
    }
    let version = String::from_utf8(run(&["--version"]).good()).unwrap();
    assert_eq!(version, concat!("uwsgictl ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for arguments in [
        &[][..],
        &["x"],
        &["decode", "--payload", "x"],
        &["decode", "--what"],
        &["encode"],
        &["encode", "--modifier1", "256", "A=B"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status, 2, "{arguments:?}");
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty());
    }
}
