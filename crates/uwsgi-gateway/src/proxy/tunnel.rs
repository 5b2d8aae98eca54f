//! A connection after a 101: bytes in both directions, until both have ended.

use core::time::Duration;
use std::io;

use alloc::vec;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uwsgi_tower::upgrade::Upgraded;

use crate::client_io::after;
use crate::proxy::answer::Answering;

/// The backend's side of a connection that was upgraded.
#[derive(Debug)]
pub(crate) struct Tunnel {
    backend: Upgraded,
    /// The request that asked for the upgrade. Its log line is written when the tunnel ends.
    answering: Answering,
}

/// The bytes of a read.
const PIECE: usize = 16 << 10;

impl Tunnel {
    pub(super) const fn new(backend: Upgraded, answering: Answering) -> Self {
        Self { backend, answering }
    }

    /// Moves bytes until both directions have ended, one of them fails, or no byte has come for `idle`. The end of one
    /// direction is passed on, and the other direction goes on.
    pub(crate) async fn run(self, client: impl AsyncRead + AsyncWrite, read_ahead: Bytes, idle: Duration) {
        let Self { backend, answering: _answering } = self;
        let (client_reader, client_writer) = split(client);
        let (backend_reader, backend_writer) = split(backend);
        let (moved, last_move) = watch::channel(Instant::now());
        let both = async {
            tokio::try_join!(
                pass(client_reader, backend_writer, read_ahead, &moved),
                pass(backend_reader, client_writer, Bytes::new(), &moved),
            )
        };
        tokio::select! {
            ended = both => {
                if let Err(error) = ended {
                    tracing::debug!("a WebSocket broke off: {error}");
                }
            }
            () = silence(last_move, idle) => {
                tracing::info!("a WebSocket had no byte for {idle:?}, and is closed: see --websocket-timeout");
            }
        }
    }
}

/// Waits until nothing has moved for `idle`.
async fn silence(last_move: watch::Receiver<Instant>, idle: Duration) {
    loop {
        let silent = last_move.borrow().elapsed();
        if silent >= idle {
            return;
        }
        sleep_until(after(idle.saturating_sub(silent))).await;
    }
}

/// Writes `first` and all that comes, then ends the direction.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    first: Bytes,
    moved: &watch::Sender<Instant>,
) -> io::Result<()> {
    to.write_all(&first).await?;
    let mut piece = vec![0; PIECE];
    loop {
        let count = from.read(&mut piece).await?;
        moved.send_replace(Instant::now());
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(piece.get(..count).unwrap_or_default()).await?;
        moved.send_replace(Instant::now());
    }
}
