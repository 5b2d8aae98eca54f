//! A thread of a gateway, with its runtime.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;

use alloc::sync::Arc;
use rustix::net::{getpeername, getsockname};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::task::coop::consume_budget;
use tokio::time::sleep_until;
use uwsgi_server::Listener;
use uwsgi_tower::Stop;

use crate::client_io::{ClientSocket, deadline_after};
use crate::proxy::Proxy;
use crate::server::acceptor::{Accepted, Acceptor};
use crate::server::connection::serve;
use crate::server::tracker::{ConnectionSlot, ConnectionTracker};
use crate::vars::FrontAddresses;

/// Sends connections to a thread.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionSender {
    connections: mpsc::UnboundedSender<(Accepted, ConnectionSlot)>,
    /// How many connections the thread serves.
    load: Arc<AtomicUsize>,
}

/// A thread of a gateway.
#[derive(Debug)]
pub(crate) struct Worker {
    connections: mpsc::UnboundedReceiver<(Accepted, ConnectionSlot)>,
    /// The index of this thread in the list of all.
    index: usize,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) tracker: Arc<ConnectionTracker>,
    pub(crate) stop: Stop,
}

/// A thread of a gateway that has all descriptors that it needs.
#[derive(Debug)]
pub(crate) struct ReadyWorker {
    worker: Worker,
    acceptors: Vec<Acceptor>,
    runtime: Runtime,
}

impl ReadyWorker {
    /// Accepts and serves connections until a stop, and then until all have ended or the time for that is over.
    pub(crate) fn run(self, listeners: Arc<[Listener]>, workers: &Arc<[ConnectionSender]>) {
        let Self { worker, acceptors, runtime } = self;
        runtime.block_on(worker.serve(acceptors, listeners, workers));
        // What still runs is cut off.
        runtime.shutdown_background();
    }
}

impl Worker {
    /// Makes a thread's state, and the sender of its connections.
    pub(crate) fn new(
        index: usize,
        proxy: Arc<Proxy>,
        tracker: Arc<ConnectionTracker>,
        stop: Stop,
    ) -> (Self, ConnectionSender) {
        let (sender, connections) = mpsc::unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let sender = ConnectionSender { connections: sender, load };
        (Self { connections, index, proxy, tracker, stop }, sender)
    }

    /// Takes all descriptors that the thread needs. No thread may accept before all have theirs, or else its connections could
    /// use up the descriptors of the others.
    ///
    /// # Errors
    ///
    /// The system cannot make a runtime, or cannot watch a listener.
    pub(crate) fn prepare(self, listeners: &[Listener]) -> io::Result<ReadyWorker> {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(16).build()?;
        let entered = runtime.enter();
        let acceptor = |listener: &Listener| Acceptor::new(listener, self.stop.clone());
        let acceptors = listeners.iter().map(acceptor).collect::<io::Result<_>>()?;
        drop(entered);
        Ok(ReadyWorker { worker: self, acceptors, runtime })
    }

    async fn serve(mut self, acceptors: Vec<Acceptor>, listeners: Arc<[Listener]>, workers: &Arc<[ConnectionSender]>) {
        let mut accepting = JoinSet::new();
        for acceptor in acceptors {
            let (tracker, stop) = (Arc::clone(&self.tracker), self.stop.clone());
            accepting.spawn(distribute(acceptor, tracker, stop, self.index, Arc::clone(workers)));
        }
        let mut connections = JoinSet::new();
        let stop = self.stop.clone();
        let mut asked = core::pin::pin!(stop.asked());
        loop {
            tokio::select! {
                accepted = self.connections.recv() => {
                    if let Some((accepted, slot)) = accepted {
                        self.start(accepted, slot, &mut connections);
                    }
                }
                Some(_) = connections.join_next() => {}
                // An acceptor ends only after a stop, or by a panic.
                Some(_) = accepting.join_next() => {
                    self.stop.ask();
                    break;
                }
                () = &mut asked => break,
            }
        }
        self.finish(listeners, accepting, connections).await;
    }

    /// Finishes what began before the stop, within the time for that.
    async fn finish(mut self, listeners: Arc<[Listener]>, mut accepting: JoinSet<()>, mut connections: JoinSet<()>) {
        let limit = deadline_after(self.proxy.settings().timeouts.stop);
        let all = async {
            // The acceptors take the connections that wait, and end.
            while accepting.join_next().await.is_some() {}
            // The last thread that does this closes the listeners.
            drop(listeners);
            self.connections.close();
            while let Some((accepted, slot)) = self.connections.recv().await {
                self.start(accepted, slot, &mut connections);
            }
            while connections.join_next().await.is_some() {}
        };
        tokio::select! {
            () = all => {}
            () = sleep_until(limit) => tracing::warn!("requests are cut off: the time to finish them is over"),
        }
    }

    fn start(&self, accepted: Accepted, slot: ConnectionSlot, connections: &mut JoinSet<()>) {
        let Ok((socket, addresses)) = register(accepted) else { return };
        let (proxy, stop) = (Arc::clone(&self.proxy), self.stop.clone());
        connections.spawn(async move {
            serve(proxy, socket, ClientSocket::close_with_reset, addresses, slot.is_refused(), stop).await;
            drop(slot);
        });
    }
}

/// Registers a connection in the runtime of this thread.
fn register(accepted: Accepted) -> io::Result<(ClientSocket, FrontAddresses)> {
    let Accepted { descriptor, is_tcp } = accepted;
    if !is_tcp {
        return Ok((ClientSocket::unix(descriptor)?, FrontAddresses::unix()));
    }
    // A client that has reset the connection has no address any more.
    let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let peer = SocketAddr::try_from(getpeername(&descriptor)?.unwrap_or_else(|| unknown.into())).unwrap_or(unknown);
    let local = SocketAddr::try_from(getsockname(&descriptor)?).unwrap_or(unknown);
    Ok((ClientSocket::tcp(descriptor)?, FrontAddresses::tcp(peer, local)))
}

/// Accepts connections, and gives each to the thread that serves the fewest; to this one if it serves no more than others.
///
/// Without a permit a connection waits, and the next ones wait in the queue of the kernel. After a stop those that wait there are
/// taken at once, since no others come.
async fn distribute(
    mut acceptor: Acceptor,
    tracker: Arc<ConnectionTracker>,
    stop: Stop,
    index: usize,
    workers: Arc<[ConnectionSender]>,
) {
    let load = |worker: &ConnectionSender| worker.load.load(Ordering::Relaxed);
    let Some(own) = workers.get(index) else { return };
    while let Some(accepted) = acceptor.accept().await {
        let permit = tokio::select! {
            biased;
            permit = tracker.permit() => permit,
            () = stop.asked() => None,
        };
        let least = workers.iter().min_by_key(|worker| load(worker)).filter(|least| load(least) < load(own));
        let worker = least.unwrap_or(own);
        if let Some(slot) = tracker.add(&worker.load, permit) {
            // A thread that stops takes no more connections.
            if let Err(returned) = worker.connections.send((accepted, slot)) {
                let _ = own.connections.send(returned.0);
            }
        }
        // Other tasks must run too while connections come without end.
        consume_budget().await;
    }
}
