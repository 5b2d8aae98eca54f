//! A connection after a 101: bytes in both directions, until both have ended.

use core::time::Duration;
use std::io;

use alloc::vec;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uwsgi_tower::upgrade::Upgraded;

use crate::client_io::{LONG_SILENCE, deadline_after, linger};
use crate::proxy::answer::Answering;

/// The backend's side of a connection that was upgraded.
#[derive(Debug)]
pub(crate) struct Tunnel {
    backend: Upgraded,
    /// The request that asked for the upgrade. Its log line is written when the tunnel ends.
    answering: Answering,
}

/// Why a direction ended early.
#[derive(Debug)]
enum Failed {
    Read(io::Error),
    Write(io::Error),
}

/// The bytes of a read.
const PIECE: usize = 16 << 10;

impl Tunnel {
    pub(super) const fn new(backend: Upgraded, answering: Answering) -> Self {
        Self { backend, answering }
    }

    /// Moves bytes until both directions have ended, a read or the client fails, or no byte has come for `idle`. The end of one
    /// direction is passed on, and the other direction goes on. So does the direction to the client if the backend reads no
    /// more: its last bytes may be on their way.
    pub(crate) async fn run(self, client: impl AsyncRead + AsyncWrite + Unpin, read_ahead: Bytes, idle: Duration) {
        let Self { backend, answering: _answering } = self;
        let (mut client_reader, mut client_writer) = split(client);
        let (mut backend_reader, mut backend_writer) = split(backend);
        let (moved, last_move) = watch::channel(Instant::now());
        let both = async {
            tokio::try_join!(
                async {
                    match pass(&mut client_reader, &mut backend_writer, read_ahead, &moved).await {
                        Err(Failed::Write(_)) => Ok(()),
                        passed => passed,
                    }
                },
                pass(&mut backend_reader, &mut client_writer, Bytes::new(), &moved),
            )
        };
        tokio::select! {
            ended = both => {
                if let Err(Failed::Read(error) | Failed::Write(error)) = ended {
                    tracing::debug!("a WebSocket broke off: {error:#}");
                }
            }
            () = silence(last_move, idle) => {
                tracing::info!("a WebSocket had no byte for {idle:?}, and is closed: see --websocket-timeout");
                return;
            }
        }
        // The client may still send what the backend reads no more. A close with unread bytes would be a reset, and the client
        // could lose the backend's last bytes, also if the backend has reset its own connection after them.
        linger(client_reader.unsplit(client_writer), LONG_SILENCE).await;
    }
}

/// Waits until nothing has moved for `idle`.
async fn silence(last_move: watch::Receiver<Instant>, idle: Duration) {
    loop {
        let silent = last_move.borrow().elapsed();
        if silent >= idle {
            return;
        }
        sleep_until(deadline_after(idle.saturating_sub(silent))).await;
    }
}

/// Writes `first` and all that comes, then ends the direction.
async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    first: Bytes,
    moved: &watch::Sender<Instant>,
) -> Result<(), Failed> {
    to.write_all(&first).await.map_err(Failed::Write)?;
    let mut piece = vec![0; PIECE];
    loop {
        let count = from.read(&mut piece).await.map_err(Failed::Read)?;
        moved.send_replace(Instant::now());
        if count == 0 {
            return to.shutdown().await.map_err(Failed::Write);
        }
        let mut rest = piece.get(..count).unwrap_or_default();
        while !rest.is_empty() {
            let written = to.write(rest).await.map_err(Failed::Write)?;
            if written == 0 {
                return Err(Failed::Write(io::ErrorKind::WriteZero.into()));
            }
            rest = rest.get(written..).unwrap_or_default();
            // A slow peer that takes single bytes is not silent.
            moved.send_replace(Instant::now());
        }
    }
}
