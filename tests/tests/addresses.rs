//! Addresses of servers, and lists of allowed peers, as people write them.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use uwsgi::server::{AllowList, Refusal, admit};
use uwsgi::{Address, AddressError};

fn tcp(text: &str) -> Address<'static> {
    Address::Tcp(text.parse().unwrap())
}

const fn name(host: &'static str, port: u16) -> Address<'static> {
    Address::Name { host, port }
}

/// A text, its address, and how that prints.
fn good() -> Vec<(&'static str, Address<'static>, &'static str)> {
    vec![
        // IP addresses.
        ("127.0.0.1:3031", tcp("127.0.0.1:3031"), "127.0.0.1:3031"),
        ("0.0.0.0:0", tcp("0.0.0.0:0"), "0.0.0.0:0"),
        ("255.255.255.255:65535", tcp("255.255.255.255:65535"), "255.255.255.255:65535"),
        ("[::1]:3031", tcp("[::1]:3031"), "[::1]:3031"),
        ("[::]:80", tcp("[::]:80"), "[::]:80"),
        ("[::ffff:10.0.0.1]:80", tcp("[::ffff:10.0.0.1]:80"), "[::ffff:10.0.0.1]:80"),
        ("[0:0:0:0:0:0:0:1]:80", tcp("[::1]:80"), "[::1]:80"),
        ("[FE80::1%2]:80", tcp("[fe80::1%2]:80"), "[fe80::1%2]:80"),
        // Names.
        ("app:3031", name("app", 3031), "app:3031"),
        ("app.internal.:80", name("app.internal.", 80), "app.internal.:80"),
        ("a_b-c.D:80", name("a_b-c.D", 80), "a_b-c.D:80"),
        ("localhost:0", name("localhost", 0), "localhost:0"),
        ("app:00080", name("app", 80), "app:80"),
        (":3031", name("", 3031), ":3031"),
        ("256.0.0.1:80", name("256.0.0.1", 80), "256.0.0.1:80"),
        ("1.2.3:80", name("1.2.3", 80), "1.2.3:80"),
        // Paths.
        ("/run/app.sock", Address::Unix("/run/app.sock"), "unix:/run/app.sock"),
        ("unix:/run/app.sock", Address::Unix("/run/app.sock"), "unix:/run/app.sock"),
        ("unix:///run/app.sock", Address::Unix("/run/app.sock"), "unix:/run/app.sock"),
        ("unix://run/app.sock", Address::Unix("run/app.sock"), "unix:run/app.sock"),
        ("unix:app.sock", Address::Unix("app.sock"), "unix:app.sock"),
        ("./app.sock", Address::Unix("./app.sock"), "unix:./app.sock"),
        ("../app.sock", Address::Unix("../app.sock"), "unix:../app.sock"),
        ("run/app.sock", Address::Unix("run/app.sock"), "unix:run/app.sock"),
        ("/", Address::Unix("/"), "unix:/"),
        ("//run/app.sock", Address::Unix("//run/app.sock"), "unix:////run/app.sock"),
        ("unix:////run/app.sock", Address::Unix("//run/app.sock"), "unix:////run/app.sock"),
        ("///app.sock", Address::Unix("///app.sock"), "unix://///app.sock"),
        ("/run/with space\u{e9}", Address::Unix("/run/with space\u{e9}"), "unix:/run/with space\u{e9}"),
        ("/run/@app", Address::Unix("/run/@app"), "unix:/run/@app"),
        ("./@app", Address::Unix("./@app"), "unix:./@app"),
        ("/run/a:80", Address::Unix("/run/a:80"), "unix:/run/a:80"),
        ("unix:127.0.0.1:80", Address::Unix("127.0.0.1:80"), "unix:127.0.0.1:80"),
        ("unix:fd:3", Address::Unix("fd:3"), "unix:fd:3"),
        ("unix:unix:a", Address::Unix("unix:a"), "unix:unix:a"),
        // Abstract names, without a file.
        ("@app", Address::Abstract("app"), "@app"),
        ("unix:@app", Address::Abstract("app"), "@app"),
        ("unix://@app", Address::Abstract("app"), "@app"),
        ("@a/b:80", Address::Abstract("a/b:80"), "@a/b:80"),
        ("@@", Address::Abstract("@"), "@@"),
        // Descriptors.
        ("fd:3", Address::Fd(3), "fd:3"),
        ("fd://3", Address::Fd(3), "fd:3"),
        ("fd:0", Address::Fd(0), "fd:0"),
        ("fd:007", Address::Fd(7), "fd:7"),
        ("fd:4294967295", Address::Fd(u32::MAX), "fd:4294967295"),
    ]
}

const BAD: &[(&str, AddressError)] = &[
    ("", AddressError::Empty),
    ("unix:", AddressError::Empty),
    ("unix://", AddressError::Empty),
    ("@", AddressError::Empty),
    ("unix:@", AddressError::Empty),
    ("unix://@", AddressError::Empty),
    ("fd:", AddressError::Fd),
    ("fd://", AddressError::Fd),
    ("fd:-1", AddressError::Fd),
    ("fd:+1", AddressError::Fd),
    ("fd: 1", AddressError::Fd),
    ("fd:x", AddressError::Fd),
    ("fd:0x3", AddressError::Fd),
    ("fd:4294967296", AddressError::Fd),
    ("fd:/3", AddressError::Fd),
    ("127.0.0.1", AddressError::Port),
    ("localhost", AddressError::Port),
    ("app.sock", AddressError::Port),
    ("3031", AddressError::Port),
    ("*", AddressError::Port),
    (":", AddressError::Port),
    ("app:", AddressError::Port),
    ("app:65536", AddressError::Port),
    ("app:4294967296", AddressError::Port),
    ("app:-1", AddressError::Port),
    ("app:+80", AddressError::Port),
    ("app:80 ", AddressError::Port),
    ("app:80x", AddressError::Port),
    ("app: 80", AddressError::Port),
    ("app:http", AddressError::Port),
    ("127.0.0.1:65536", AddressError::Port),
    ("127.0.0.1:", AddressError::Port),
    ("127.0.0.1:+80", AddressError::Port),
    ("app:\u{663}", AddressError::Port),
    ("::1", AddressError::Host),
    ("::1:3031", AddressError::Host),
    ("fe80::1:80", AddressError::Host),
    ("[::1", AddressError::Host),
    ("[::1]:65536", AddressError::Host),
    ("[::1]x:80", AddressError::Host),
    ("[app]:80", AddressError::Host),
    ("*:80", AddressError::Host),
    (" app:80", AddressError::Host),
    ("a b:80", AddressError::Host),
    ("a:b:80", AddressError::Host),
    ("a@b:80", AddressError::Host),
    ("a\0:80", AddressError::Host),
    ("\u{e9}:80", AddressError::Host),
    ("a\n:80", AddressError::Host),
    ("/run/a\0b", AddressError::Path),
    ("unix:\0", AddressError::Path),
    ("@a\0", AddressError::Path),
];

/// What a listener and a client make of an address that means different things to them.
#[test]
fn an_address_differs_for_a_listener_and_a_client() {
    let rows = [
        (":3031", "0.0.0.0:3031", Ok("localhost:3031")),
        (":0", "0.0.0.0:0", Ok("localhost:0")),
        ("fd:3", "fd:3", Err(AddressError::NotToConnect)),
        ("app:3031", "app:3031", Ok("app:3031")),
        ("0.0.0.0:3031", "0.0.0.0:3031", Ok("0.0.0.0:3031")),
        ("[::]:3031", "[::]:3031", Ok("[::]:3031")),
        ("unix:/run/app.sock", "unix:/run/app.sock", Ok("unix:/run/app.sock")),
        ("@app", "@app", Ok("@app")),
    ];
    for (text, listens, connects) in rows {
        let address = Address::parse(text).unwrap();
        assert_eq!(address.to_listen().to_string(), listens, "{text}");
        let connects = connects.map(|text| Address::parse(text).unwrap());
        assert_eq!(address.to_connect(), connects, "{text}");
        // Every client reports the error when it is created, not later.
        assert_eq!(uwsgi_io::Client::new(text).map(drop).err(), connects.err(), "{text}");
        assert_eq!(uwsgi_tower::Client::new(text).map(drop).err(), connects.err(), "{text}");
    }
}

/// A listener and a client with the same address without a host name reach each other.
#[test]
fn a_client_reaches_a_listener_without_a_host_name() {
    use uwsgi_io::{Socket, Transport};
    let listeners = uwsgi_server::Listener::bind_all(Address::parse(":0").unwrap(), 0o660).unwrap();
    let local: Vec<_> = listeners.iter().filter_map(uwsgi_server::Listener::local_addr).collect();
    assert!(matches!(local[..], [SocketAddr::V4(at)] if at.ip().is_unspecified()), "{local:?}");
    let address = format!(":{}", local[0].port());
    let socket = Socket::connect(Address::parse(&address).unwrap(), std::time::Duration::from_secs(10)).unwrap();
    socket.shut_down_write().unwrap();
    let error = Socket::connect(Address::Fd(3), std::time::Duration::from_secs(10)).unwrap_err();
    assert_eq!(error.to_string(), AddressError::NotToConnect.to_string());
}

#[test]
fn addresses() {
    for (text, want, printed) in good() {
        assert_eq!(Address::parse(text), Ok(want), "{text:?}");
        assert_eq!(want.to_string(), printed, "{text:?}");
        assert_eq!(Address::parse(printed), Ok(want), "{text:?} printed");
    }
    for (text, want) in BAD {
        assert_eq!(Address::parse(text), Err(*want), "{text:?}");
    }
}

/// sun_path has 108 bytes, the last one NUL; an abstract name has a NUL in front.
#[test]
fn lengths_of_paths() {
    for (len, fits) in [(106, true), (107, true), (108, false), (1000, false)] {
        let (path, name) = (format!("/{}", "x".repeat(len - 1)), "x".repeat(len));
        let unix = if fits { Ok(Address::Unix(&path)) } else { Err(AddressError::Path) };
        assert_eq!(Address::parse(&path), unix, "{len}");
        assert_eq!(Address::parse(&format!("unix:{path}")).is_ok(), fits, "{len}");
        let text = format!("@{name}");
        let abstract_ = if fits { Ok(Address::Abstract(&name)) } else { Err(AddressError::Path) };
        assert_eq!(Address::parse(&text), abstract_, "{len}");
    }
    // Bytes are counted, not characters.
    assert!(Address::parse(&format!("/{}", "\u{e9}".repeat(53))).is_ok());
    assert_eq!(Address::parse(&format!("/{}", "\u{e9}".repeat(54))), Err(AddressError::Path));
}

#[test]
fn every_error_has_its_message() {
    for (error, word) in [
        (AddressError::Empty, "empty"),
        (AddressError::Fd, "fd:"),
        (AddressError::Host, "brackets"),
        (AddressError::Port, "65535"),
        (AddressError::Path, "107"),
    ] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// A list, some peers that it allows, and some that it does not.
const LISTS: &[(&str, &[&str], &[&str])] = &[
    ("", &[], &["127.0.0.1", "::1", "10.0.0.1", "::ffff:127.0.0.1"]),
    (" \t", &[], &["127.0.0.1", "::1"]),
    ("*", &["127.0.0.1", "::1", "255.255.255.255", "::ffff:1.2.3.4", "2001:db8::1"], &[]),
    ("10.0.0.1,*", &["192.0.2.1", "::1"], &[]),
    ("127.0.0.1", &["127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1"], &["127.0.0.2", "::1", "::127.0.0.1"]),
    ("127.0.0.1,::1", &["127.0.0.1", "::1", "::ffff:127.0.0.1"], &["10.0.0.1", "::2"]),
    (" 127.0.0.1 , ::1\t", &["127.0.0.1", "::1"], &["10.0.0.1"]),
    ("127.0.0.1,127.0.0.1", &["127.0.0.1"], &["::1"]),
    // Networks.
    ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], &["11.0.0.0", "9.255.255.255", "::a00:1"]),
    ("192.0.2.128/25", &["192.0.2.128", "192.0.2.255"], &["192.0.2.127", "192.0.3.128"]),
    ("192.0.2.1/32", &["192.0.2.1", "::ffff:192.0.2.1"], &["192.0.2.0", "192.0.2.2"]),
    ("192.0.2.0/31", &["192.0.2.0", "192.0.2.1"], &["192.0.2.2"]),
    ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], &["::1", "2001:db8::1"]),
    ("2001:db8::/32", &["2001:db8::", "2001:db8:ffff::1"], &["2001:db9::", "10.0.0.1"]),
    ("::1/128", &["::1"], &["::2", "127.0.0.1"]),
    ("fe80::/10", &["fe80::1", "febf::1"], &["fec0::1"]),
    ("10.0.0.0/8,192.168.0.0/16,::1", &["10.1.1.1", "192.168.1.1", "::1"], &["172.16.0.1"]),
    // The bits after the prefix do not count.
    ("10.1.2.3/8", &["10.0.0.1", "10.255.0.1"], &["11.1.2.3"]),
    ("2001:db8::1/32", &["2001:db8:1::"], &["2001:db9::1"]),
    // IPv4-mapped IPv6 addresses, in the list too.
    ("::ffff:10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1"], &["10.0.0.2"]),
    ("::ffff:10.0.0.0/104", &["10.0.0.1", "10.255.0.1", "::ffff:10.0.0.1"], &["11.0.0.1", "::1"]),
    ("::ffff:10.0.0.1/128", &["10.0.0.1"], &["10.0.0.2"]),
    ("::ffff:0:0/96", &["10.0.0.1", "::ffff:10.0.0.1"], &["::1"]),
    ("::10.0.0.1", &["::10.0.0.1"], &["10.0.0.1", "::ffff:10.0.0.1"]),
];

