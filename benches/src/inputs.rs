//! The inputs: packets as nginx sends them, two extremes that fill a block, and the same requests as HTTP text.

/// One request, as a uwsgi packet and as the HTTP text that a front end would have got.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// A short name, for the table.
    pub name: &'static str,
    /// The packet: a header and its block.
    pub packet: &'static [u8],
    /// The request as HTTP/1.1 text; `None` where no HTTP request has these vars.
    pub http: Option<&'static [u8]>,
    /// The number of vars in the block.
    pub vars: usize,
}

impl Input {
    /// Returns the length of the block in bytes.
    pub fn datasize(&self) -> usize {
        self.packet.len() - 4
    }
}

/// Returns a small GET through nginx 1.22: 16 vars.
pub fn small() -> Input {
    Input {
        name: "small",
        packet: include_bytes!("../../tests/vectors/nginx/get.bin"),
        http: Some(SMALL_HTTP.as_bytes()),
        vars: 16,
    }
}

/// Returns the request of a browser through nginx 1.22: 22 vars.
pub fn browser() -> Input {
    Input {
        name: "browser",
        packet: include_bytes!("../../tests/vectors/nginx/get-browser.bin"),
        http: Some(BROWSER_HTTP.as_bytes()),
        vars: 22,
    }
}

/// Returns a GET with 100 further headers through nginx 1.22: 116 vars.
pub fn headers_100() -> Input {
    let mut http = String::from("GET /many HTTP/1.1\r\nHost: lab.test\r\nUser-Agent: lab/1\r\nAccept: */*\r\n");
    for n in 0..100 {
        http.push_str(&format!("X-Header-{n:03}: value {}\r\n", n * n));
    }
    http.push_str("\r\n");
    Input {
        name: "100 headers",
        packet: include_bytes!("../../tests/vectors/nginx/headers-100.bin"),
        http: Some(http.into_bytes().leak()),
        vars: 116,
    }
}

/// Returns the largest block with few vars: the small GET and three cookies that fill the packet.
pub fn big_values() -> Input {
    const KEY: &[u8] = b"HTTP_COOKIE";
    let mut packet = small().packet.to_vec();
    let mut http = SMALL_HTTP.trim_end().as_bytes().to_vec();
    let room = 4 + usize::from(u16::MAX) - packet.len() - 3 * (KEY.len() + 4);
    for len in [room / 3, room / 3, room - room / 3 * 2] {
        let cookie: Vec<u8> = b"session=0123456789abcdef; ".iter().copied().cycle().take(len).collect();
        push(&mut packet, KEY, &cookie);
        http.extend_from_slice(b"\r\nCookie: ");
        http.extend_from_slice(&cookie);
    }
    http.extend_from_slice(b"\r\n\r\n");
    finish(&mut packet);
    Input { name: "64 KiB, 19 vars", packet: packet.leak(), http: Some(http.leak()), vars: 19 }
}

/// Returns the largest block with the most vars: keys of one byte, empty values.
pub fn most_vars() -> Input {
    let mut packet = vec![0; 4];
    let mut vars = 0;
    for key in (b'A'..=b'Z').cycle().take(usize::from(u16::MAX) / 5) {
        push(&mut packet, &[key], b"");
        vars += 1;
    }
    finish(&mut packet);
    Input { name: "64 KiB, 13107 vars", packet: packet.leak(), http: None, vars }
}

/// Returns a packet of `count` headers with different names. The names have three letters, so that 5,000 fit into a block.
pub fn names(count: usize) -> &'static [u8] {
    const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut packet = vec![0; 4];
    for number in 0..count {
        let letters = [number / 36 / 36, number / 36 % 36, number % 36].map(|digit| LETTERS[digit]);
        push(&mut packet, &[b"HTTP_", &letters[..]].concat(), b"x");
    }
    finish(&mut packet);
    packet.leak()
}

/// Returns all inputs, from the smallest to the extremes.
pub fn all() -> [Input; 5] {
    [small(), browser(), headers_100(), big_values(), most_vars()]
}

/// Returns the head of an application's answer: a status line and six headers.
pub fn answer_head() -> &'static [u8] {
    ANSWER_HEAD.as_bytes()
}

/// Returns the head of an answer of `len` bytes, a multiple of 64: a status line, then lines of 64 bytes each. The last line
/// is two bytes shorter, and the empty line takes these two bytes.
pub fn long_answer_head(len: usize) -> &'static [u8] {
    let mut head = String::from("HTTP/1.1 200 OK\r\n");
    while head.len() < len {
        let line_end = head.len() / 64 * 64 + 64;
        let line_end = if line_end == len { len - 4 } else { line_end - 2 };
        head.push_str(&format!("X-Header-{:03}: ", head.len() / 64));
        while head.len() < line_end {
            head.push(if head.len() % 8 == 0 { ' ' } else { 'v' });
        }
        head.push_str(if line_end == len - 4 { "\r\n\r\n" } else { "\r\n" });
    }
    head.into_bytes().leak()
}

/// Returns the pairs of a packet, for encoding.
pub fn pairs_of(input: Input) -> Vec<(&'static [u8], &'static [u8])> {
    let (packet, _) = uwsgi::Packet::decode(input.packet).expect("the inputs are well formed");
    packet.vars().expect("the inputs are well formed").iter().collect()
}

fn push(packet: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    for piece in [key, value] {
        let len = u16::try_from(piece.len()).expect("a length of 16 bits");
        packet.extend_from_slice(&len.to_le_bytes());
        packet.extend_from_slice(piece);
    }
}

