//! Listeners: several of them, sockets that another server left, and sockets that another process hands over.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use uwsgi::Address;
use uwsgi_server::{Answer, AppError, Body, Call, Head, Listener, Server};
use uwsgi_tests::load::{Process, ServerAddress, get, status};
use uwsgi_tests::ours::Kind;

use crate::{Running, TestDir, exists, shell, shell_of, wait_until};

/// Answers with the local address of the connection.
fn app(call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    let local = call.addresses().local.map_or("a Unix socket".into(), |local| local.to_string());
    Ok(answer.whole(Head::new(200), local.as_bytes())?)
}

fn ask(at: &ServerAddress) -> String {
    let answer = at.ask(&get("/")).unwrap();
    assert_eq!(status(&answer), 200, "{}", answer.escape_ascii());
    let text = String::from_utf8(answer).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_server_has_several_listeners() {
    let test_dir = TestDir::new();
    let (unix, bind) = test_dir.socket("a.sock");
    let name = format!("@uwsgi-tests-{}", std::process::id());
    let mut server = Server::new(app).unwrap().bind("127.0.0.1:0").unwrap().bind(&bind).unwrap();
    if cfg!(target_os = "linux") {
        server = server.bind(&name).unwrap();
    }
    let tcp = ServerAddress::Tcp(server.local_addr().unwrap());
    let mut running = Running::start(server);
    for _ in 0..3 {
        assert_eq!(
            ask(&tcp),
            format!("{}", if let ServerAddress::Tcp(address) = tcp { address } else { unreachable!() })
        );
        assert_eq!(ask(&unix), "a Unix socket");
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name[1..]).unwrap();
        assert!(UnixStream::connect_addr(&address).is_ok());
    }
    let ServerAddress::Unix(path) = &unix else { unreachable!() };
    assert!(exists(path));
    running.stop();
    assert!(!exists(path), "the socket file is left");
    assert_eq!(tcp.connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(unix.connect().unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_socket_of_both_families() {
    let Ok(server) = Server::new(app).unwrap().bind("[::]:0") else {
        assert!(TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err(), "IPv6 is there");
        return;
    };
    let port = server.local_addr().unwrap().port();
    let _running = Running::start(server);
    for address in [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))] {
        // The peer 127.0.0.1 has the address ::ffff:127.0.0.1 here, and is allowed as 127.0.0.1.
        ask(&ServerAddress::Tcp(address));
    }
}

/// A socket that listens at all addresses knows the address that the peer connected to.
#[test]
fn the_local_address_is_the_one_that_the_peer_connected_to() {
    let server = Server::new(app).unwrap().bind("0.0.0.0:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let _running = Running::start(server.with_allow_list(uwsgi::server::AllowList::parse("127.0.0.0/8").unwrap()));
    for host in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let address = SocketAddr::from((host, port));
        assert_eq!(ask(&ServerAddress::Tcp(address)), address.to_string());
    }
}

/// The server listens at all addresses of a name.
#[test]
fn a_name_is_bound_with_all_its_addresses() {
    let server = Server::new(app).unwrap().bind("localhost:0").unwrap();
    let addresses: Vec<SocketAddr> = server.listeners().iter().filter_map(Listener::local_addr).collect();
    assert!(!addresses.is_empty());
    assert!(addresses.iter().all(|address| address.port() == addresses[0].port()), "{addresses:?}");
    let _running = Running::start(server);
    for address in addresses {
        assert_eq!(ask(&ServerAddress::Tcp(address)), address.to_string());
    }
}

/// If two servers bind one path at the same time, one listens there and the other says that the path is in use.
#[test]
fn only_one_of_two_servers_binds_a_path() {
    let test_dir = TestDir::new();
    let path = test_dir.path("a.sock");
    let text = path.to_str().unwrap();
    for round in 0..300 {
        if round % 2 == 0 {
            // A server that was killed leaves its socket file.
            drop(UnixListener::bind(&path).unwrap());
            // A program that another test starts may have the socket open for a moment.
            wait_until("nothing listens", || UnixStream::connect(&path).is_err());
        }
        let both = std::sync::Barrier::new(2);
        let start = || {
            both.wait();
            Listener::bind(Address::Unix(text))
        };
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(start);
            (start(), other.join().unwrap())
        });
        let refused = [&one, &two].into_iter().filter_map(|listener| listener.as_ref().err()).collect::<Vec<_>>();
        assert!(refused.len() == 1 && refused[0].kind() == io::ErrorKind::AddrInUse, "{round}: {one:?} {two:?}");
        assert!(UnixStream::connect(&path).is_ok(), "{round}: nothing listens");
    }
}

