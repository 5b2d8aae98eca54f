//! `uwsgictl subscribe`.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use clap::ValueEnum;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use uwsgi::Modifier1;
use uwsgi::client::Address;
use uwsgi::message::{Subscription, SubscriptionCommand};

use crate::args;
use crate::output::{Failure, Status};
use crate::quantity;
use crate::to;

/// Subscribe to a router of uWSGI: requests for a key go to a backend
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A subscription is a datagram, and there is no answer. Routers forget one after 17 seconds: --every says it again until Ctrl-C, \
and that the backend leaves in the end. Keys are compared byte for byte, ports included.

Examples:
  uwsgictl subscribe --to 127.0.0.1:4000 --key example.com --address 127.0.0.1:3031
  uwsgictl subscribe --to 127.0.0.1:4000 --key example.com --address /run/app.sock --every 10
  uwsgictl subscribe --to 127.0.0.1:4000 --key example.com --address 127.0.0.1:3031 --leave")]
pub(crate) struct Args {
    /// Where the router takes subscriptions (UDP, or a Unix socket for datagrams)
    #[arg(long, value_name = "ADDR", value_parser = to::address)]
    to: String,

    /// What the backend serves, as the router asks for it: a host, host:port, or host/path
    #[arg(long)]
    key: String,

    /// Where the backend listens, as the router is to connect to it
    #[arg(long, value_name = "ADDR")]
    address: String,

    /// The backend serves the key no longer
    #[arg(long, conflicts_with = "every")]
    leave: bool,

    /// Say it again after so many seconds until Ctrl-C, then leave
    #[arg(long, value_name = "SECS", value_parser = quantity::seconds)]
    every: Option<Duration>,

    /// Its share of the requests
    #[arg(long, value_name = "N")]
    weight: Option<u64>,

    /// How many requests it serves at once
    #[arg(long, value_name = "N")]
    cores: Option<u64>,

    /// How many it serves now
    #[arg(long, value_name = "N")]
    load: Option<u64>,

    /// Its level as a backup: it gets requests when no node of a lower level is left
    #[arg(long, value_name = "LEVEL")]
    backup: Option<u64>,

    /// How requests are shared among the nodes of the key
    #[arg(long, value_enum)]
    algo: Option<Algorithm>,

    /// What the router puts into the packets that it sends there: a number, or a name such as wsgi
    #[arg(long, value_name = "N|NAME", value_parser = args::modifier1)]
    modifier1: Option<Modifier1>,

    /// Likewise
    #[arg(long, value_name = "N")]
    modifier2: Option<u8>,

    /// The backend speaks HTTP
    #[arg(long)]
    http: bool,
}

/// How uWSGI's routers choose a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// In turn, by weight
    Wrr,
    /// The one with the fewest requests
    Lrc,
    /// The same, by weight
    Wlrc,
    /// By the client's address
    Iphash,
}

impl Algorithm {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Wrr => b"wrr",
            Self::Lrc => b"lrc",
            Self::Wlrc => b"wlrc",
            Self::Iphash => b"iphash",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    let Some(every) = args.every else {
        let command = if args.leave { SubscriptionCommand::Leave } else { SubscriptionCommand::Join };
        return send(args, command).map(|()| Status::Done);
    };
    // Before anything is said that would have to be taken back.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Failure::Refused(format!("cannot wait for Ctrl-C: {error}")))?;
    }
    send(args, SubscriptionCommand::Join)?;
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
        if last.elapsed() >= every {
            send(args, SubscriptionCommand::Join)?;
            last = Instant::now();
        }
    }
    send(args, SubscriptionCommand::Leave)?;
    Ok(Status::Done)
}

fn send(args: &Args, command: SubscriptionCommand) -> Result<(), Failure> {
    let mut subscription = Subscription::new(command, args.key.as_bytes(), args.address.as_bytes());
    subscription.modifier1 = args.modifier1;
    subscription.modifier2 = args.modifier2;
    subscription.cores = args.cores;
    subscription.load = args.load;
    subscription.weight = args.weight;
    subscription.backup = args.backup;
    subscription.algo = args.algo.map(Algorithm::name);
    subscription.proto = args.http.then_some(b"http");
    let to = Address::parse(&args.to).and_then(Address::to_connect);
    let to = to.map_err(|error| Failure::Refused(format!("--to {}: {error}", args.to)))?;
    Ok(uwsgi_io::subscribe(to, &subscription)?)
}
