//! The gateway between the bytes of a client and a scripted backend, in memory.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};
use uwsgi::framing::RequestFraming;
use uwsgi::{Header, Packet, Request};
use uwsgi_gateway::{FrontAddresses, Gateway, Settings};
use uwsgi_tower::Client;

/// The first byte chooses the settings: its bit 1 streams bodies, bit 2 streams answers, bit 4 sets a small limit on bodies. Its
/// high half chooses what the backend answers. The second byte counts the piece sizes that follow it. The other bytes are what
/// a client sends; then it waits until the gateway closes.
///
/// Oracle: the backend gets the same requests from the pieces as from the whole, and the client the same statuses. Each request
/// is whole, decodes, declares exactly the length of its body, and has no var that could be mistaken for another. Each answer of
/// the backend reaches the client at most once and in order, so no request was sent twice.
pub fn gateway(input: &[u8]) {
    let [flags, count, rest @ ..] = input else { return };
    let (sizes, sent) = rest.split_at(usize::from(count & 15).min(rest.len()));
    let whole = talk(*flags, &[sent]);
    let mut pieces = Vec::new();
    let mut left = sent;
    for size in sizes.iter().cycle().take(if sizes.is_empty() { 0 } else { 512 }) {
        let (piece, after) = left.split_at(usize::from(*size).saturating_add(1).min(left.len()));
        pieces.push(piece);
        left = after;
    }
    pieces.push(left);
    let split = talk(*flags, &pieces);
    assert_eq!(whole.requests, split.requests, "the requests of the whole and of the pieces");
    let (mut statuses, mut of_pieces) = (whole.statuses(), split.statuses());
    // If a head has come in part, hyper 1.12 reads it again only when its end is there (src/proto/h1/io.rs,
    // `is_complete_fast`). An invalid head without an end then closes after the time for heads, or is too long at last.
    if statuses.ends_with(&[b"400"]) && statuses != of_pieces {
        statuses.pop();
        if of_pieces.len() > statuses.len() && of_pieces.ends_with(&[b"431"]) {
            of_pieces.pop();
        }
    }
    assert_eq!(statuses, of_pieces, "the statuses of the whole and of the pieces");
}

/// The answers of the backend, of which the flags choose one. The client can tell them apart by their number.
const ANSWERS: [&str; 8] = [
    "HTTP/1.1 200 OK\r\nX-Number: @\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nX-Number: @\r\n\r\nto the close",
    "HTTP/1.1 200 OK\r\nX-Number: @\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nX-Number: @\r\n\r\n",
    "Status: 302 Found\r\nX-Number: @\r\nLocation: /\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-Number: @\r\nX-Accel-Buffering: no\r\n\r\nlate",
    "HTTP/1.1 101 Switching Protocols\r\nX-Number: @\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Number: @\r\nContent-Length: 9\r\n\r\ncut off",
];

/// The vars of a request without its id, and its body.
type Received = (Vec<Vec<u8>>, Vec<u8>);

/// What the backend and the client got.
#[derive(Debug, Default)]
struct Talk {
    requests: Vec<Received>,
    answers: Vec<u8>,
}

impl Talk {
    /// Returns the statuses of the answers, which are found by what no body of an answer has.
    fn statuses(&self) -> Vec<&[u8]> {
        let lines = self.answers.split(|byte| *byte == b'\n');
        lines.filter_map(|line| line.strip_prefix(b"HTTP/1.1 ")?.get(..3)).collect()
    }

    /// Returns the numbers of the backend's answers that reached the client.
    fn numbers(&self) -> Vec<usize> {
        let lines = self.answers.split(|byte| *byte == b'\n');
        let numbers = lines.filter_map(|line| line.strip_prefix(b"x-number: "));
        numbers.map(|number| std::str::from_utf8(number).unwrap().trim().parse().unwrap()).collect()
    }
}