/// A peer of another family has no address that a list of allowed peers could name.
#[cfg(target_os = "linux")]
#[test]
fn other_families_are_not_taken_over() {
    use rustix::io::Errno;
    use rustix::net::{AddressFamily, SocketAddrAny, SocketType, bind, listen, socket};
    let vsock = match socket(AddressFamily::VSOCK, SocketType::STREAM, None) {
        // Not every kernel has virtual sockets.
        Err(Errno::AFNOSUPPORT) => return,
        vsock => vsock.unwrap(),
    };
    // The sockaddr_vm of vsock(7) for any port (VMADDR_PORT_ANY) of any machine (VMADDR_CID_ANY).
    let any = [AddressFamily::VSOCK.as_raw(), 0, u16::MAX, u16::MAX, u16::MAX, u16::MAX, 0, 0];
    // SAFETY: these are all 16 bytes of an address of this family.
    let any = unsafe { SocketAddrAny::read(any.as_ptr().cast(), 16) };
    bind(&vsock, &any).unwrap();
    listen(&vsock, 1).unwrap();
    assert_eq!(Listener::from_descriptor(vsock).unwrap_err().kind(), io::ErrorKind::Unsupported);
}

#[test]
fn the_mode_of_a_unix_socket() {
    let test_dir = TestDir::new();
    let path = test_dir.path("a.sock");
    let text = path.to_str().unwrap();
    for mode in [0o660, 0o600, 0o777] {
        let listener = match mode {
            // The default.
            0o660 => Listener::bind(Address::Unix(text)).unwrap(),
            mode => Listener::bind_with_mode(Address::Unix(text), mode).unwrap(),
        };
        let file = path.symlink_metadata().unwrap();
        assert!(file.file_type().is_socket());
        assert_eq!(file.permissions().mode() & 0o7777, mode);
        drop(listener);
        assert!(!exists(&path));
    }
}

/// The umask does not change the mode.
#[test]
fn the_mode_of_a_unix_socket_under_any_umask() {
    for kind in Kind::BOTH {
        let expected = kind.of(0o660, 0o666);
        for umask in ["000", "022", "077", "777"] {
            let test_dir = TestDir::new();
            let (at, bind) = test_dir.socket("a.sock");
            let ServerAddress::Unix(path) = &at else { unreachable!() };
            let line = format!("umask {umask};");
            let _process = Process::start(&mut shell_of(kind, &line, &[&format!("bind={bind}")]), &at).unwrap();
            let mode = path.symlink_metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, expected, "{kind:?}, umask {umask}: {mode:o}");
            assert_eq!(test_dir.0.path().read_dir().unwrap().count(), 1, "the lock file is left");
        }
    }
}

#[test]
fn a_socket_file_without_a_listener_is_replaced() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let ServerAddress::Unix(path) = &at else { unreachable!() };
    // A server that was killed leaves its socket file.
    drop(UnixListener::bind(path).unwrap());
    assert!(exists(path));
    let running = Running::start(Server::new(app).unwrap().bind(&bind).unwrap());
    assert_eq!(ask(&at), "a Unix socket");
    drop(running);
    assert!(!exists(path));
}

#[test]
fn a_socket_file_of_another_server_is_not_removed() {
    let test_dir = TestDir::new();
    let (at, bind) = test_dir.socket("a.sock");
    let ServerAddress::Unix(path) = &at else { unreachable!() };
    let mut running = Running::start(Server::new(app).unwrap().bind(&bind).unwrap());
    std::fs::remove_file(path).unwrap();
    let _theirs = UnixListener::bind(path).unwrap();
    running.stop();
    assert!(exists(path));
}

