//! `uwsgictl subscribe`.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use clap::ValueEnum;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use uwsgi::Address;
use uwsgi::Modifier1;
use uwsgi::message::{Subscription, SubscriptionCommand};

use crate::exit::{Failure, Status};
use crate::files;
use crate::options::values;

/// Subscribe to a router of uWSGI, so that it sends the requests for a key to a backend
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A subscription is a datagram without an answer. A router drops a subscription after 17 seconds: --every repeats it until \
Ctrl-C, and then unsubscribes the backend. The router compares keys byte for byte, ports included.

Examples:
  uwsgictl subscribe --to 127.0.0.1:4000 --key example.com \\
      --address 127.0.0.1:3031
  uwsgictl subscribe --to 127.0.0.1:4000 --key example.com \\
      --address /run/app.sock --every 10
  uwsgictl subscribe --to 127.0.0.1:4000 --key example.com \\
      --address 127.0.0.1:3031 --leave")]
pub(crate) struct Args {
    /// Where the router receives subscriptions (UDP, or a Unix socket for datagrams)
    #[arg(long, value_name = "ADDR", value_parser = values::address)]
    to: String,

    /// What the backend serves, in the form that the router uses: a host, host:port, or host/path
    #[arg(long)]
    key: String,

    /// The address at which the router connects to the backend
    #[arg(long, value_name = "ADDR")]
    address: String,

    /// Unsubscribe: the backend no longer serves the key
    #[arg(long, conflicts_with = "every")]
    leave: bool,

    /// Repeat the subscription after this number of seconds until Ctrl-C, then unsubscribe
    #[arg(long, value_name = "SECS", value_parser = values::seconds)]
    every: Option<Duration>,

    /// The backend's share of the requests
    #[arg(long, value_name = "N")]
    weight: Option<u64>,

    /// How many requests the backend serves at once
    #[arg(long, value_name = "N")]
    cores: Option<u64>,

    /// How many requests the backend serves now
    #[arg(long, value_name = "N")]
    load: Option<u64>,

    /// The level as a backup: the backend gets requests if no node of a lower level is left
    #[arg(long, value_name = "LEVEL")]
    backup: Option<u64>,

    /// How requests are shared among the nodes of the key
    #[arg(long, value_enum)]
    algo: Option<Algorithm>,

    /// The modifier1 of the packets that the router sends to the backend: a number, or a name such as wsgi
    #[arg(long, value_name = "N|NAME", value_parser = values::modifier1)]
    modifier1: Option<Modifier1>,

    /// The modifier2 of these packets
    #[arg(long, value_name = "N")]
    modifier2: Option<u8>,

    /// The backend speaks HTTP
    #[arg(long)]
    http: bool,
}

/// How uWSGI's routers choose a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// The nodes in turn, by weight
    Wrr,
    /// The node with the fewest requests
    Lrc,
    /// The node with the fewest requests, by weight
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
    if let Some(why) = files::not_a_socket(&args.to) {
        return Err(Failure::Failed(format!("--to {}: {why}", args.to)));
    }
    let Some(every) = args.every else {
        let command = if args.leave { SubscriptionCommand::Leave } else { SubscriptionCommand::Join };
        return send(args, command).map(|()| Status::Success);
    };
    // The handlers come before the first datagram, so that Ctrl-C cannot end the process without a datagram that unsubscribes.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&stop))
            .map_err(|error| Failure::Failed(format!("cannot wait for Ctrl-C: {error}")))?;
    }
    send(args, SubscriptionCommand::Join)?;
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        // A signal only sets the flag. This loop checks the flag 50 times a second.
        thread::sleep(Duration::from_millis(20));
        if last.elapsed() >= every {
            send(args, SubscriptionCommand::Join)?;
            last = Instant::now();
        }
    }
    send(args, SubscriptionCommand::Leave)?;
    Ok(Status::Success)
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
    let to = to.map_err(|error| Failure::Failed(format!("--to {}: {error}", args.to)))?;
    Ok(uwsgi_io::subscribe(to, &subscription)?)
}