/// An invalid list, and the first entry that is to blame.
const UNREADABLE: &[(&str, usize)] = &[
    (",", 1),
    ("127.0.0.1,", 2),
    (",127.0.0.1", 1),
    ("127.0.0.1,,::1", 2),
    ("localhost", 1),
    ("127.0.0.1,app.internal", 2),
    ("127.0.0.1 ::1", 1),
    ("127.0.0.1;::1", 1),
    ("**", 1),
    ("10.*", 1),
    ("*.*.*.*", 1),
    ("10.0.0.0/33", 1),
    ("10.0.0.0/-1", 1),
    ("10.0.0.0/", 1),
    ("10.0.0.0/x", 1),
    ("10.0.0.0/8/8", 1),
    ("10.0.0.0 /8", 1),
    ("10.0.0.0/ 8", 1),
    ("10.0.0.0/255.0.0.0", 1),
    ("10.0.0/8", 1),
    ("10/8", 1),
    ("10.0.0.256", 1),
    ("10.0.0.1.2", 1),
    ("010.0.0.1", 1),
    ("010.0.0.0/8", 1),
    ("10.0.0.0/+8", 1),
    ("10.0.0.0/008", 1),
    ("0x7f.0.0.1", 1),
    ("2130706433", 1),
    ("127.1", 1),
    ("::1/129", 1),
    ("[::1]", 1),
    ("[::1]:80", 1),
    ("127.0.0.1:80", 1),
    ("fe80::1%1", 1),
    ("fe80::1%eth0", 1),
    ("1::2::3", 1),
    ("unix", 1),
    ("/run/app.sock", 1),
    ("127.0.0.1,10.0.0.0/8,x,y", 3),
];

