//! Settings that contradict each other.

use uwsgi_gateway::{Forwarding, SettingsError, Translation, TrustedProxies};

fn proxies(list: &str) -> TrustedProxies {
    TrustedProxies::parse(list).unwrap()
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let header = |translation: Translation, name: &'static str| {
        translation.with_trusted_header(http::HeaderName::from_static(name))
    };
    let append = || Translation::new().with_forwarding(Forwarding::Append);
    let rows: [(Translation, Result<(), SettingsError>); 10] = [
        (Translation::new(), Ok(())),
        (Translation::default(), Ok(())),
        (Translation::new().with_forwarding(Forwarding::None), Ok(())),
        (append(), Err(SettingsError::AppendWithoutTrustedProxy)),
        (append().with_trusted_proxies(proxies("")), Err(SettingsError::AppendWithoutTrustedProxy)),
        (append().with_trusted_proxies(proxies("unix")), Ok(())),
        (append().with_trusted_proxies(proxies("10.0.0.0/8")), Ok(())),
        (header(Translation::new(), "x-real-ip"), Err(SettingsError::TrustedHeaderWithoutTrustedProxy)),
        (header(Translation::new().with_trusted_proxies(proxies("unix")), "x-real-ip"), Ok(())),
        (
            header(Translation::new().with_trusted_proxies(proxies("unix")), "forwarded"),
            Err(SettingsError::ForwardedAsTrustedHeader),
        ),
    ];
    for (translation, expected) in rows {
        assert_eq!(translation.check(), expected, "{translation:?}");
        if let Err(error) = expected {
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn lists_of_proxies() {
    /// A list, and the number of its first entry that cannot be parsed.
    const ROWS: &[(&str, Option<usize>)] = &[
        ("", None),
        (" ", None),
        ("unix", None),
        ("10.0.0.0/8", None),
        ("10.0.0.0/8, ::1 ,unix", None),
        ("unix,unix", None),
        ("0.0.0.0/0,::/0", None),
        ("*", Some(1)),
        ("unix,*", Some(2)),
        ("10.0.0.0/33", Some(1)),
        ("unix,10.0.0.1,proxy.example", Some(3)),
        ("10.0.0.1,,unix", Some(2)),
        ("10.0.0.1,", Some(2)),
        ("UNIX", Some(1)),
        ("unix:/run/a", Some(1)),
    ];
    for (list, entry) in ROWS {
        let error = TrustedProxies::parse(list).err().map(|error| error.to_string());
        assert_eq!(
            error,
            entry.map(|entry| format!("entry {entry} is no address, no network and not `unix`")),
            "{list}"
        );
    }
    for (list, is_empty) in [("", true), ("unix", false), ("10.0.0.1", false)] {
        assert_eq!(proxies(list).is_empty(), is_empty, "{list}");
    }
}