fn refused(address: &str) -> String {
    let error = Server::new(app).unwrap().bind(address).err().unwrap().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn an_error_of_bind_is_one_line() {
    let test_dir = TestDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let why = "is in use: stop the server that listens there, or choose another address";
    assert_eq!(refused(&port), format!("{port} {why}"));

    let path = test_dir.path("live.sock");
    let text = path.to_str().unwrap();
    let _live = UnixListener::bind(&path).unwrap();
    let why = "is in use: stop the server that listens there, or choose another path";
    assert_eq!(refused(text), format!("{text} {why}"));
    assert!(UnixStream::connect(&path).is_ok(), "the other server's socket is still there");

    for (name, make) in [("file", "a file"), ("directory", "")] {
        let path = test_dir.path(name);
        match make {
            "" => std::fs::create_dir(&path).unwrap(),
            text => std::fs::write(&path, text).unwrap(),
        }
        let text = path.to_str().unwrap();
        let why = "is there and is no socket: move it away, or choose another path";
        assert_eq!(refused(&format!("unix:{text}")), format!("{text} {why}"));
        assert!(exists(&path));
    }

    for path in [test_dir.path("no/such/directory"), test_dir.path(&"x".repeat(200))] {
        let text = path.to_str().unwrap();
        let error = refused(text);
        assert!(error.contains(text), "{error:?} does not name the path");
    }
    assert!(refused("192.0.2.1:0").starts_with("cannot listen at 192.0.2.1:0: "));
    assert!(refused("nonsense").contains("nonsense"), "{}", refused("nonsense"));
    assert!(refused("fd:77").contains("descriptor 77"), "{}", refused("fd:77"));
}

/// A server that accepts no connections is still a server: its socket is in use.
#[test]
fn a_socket_with_a_full_backlog_is_in_use() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, listen, socket};
    let test_dir = TestDir::new();
    let path = test_dir.path("full.sock");
    let address = SocketAddrUnix::new(&path).unwrap();
    let stream = || socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    let full = stream();
    bind(&full, &address).unwrap();
    listen(&full, 0).unwrap();
    let queued: Vec<OwnedFd> = std::iter::repeat_with(|| {
        let waits = stream();
        rustix::io::ioctl_fionbio(&waits, true).unwrap();
        connect(&waits, &address).map(|()| waits)
    })
    .map_while(Result::ok)
    .collect();
    assert!(!queued.is_empty());

    let begun = Instant::now();
    let error = refused(path.to_str().unwrap());
    assert!(error.contains("is in use"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(exists(&path));
}

/// systemd hands sockets over from descriptor 3 on. `LISTEN_FDS` has their number, and `LISTEN_PID` the process that they are
/// for.
#[test]
fn sockets_that_are_handed_over() {
    let test_dir = TestDir::new();
    let (unix, _) = test_dir.socket("handed.sock");
    let ServerAddress::Unix(path) = &unix else { unreachable!() };
    let (first, second) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(path).unwrap());
    let tcp = ServerAddress::Tcp(first.local_addr().unwrap());
    let start = |line: &str, options: &[&str]| {
        let mut command = shell(line, options);
        command.stdin(Stdio::from(OwnedFd::from(first.try_clone().unwrap())));
        command.stdout(Stdio::from(OwnedFd::from(second.try_clone().unwrap())));
        Process::from_child(command.spawn().unwrap())
    };
    let handed = "exec 3<&0 4<&1 0<&- 1>&2; export LISTEN_FDS=2 LISTEN_PID=$$;";

    let mut process = start(handed, &["bind=fd:3", "bind=fd:4"]);
    for at in [&tcp, &unix] {
        for _ in 0..3 {
            let answer = at.ask(&get("/")).unwrap();
            assert!(answer.ends_with(b"hello\n"), "{}", answer.escape_ascii());
        }
    }
    // Other threads may read the environment: the server does not change it.
    assert!(tcp.ask(&get("/handed")).unwrap().ends_with(b"\r\n\r\n2\n"));
    process.signal(Signal::TERM).unwrap();
    process.ended_within(Duration::from_secs(10)).unwrap();
    // The sockets belong to the service manager, which keeps the connections that come meanwhile.
    assert!(exists(path));
    let mut waits = tcp.connect().unwrap();
    waits.write_all(&get("/")).unwrap();
    let _again = start(handed, &["bind=fd:3", "bind=fd:4"]);
    let mut answer = Vec::new();
    waits.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"hello\n"), "{}", answer.escape_ascii());

    // A descriptor cannot be taken twice.
    let mut twice = start(handed, &["bind=fd:3", "bind=fd:3"]);
    assert!(!twice.ended_within(Duration::from_secs(10)).unwrap().0.success());
    assert_eq!(twice.stderr().unwrap().trim(), "descriptor 3 was taken already");

    // The server does not take descriptors that were not handed over, or not to this process.
    for (line, bind) in [
        ("exec 3<&0; export LISTEN_FDS=1 LISTEN_PID=$$;", "bind=fd:4"),
        ("exec 3<&0; export LISTEN_FDS=1 LISTEN_PID=1;", "bind=fd:3"),
        ("exec 3<&0; unset LISTEN_FDS;", "bind=fd:3"),
        // sd_listen_fds(3) wants LISTEN_PID, and counts from 3.
        ("exec 3<&0; export LISTEN_FDS=1; unset LISTEN_PID;", "bind=fd:3"),
        ("exec 3<&0; export LISTEN_FDS=1 LISTEN_PID=$$;", "bind=fd:0"),
        ("exec 3<&0; export LISTEN_FDS=1 LISTEN_PID=$$;", "bind=fd:2"),
        ("exec 3<&0 4<&1; export LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDS_FIRST_FD=4;", "bind=fd:3"),
        // This descriptor is not open.
        ("exec 3<&0; export LISTEN_FDS=70 LISTEN_PID=$$;", "bind=fd:70"),
        // This descriptor is no socket.
        ("exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$;", "bind=fd:3"),
    ] {
        let mut process = start(line, &[bind]);
        let (status, _) = process.ended_within(Duration::from_secs(10)).unwrap();
        let said = process.stderr().unwrap();
        assert!(!status.success() && said.lines().count() == 1, "{line} {said}");
        assert!(said.contains("descriptor") || said.contains("fd 3"), "{said}");
    }
}
