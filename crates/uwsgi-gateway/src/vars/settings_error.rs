//! Why a gateway cannot have its settings.

use core::error::Error;
use core::fmt;

use uwsgi::AddressError;
use uwsgi::write_source;

/// Why a gateway cannot have its settings: they contradict each other, or one is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// [`Forwarding::Append`](crate::Forwarding::Append) without a trusted proxy: there would never be anything to add to.
    AppendWithoutTrustedProxy,
    /// The address of the backend is not one to connect to.
    Backend(AddressError),
    /// The header `Forwarded` is never passed on, so it cannot be a trusted header.
    ForwardedAsTrustedHeader,
    /// A trusted header without a trusted proxy: it would never be passed on.
    TrustedHeaderWithoutTrustedProxy,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backend(_) => "the address of the backend is not valid",
            Self::AppendWithoutTrustedProxy => {
                "X-Forwarded-For can be appended to only if a proxy is trusted, and no proxy is"
            }
            Self::ForwardedAsTrustedHeader => {
                "the header Forwarded is never passed on, so it cannot be a trusted header"
            }
            Self::TrustedHeaderWithoutTrustedProxy => {
                "a trusted header is passed on only from a trusted proxy, and no proxy is trusted"
            }
        })?;
        write_source(self, f)
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Backend(error) => Some(error),
            _ => None,
        }
    }
}
