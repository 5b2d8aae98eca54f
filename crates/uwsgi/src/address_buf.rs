//! Addresses that own their text.

use core::fmt;
use core::str::FromStr;

use alloc::string::{String, ToString};

use crate::address::{Address, AddressError};

/// An [`Address`] that owns its text, for settings and command lines.
///
/// ```
/// use uwsgi::{Address, AddressBuf};
///
/// let address: AddressBuf = "unix:/run/app.sock".parse()?;
/// assert_eq!(address.as_address(), Address::Unix("/run/app.sock"));
/// assert_eq!(address.to_string(), "unix:/run/app.sock");
/// # Ok::<(), uwsgi::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AddressBuf {
    parts: Parts,
}

/// The variants of [`Address`], with their own texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Parts {
    Abstract(String),
    Name(String, u16),
    Unix(String),
    /// A variant without a text.
    WithoutText(Address<'static>),
}

impl AddressBuf {
    /// Returns the address, borrowed.
    #[must_use]
    pub fn as_address(&self) -> Address<'_> {
        match &self.parts {
            Parts::Abstract(name) => Address::Abstract(name),
            Parts::Name(host, port) => Address::Name { host, port: *port },
            Parts::Unix(path) => Address::Unix(path),
            Parts::WithoutText(address) => *address,
        }
    }
}

impl From<Address<'_>> for AddressBuf {
    fn from(address: Address<'_>) -> Self {
        let parts = match address {
            Address::Abstract(name) => Parts::Abstract(name.to_string()),
            Address::Fd(number) => Parts::WithoutText(Address::Fd(number)),
            Address::Name { host, port } => Parts::Name(host.to_string(), port),
            Address::Tcp(address) => Parts::WithoutText(Address::Tcp(address)),
            Address::Unix(path) => Parts::Unix(path.to_string()),
        };
        Self { parts }
    }
}

impl FromStr for AddressBuf {
    type Err = AddressError;

    /// Does what [`Address::parse`] does.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Address::parse(text).map(Self::from)
    }
}

/// Prints what [`Address::parse`] reads.
impl fmt::Display for AddressBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_address().fmt(f)
    }
}