#[test]
fn allow_lists() {
    for (text, yes, no) in LISTS {
        let list = AllowList::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let printed: AllowList = list.to_string().parse().unwrap();
        assert_eq!(printed, list, "{text:?}");
        for (peers, allowed) in [(yes, true), (no, false)] {
            for peer in *peers {
                let peer: IpAddr = peer.parse().unwrap();
                assert_eq!(list.allows(peer), allowed, "{peer} by {text:?}");
                let admitted = admit(&list, Some(peer), 1, 1);
                assert_eq!(admitted, if allowed { Ok(()) } else { Err(Refusal::PeerNotAllowed) }, "{peer} by {text:?}");
            }
        }
    }
}

#[test]
fn invalid_allow_lists_are_refused() {
    let mut read = Vec::new();
    for (text, entry) in UNREADABLE {
        match AllowList::parse(text) {
            Ok(_) => read.push(*text),
            Err(error) => {
                assert_eq!(error.entry(), *entry, "{text:?}");
                assert_eq!(error.to_string(), format!("entry {entry} is no address and no network"));
            }
        }
    }
    assert!(read.is_empty(), "these lists were accepted: {read:?}");
}

#[test]
fn the_default_list_allows_loopback() {
    let list = AllowList::default();
    for (peer, allowed) in [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("127.0.0.2", false)] {
        assert_eq!(list.allows(peer.parse().unwrap()), allowed, "{peer}");
    }
    assert_eq!(AllowList::parse("127.0.0.1,::1"), Ok(list));
}

