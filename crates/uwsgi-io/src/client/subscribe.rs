//! Announces backends to uWSGI's routers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use uwsgi::Address;
use uwsgi::message::Subscription;

use crate::client::error::{ClientError, ClientErrorKind};

/// Announces to the subscription server of a router that a backend joins or leaves.
///
/// A router does not answer, so success means only that the announcement was sent. If a name has several addresses, it was sent
/// to one of them. If no program listens at a loopback address, this is an error, because the kernel reports it. This waits
/// 20 ms for the report; a busy kernel may be later.
///
/// A router removes a backend that has not joined again for 17 s. uWSGI announces a backend every 10 s.
///
/// ```
/// # use std::net::UdpSocket;
/// use uwsgi::Address;
/// use uwsgi::message::{Subscription, SubscriptionCommand};
///
/// # let router = UdpSocket::bind("127.0.0.1:0")?;
/// # let address = router.local_addr()?.to_string();
/// let join = Subscription::new(SubscriptionCommand::Join, b"example.com", b"127.0.0.1:3031");
/// uwsgi_io::subscribe(Address::parse(&address)?, &join)?;
/// # assert_eq!(router.recv(&mut [0; 4096])?, 4 + 5 + 13 + 9 + 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Encode`](ClientErrorKind::Encode), [`InvalidMessage`](ClientErrorKind::InvalidMessage) for a key or an address that is
/// empty or longer than the 255 bytes that routers have room for, [`DatagramTooLong`](ClientErrorKind::DatagramTooLong),
/// [`Connect`](ClientErrorKind::Connect).
pub fn subscribe(to: Address<'_>, subscription: &Subscription<'_>) -> Result<(), ClientError> {
    let send = || -> Result<(), ClientErrorKind> {
        let mut buffer = Vec::new();
        let bytes = subscription.encode(&mut buffer).map_err(ClientErrorKind::Encode)?;
        subscription.check_names().map_err(ClientErrorKind::InvalidMessage)?;
        if bytes.len() > Subscription::MAX_DATAGRAM {
            return Err(ClientErrorKind::DatagramTooLong { length: bytes.len(), most: Subscription::MAX_DATAGRAM });
        }
        datagram(to, bytes).map_err(ClientErrorKind::Connect)
    };
    send().map_err(|kind| ClientError::new(&to.to_string(), kind))
}

fn datagram(to: Address<'_>, bytes: &[u8]) -> io::Result<()> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    match to.to_connect().map_err(invalid)? {
        Address::Tcp(address) => udp(&[address], bytes),
        Address::Name { host, port } => {
            let addresses: Vec<_> = std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?.collect();
            udp(&addresses, bytes)
        }
        Address::Unix(path) => UnixDatagram::unbound()?.send_to(bytes, path).map(|_| ()),
        #[cfg(target_os = "linux")]
        Address::Abstract(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            UnixDatagram::unbound()?.send_to_addr(bytes, &address).map(|_| ())
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "not an address to send a datagram to")),
    }
}

/// How long to wait for the kernel's report that no program listens at a loopback address. The report usually takes
/// microseconds.
const ICMP_WAIT: Duration = Duration::from_millis(20);

/// Sends to each address in turn, until one succeeds. A router listens on only one address of a name, and the kernel may report
/// that no program listens at the others.
fn udp(addresses: &[SocketAddr], bytes: &[u8]) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match send(address, bytes) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn send(address: &SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    socket.send(bytes)?;
    if address.ip().is_loopback() {
        socket.set_read_timeout(Some(ICMP_WAIT))?;
        match socket.recv(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Err(error),
            // A router does not answer.
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has found something")]
mod tests {
    use super::*;

    /// Returns a router's socket, its address, and an address where no program listens.
    fn router_and_closed_address() -> (UdpSocket, SocketAddr, SocketAddr) {
        let router = UdpSocket::bind("127.0.0.1:0").unwrap();
        router.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let here = router.local_addr().unwrap();
        (router, here, closed)
    }

    #[test]
    fn sends_to_the_first_address_where_a_router_listens() {
        let (router, here, closed) = router_and_closed_address();
        // Nothing listens at this port of IPv6 either, whether the machine has IPv6 or not.
        let six = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), closed.port());
        for addresses in [&[here][..], &[closed, here], &[six, here], &[six, closed, here], &[here, closed]] {
            udp(addresses, b"a datagram").unwrap();
            let mut got = [0; 16];
            let count = router.recv(&mut got).unwrap();
            assert_eq!(got.get(..count), Some(&b"a datagram"[..]), "{addresses:?}");
        }
        assert_eq!(udp(&[six, closed], b"").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(udp(&[], b"").unwrap_err().kind(), io::ErrorKind::NotFound);
        // The datagram is sent once, not to all addresses.
        udp(&[here, here], b"one").unwrap();
        router.recv(&mut [0; 16]).unwrap();
        router.set_nonblocking(true).unwrap();
        assert_eq!(router.recv(&mut [0; 16]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