/// Has a client send the pieces, and wait until the gateway closes.
fn talk(flags: u8, pieces: &[&[u8]]) -> Talk {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let talk = runtime.block_on(async {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let for_backend = Arc::clone(&requests);
        let client = Client::new("127.0.0.1:1").unwrap().with_connector(move || {
            let (near, far) = duplex(1 << 20);
            let requests = Arc::clone(&for_backend);
            tokio::spawn(async move { serve(far, flags, &requests).await });
            async { Ok::<_, io::Error>(near) }
        });
        let mut settings = Settings::new("127.0.0.1:1").unwrap();
        settings = settings.with_streamed_bodies(flags & 1 != 0).with_streamed_answers(flags & 2 != 0);
        if flags & 4 != 0 {
            settings = settings.with_max_body(10);
        }
        let server = Gateway::with_client(settings, client).unwrap().into_connection_server();
        let (near, far) = duplex(1 << 20);
        let addresses = FrontAddresses::tcp("192.0.2.1:1025".parse().unwrap(), "192.0.2.2:80".parse().unwrap());
        tokio::spawn(async move { server.serve(far, addresses).await });
        let answers = read_answers(near, pieces).await;
        let requests = std::mem::take(&mut *requests.lock().unwrap());
        Talk { requests, answers }
    });
    let numbers = talk.numbers();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "answers come once and in order: {numbers:?}");
    assert!(numbers.len() <= talk.requests.len());
    talk
}

async fn read_answers(client: DuplexStream, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut reader, mut writer) = split(client);
    let read = async {
        let mut answers = Vec::new();
        // A broken connection is an end too.
        let _ = timeout(Duration::from_secs(7200), reader.read_to_end(&mut answers)).await.expect("the gateway closes");
        answers
    };
    let write = async {
        for piece in pieces {
            if writer.write_all(piece).await.is_err() {
                break;
            }
            // The time is paused: this lets all other tasks run until they wait.
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::join!(read, write).0
}

/// Serves one request of the gateway.
async fn serve(mut connection: DuplexStream, flags: u8, requests: &Mutex<Vec<Received>>) {
    let mut packet = vec![0; Header::LEN];
    if connection.read_exact(&mut packet).await.is_err() {
        return;
    }
    let (header, _) = Header::decode(&packet).unwrap();
    packet.resize(Header::LEN + usize::from(header.datasize), 0);
    connection.read_exact(&mut packet[Header::LEN..]).await.expect("the gateway sends whole packets");
    let (packet, _) = Packet::decode(&packet).unwrap();
    let request = Request::decode(&packet).unwrap();
    let RequestFraming::Length(length) = request.body_framing().unwrap() else { panic!("a request without a length") };
    let mut body = vec![0; usize::try_from(length).unwrap()];
    if connection.read_exact(&mut body).await.is_err() {
        // A streamed body may break off.
        assert!(flags & 1 != 0, "a body that was read whole breaks off");
        return;
    }
    let vars = packet.vars().unwrap();
    for key in ["HTTP_PROXY", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH", "HTTP_EXPECT", "HTTP_TE"] {
        assert!(vars.get(key).is_none(), "{key} reached the backend");
    }
    assert_eq!(vars.get_all("CONTENT_LENGTH").count(), 1);
    let is_id = |pair: &[u8]| pair.starts_with(b"HTTP_X_REQUEST_ID=");
    let pairs = vars.iter().map(|(key, value)| [key, b"=", value].concat()).filter(|pair| !is_id(pair)).collect();
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push((pairs, body));
        requests.len()
    };
    let answer = ANSWERS[usize::from(flags >> 4) % ANSWERS.len()].replace('@', &number.to_string());
    let _ = connection.write_all(answer.as_bytes()).await;
    let _ = connection.shutdown().await;
    // The tunnel of a 101 ends when the client ends it.
    let _ = connection.read_to_end(&mut Vec::new()).await;
}