fn finish(packet: &mut [u8]) {
    let datasize = u16::try_from(packet.len() - 4).expect("a datasize of 16 bits");
    packet[1..3].copy_from_slice(&datasize.to_le_bytes());
}

/// The request of `tests/vectors/nginx/get.json`.
const SMALL_HTTP: &str = "GET /hello?x=1&y=2 HTTP/1.1\r\nHost: lab.test\r\nUser-Agent: lab/1\r\nAccept: */*\r\n\r\n";

/// The request of `tests/vectors/nginx/get-browser.json`.
const BROWSER_HTTP: &str = "GET /app/page?id=42 HTTP/1.1\r\n\
    Host: lab.test\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: max-age=0\r\n\
    sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: sessionid=0123456789abcdef0123456789abcdef\r\n\
    \r\n";

/// The head that the application of a web framework sends.
const ANSWER_HEAD: &str = "HTTP/1.1 200 OK\r\n\
    Date: Fri, 20 Nov 2026 14:30:00 GMT\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Length: 14853\r\n\
    Cache-Control: private, max-age=0, must-revalidate\r\n\
    Set-Cookie: sessionid=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; SameSite=Lax\r\n\
    ETag: \"5f3a1c9e7b2d4a60\"\r\n\
    \r\n";

#[cfg(test)]
mod tests {
    use uwsgi::Limits;
    use uwsgi::Time;
    use uwsgi::server::Settings;

    use super::*;
    use crate::{ours, rivals};

    #[test]
    fn the_texts_are_those_of_the_vectors() {
        let recorded = [
            (small(), include_str!("../../tests/vectors/nginx/get.json")),
            (browser(), include_str!("../../tests/vectors/nginx/get-browser.json")),
            (headers_100(), include_str!("../../tests/vectors/nginx/headers-100.json")),
        ];
        for (input, json) in recorded {
            let text = str::from_utf8(input.http.unwrap()).unwrap();
            let request = format!("\"request\": \"{}\"", text.escape_default());
            // JSON does not escape an apostrophe.
            assert!(json.contains(&request.replace("\\'", "'")), "{}", input.name);
        }
    }

    #[test]
    fn both_sides_count_the_same_vars() {
        for input in all() {
            assert_eq!(ours::decode(input.packet), Ok(input.vars), "{}", input.name);
            assert_eq!(rivals::two_splits(input.packet), Ok(input.vars), "{}", input.name);
            assert_eq!(rivals::four_splits(input.packet), Ok(input.vars), "{}", input.name);
            assert_eq!(rivals::positions(input.packet), Ok(input.vars), "{}", input.name);
            // SAFETY: the lines above have validated the packet.
            assert_eq!(unsafe { rivals::unchecked_walk(input.packet) }, input.vars, "{}", input.name);
        }
        assert_eq!((small().datasize(), browser().datasize()), (355, 767));
        assert_eq!((big_values().datasize(), most_vars().datasize()), (65535, 65535));
    }

    #[test]
    fn all_names_differ() {
        for count in [10, 100, 1000, 5000] {
            let (packet, _) = uwsgi::Packet::decode(names(count)).unwrap();
            let request = uwsgi::Request::decode(&packet).unwrap();
            let keys: std::collections::HashSet<_> = request.vars().iter().map(|(key, _)| key).collect();
            assert_eq!((keys.len(), ours::headers(&request)), (count, count));
        }
    }

    #[test]
    fn both_sides_see_the_same_request() {
        let settings = Settings::default();
        for input in [small(), browser(), headers_100()] {
            let bare = ours::checked_request(input.packet, &Limits::server()).unwrap();
            let received = ours::receive(&settings, Time::ZERO, input.packet).unwrap();
            assert_eq!(received.vars(), bare.vars(), "{}", input.name);
            assert_eq!(received.vars().len(), input.vars, "{}", input.name);
        }
    }

    #[test]
    fn both_sides_read_the_same_answer() {
        for (head, lines) in [(answer_head(), 6), (long_answer_head(1024), 16)] {
            let response = ours::exchange(head).unwrap();
            assert_eq!((response.status(), response.len()), (200, lines));
            assert_eq!(rivals::httparse_response(head), Some((200, lines, head.len())));
        }
        assert_eq!(ours::exchange(answer_head()).unwrap().content_length(), Some(14853));
        for len in [1024, 8192] {
            let head = long_answer_head(len);
            assert_eq!(head.len(), len);
            assert_eq!(ours::exchange_byte_by_byte(head).map(|response| response.len()), Some(len / 64));
            assert!(head.chunks(64).all(|line| line.ends_with(b"\r\n")));
        }
    }

    #[test]
    fn the_plain_loops_refuse_what_we_refuse() {
        let whole = small().packet;
        for len in 4..whole.len() {
            // Every prefix of the block is a block of its own. A prefix that ends between two pairs is well formed.
            let mut packet = whole[..len].to_vec();
            finish(&mut packet);
            let ours = ours::decode(&packet).map_err(|error| error.offset());
            for plain in [rivals::two_splits, rivals::four_splits, rivals::positions] {
                assert_eq!(plain(&packet).map_err(|error| error.offset), ours, "{len} bytes");
            }
        }
        let empty_key = b"\0\x05\0\0\0\0\x01\0A";
        for plain in [rivals::two_splits, rivals::four_splits, rivals::positions] {
            assert_eq!(plain(empty_key).map_err(|error| error.offset), Err(4));
            assert!(plain(&whole[..whole.len() - 1]).is_err());
        }
    }
}