/// Which refusal comes first; a Unix socket has no peer address to check.
#[test]
fn admission() {
    let nobody = AllowList::parse("").unwrap();
    let peer: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(admit(&nobody, None, 1, 1), Ok(()));
    assert_eq!(admit(&nobody, None, 2, 1), Err(Refusal::TooManyConnections));
    assert_eq!(admit(&nobody, None, 1, 0), Err(Refusal::TooManyConnections));
    assert_eq!(admit(&nobody, Some(peer), 2, 1), Err(Refusal::PeerNotAllowed));
    let everybody = AllowList::parse("*").unwrap();
    assert_eq!(admit(&everybody, Some(peer), 1, 1), Ok(()));
    assert_eq!(admit(&everybody, Some(peer), 2, 1), Err(Refusal::TooManyConnections));
}

/// Returns whether a network holds an address, bit by bit.
fn holds(network: &[u8], prefix: usize, address: &[u8]) -> bool {
    let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    network.len() == address.len() && (0..prefix).all(|at| bit(network, at) == bit(address, at))
}

proptest! {
    /// Every address prints as a text that parses to the same address.
    #[test]
    fn a_printed_address_parses_to_the_same_address(text in prop_oneof![
        "(unix:|fd:|@|)(//|/|)[a-z0-9:@./]{0,12}",
        "[a-z0-9.:@/_*\\[\\] -]{0,16}",
        any::<SocketAddr>().prop_map(|address| address.to_string()),
        any::<String>(),
    ]) {
        if let Ok(address) = Address::parse(&text) {
            let printed = address.to_string();
            prop_assert_eq!(Address::parse(&printed), Ok(address));
        }
    }

    #[test]
    fn every_socket_address_is_an_address(address in any::<SocketAddr>()) {
        let text = address.to_string();
        // The text of an IPv6 address lacks the flow information.
        let without_flow = text.parse::<SocketAddr>().unwrap();
        prop_assert_eq!(Address::parse(&text), Ok(Address::Tcp(without_flow)));
    }

    #[test]
    fn networks_of_ipv4_hold_the_addresses_of_their_prefix(
        network in any::<[u8; 4]>(), prefix in 0_usize..=32, flip in proptest::option::of(0_usize..32), mapped in any::<bool>(),
    ) {
        let mut peer = network;
        if let Some(flip) = flip {
            peer[flip / 8] ^= 128 >> (flip % 8);
        }
        let text = format!("{}/{prefix}", IpAddr::from(network));
        let list = AllowList::parse(&text).unwrap();
        let v4 = std::net::Ipv4Addr::from(peer);
        let peer_ip: IpAddr = if mapped { v4.to_ipv6_mapped().into() } else { v4.into() };
        prop_assert_eq!(list.allows(peer_ip), holds(&network, prefix, &peer));
    }

    #[test]
    fn networks_of_ipv6_hold_the_addresses_of_their_prefix(
        network in any::<[u8; 16]>(), prefix in 0_usize..=128, flip in proptest::option::of(0_usize..128),
    ) {
        let mut peer = network;
        if let Some(flip) = flip {
            peer[flip / 8] ^= 128 >> (flip % 8);
        }
        let address = std::net::Ipv6Addr::from(network);
        // IPv4-mapped addresses have rows above.
        prop_assume!(address.to_ipv4_mapped().is_none() && std::net::Ipv6Addr::from(peer).to_ipv4_mapped().is_none());
        let list = AllowList::parse(&format!("{address}/{prefix}")).unwrap();
        prop_assert_eq!(list.allows(IpAddr::from(peer)), holds(&network, prefix, &peer));
    }
}
