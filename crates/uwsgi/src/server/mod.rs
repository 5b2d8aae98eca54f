//! The server side of a connection, without I/O: every decision about what a peer sends and what an application answers.
//!
//! [`admit`] decides about the connection, [`Receive`] about packets and bodies, [`Respond`] about the answer, and [`Ending`]
//! about what follows the answer. They own no buffer and have no clock. The driver gives them bytes and a time, and they return
//! small steps. This loop drives them over a pipe in memory:
//!
//! ```
//! use uwsgi::response::ResponseEncoder;
//! use uwsgi::server::{BodyStep, Ending, HeadStep, Receive, Respond, Settings};
//! use uwsgi::Time;
//!
//! /// Serves one connection: echoes the body. `read` returns no bytes at the end of the stream.
//! fn serve(mut read: impl FnMut() -> Vec<u8>, mut write: impl FnMut(&[u8])) {
//!     let now = || Time::ZERO;
//!     let (mut receive, mut got, mut eof) = (Receive::new(Settings::default(), now()), Vec::new(), false);
//!     loop {
//!         match receive.head(&got, eof, now()) {
//!             HeadStep::Need(_) => { let more = read(); eof = more.is_empty(); got.extend(more); continue }
//!             HeadStep::Pong { .. } => return write(&Receive::PONG),
//!             HeadStep::Refuse(refusal) => return write(refusal.response(false)),
//!             HeadStep::Head { end } => {
//!                 let head: Vec<u8> = got.drain(..end).collect();
//!                 if let Err(refusal) = receive.request(&head) { return write(refusal.response(false)) }
//!             }
//!             HeadStep::Skip { count } => { got.drain(..count); continue }
//!             HeadStep::Close | HeadStep::Message { .. } => return,
//!         }
//!         let (mut respond, mut echo) = (Respond::queued(&receive, now()), Vec::new());
//!         respond.started();
//!         loop {
//!             match receive.body(&got, eof, now()) {
//!                 BodyStep::Need(_) => { let more = read(); eof = more.is_empty(); got.extend(more) }
//!                 BodyStep::Body { skip, take } => echo.extend(got.drain(..skip + take).skip(skip)),
//!                 BodyStep::Fail(refusal) => return write(refusal.response(false)),
//!                 BodyStep::End { .. } => break,
//!             }
//!         }
//!         let (mut head, length) = ([0; 128], echo.len() as u64);
//!         let mut lines = ResponseEncoder::new(&mut head[..], 200, "OK").unwrap();
//!         lines.push_length(length).unwrap();
//!         let lines = lines.finish().unwrap();
//!         respond.head(&lines);
//!         let leaves = respond.body(echo.len()).unwrap();
//!         if respond.finished().unwrap().head || leaves.head {
//!             let lines = lines.as_bytes();
//!             write(&lines[..lines.len() - 2]);
//!             write(respond.head_end());
//!         }
//!         write(&echo[..leaves.take]);
//!         match Ending::of(receive, &respond, now()) { Ending::Next(next) => receive = next, _ => return }
//!     }
//! }
//! # let packet = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000003";
//! # for split in 0..=packet.len() {
//! #     let mut pieces = vec![b"abc".to_vec(), packet[split..].to_vec(), packet[..split].to_vec()];
//! #     pieces.retain(|piece| !piece.is_empty());
//! #     let mut answer = Vec::new();
//! #     serve(|| pieces.pop().unwrap_or_default(), |bytes| answer.extend_from_slice(bytes));
//! #     assert_eq!(answer, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "{}", answer.escape_ascii());
//! # }
//! ```
//!
//! A server over sockets does more. The example `event_loop` of this crate does all of it, without blocking: one thread serves
//! many connections. Its file `connection.rs` is a driver to begin with. `cargo run -p uwsgi --example event_loop` starts it.
//!
//! - **Time.** It asks each machine for its `deadline`, and calls the machine again then. Before that it reads and writes what it
//!   can without waiting, because bytes that have come are not too late.
//! - **Failure.** It writes the response of each [`Refusal`]. If an application fails, it asks [`Respond::failed`] whether a 500
//!   can still leave or the connection must be reset.
//! - **Writes that block.** It tells [`Respond`] when the peer takes nothing ([`blocked`](Respond::blocked)) and when it takes
//!   bytes ([`wrote`](Respond::wrote)). It shows [`Receive::body`] no more bytes than the application asks for, and lets the
//!   application wait while the peer is slow.
//! - **End.** It does what [`Ending`] says: keeps the connection, half-closes and [drains](Drain) it, or resets it.
//! - **Stop.** It accepts no more connections, tells every machine ([`Receive::shut_down`], [`Respond::shut_down`]), and ends
//!   after [`Settings::longest_stop`].

mod allow_list;
mod answer_head;
mod body_clock;
mod checks;
mod connection_end;
mod connection_limit;
mod network;
mod persistence;
mod receive;
mod receive_packet;
mod receive_step;
mod refusal;
mod respond;
mod respond_head;
mod respond_step;
mod respond_time;
mod settings;
mod truncated_answer;

pub use allow_list::{AllowError, AllowList};
pub use body_clock::BodyClock;
pub use connection_end::{Drain, DrainStep, Ending};
pub use connection_limit::{Admission, ConnectionLimit, admit};
pub use network::{InvalidNetwork, Network};
pub use receive::Receive;
pub use receive_step::{BodyStep, HeadStep};
pub use refusal::Refusal;
pub use respond::Respond;
pub use respond_step::{AnswerError, Failure, Leaves, TimeStep};
pub use settings::Settings;
pub use truncated_answer::{Cut, CutLimit};

/// The start of the line that a server logs at DEBUG when the peer has closed the connection before a request or its answer was
/// complete. A peer may do so, and the application is not at fault. The error of the connection follows in the line.
pub const PEER_HAS_GONE: &str = "the peer has gone";
