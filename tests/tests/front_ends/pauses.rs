//! A slow client, and an answer that is larger than nginx's temporary file may be: nginx stops reading for a while.

use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use uwsgi_tests::http1::{Connection, End};
use uwsgi_tests::programs::{Listen, Port, Snippet, TestDir, nginx};

use super::matrix::{SERVERS, Server, Settings, plain};
use super::page::page;

/// How much nginx may write into a file, how long a server waits for nginx, and whether the whole download arrives.
struct Row {
    name: &'static str,
    /// `uwsgi_max_temp_file_size`.
    file: &'static str,
    /// `write_idle`, in seconds; the default is an hour.
    write_idle: Option<u32>,
    arrives: bool,
}

/// The client reads 2 MB a second for 4 seconds, and then as fast as it can. With a file of 6 MB nginx pauses for 3 seconds.
const ROWS: &[Row] = &[
    Row { name: "the pause is longer than the server waits", file: "6m", write_idle: Some(1), arrives: false },
    Row { name: "the server waits for longer than the pause", file: "6m", write_idle: None, arrives: true },
    Row { name: "without a file there is no pause", file: "0", write_idle: Some(1), arrives: true },
];

const LENGTH: u64 = 24 << 20;
/// How much the slow client reads at a time, and the pause between two reads.
const PIECE: u64 = 100_000;
const BETWEEN: Duration = Duration::from_millis(50);
const SLOW: Duration = Duration::from_secs(4);

#[test]
fn nginx_pauses_until_a_slow_client_has_read_the_file() {
    // The rows mostly wait. So all of them run at once.
    thread::scope(|scope| {
        for row in ROWS {
            for server in SERVERS.iter().filter(|server| server.ours) {
                scope.spawn(move || row.run(server));
            }
        }
    });
    assert!(page().contains("`uwsgi_max_temp_file_size 0`"));
}

impl Row {
    fn run(&self, server: &Server) {
        let name = format!("{}, {}", server.name, self.name);
        let (test_dir, port) = (TestDir::new(), Port::free());
        let listen = Listen::Unix(test_dir.path("app.sock"));
        let program =
            (server.start)(&test_dir, "server", &listen, Settings { silence: self.write_idle, ..Settings::default() });
        // The timeout of nginx is shorter than the pause: it does not run during the pause.
        let buffers = format!("uwsgi_buffers 8 4k; uwsgi_max_temp_file_size {}; uwsgi_read_timeout 2s;", self.file);
        let site = Snippet::read("nginx-unix.conf")
            // Otherwise the socket has room for some megabytes more.
            .with("listen 80;", format!("listen {} sndbuf=64k;", port.address()))
            .with("/run/app/app.sock", test_dir.text_path("app.sock"))
            .with("include uwsgi_params;", format!("include uwsgi_params; {buffers}"));
        let running = plain(nginx(&test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);

        let mut client = running.connect().expect("a connection");
        let (came, end) = download(&mut client);
        assert_eq!(end == End::Whole, self.arrives, "{name}: {end:?} after {came} bytes");
        let log = program.log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("an answer was cut off after ")).collect();
        if self.arrives {
            assert!(came == LENGTH && lines.is_empty(), "{name}: {came} bytes, {log}");
        } else {
            let [line] = lines[..] else { panic!("{name}: {log}") };
            let sent =
                line.split_once(" after ").and_then(|(_, rest)| rest.split_once(' ')).map_or("", |(sent, _)| sent);
            let why = format!(
                "WARN an answer was cut off after {sent} of {LENGTH} bytes: the peer took nothing for 1 s; set a longer \
                 write_idle, or uwsgi_max_temp_file_size 0 in nginx"
            );
            assert!(line.trim_start().ends_with(&why), "{name}: {line}");
            // Everything in the file and in buffers reaches the client. That is most of what was sent.
            let sent: u64 = sent.parse().expect("a number");
            assert!((6 << 20..LENGTH).contains(&sent) && came <= sent, "{name}: {sent} were sent, {came} came");
        }
    }
}

/// Reads an answer slowly, then quickly. Returns how many bytes of its body came, and how it ended.
fn download(client: &mut Connection) -> (u64, End) {
    let target = format!("/bytes/{LENGTH}");
    client.send(format!("GET {target} HTTP/1.1\r\nHost: app.example\r\n\r\n").as_bytes()).expect("a request");
    let head = client.head().expect("a head");
    assert_eq!(head.header("content-length"), Some(&*LENGTH.to_string()));
    let (begun, mut came) = (Instant::now(), 0);
    while came < LENGTH {
        let piece = PIECE.min(LENGTH - came);
        match client.bytes(piece) {
            Ok(bytes) => came += bytes.len() as u64,
            Err(error) => return (came, End::Cut(error.to_string())),
        }
        if begun.elapsed() < SLOW {
            // The sleep makes the client slow.
            sleep(BETWEEN);
        }
    }
    (came, End::Whole)
}
