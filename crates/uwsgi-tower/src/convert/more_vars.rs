//! Vars to send in addition to those of the request.

use alloc::vec::Vec;

/// Vars that the client sends in addition to those of the request, in an extension of the request. They replace vars of the
/// same name. Use them for `REMOTE_USER`, and for anything else that a front end would set with `uwsgi_param`.
///
/// ```
/// use uwsgi_tower::MoreVars;
///
/// let more = MoreVars::new().with("REMOTE_USER", "alice").with("UWSGI_SCHEME", "https");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MoreVars {
    pub(crate) vars: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MoreVars {
    /// Makes an empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { vars: Vec::new() }
    }

    /// Adds a var. It replaces an earlier one of the same name.
    #[must_use]
    pub fn with(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.vars.retain(|(other, _)| other != key.as_ref());
        self.vars.push((key.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.vars.iter().any(|(other, _)| other == key)
    }
}
