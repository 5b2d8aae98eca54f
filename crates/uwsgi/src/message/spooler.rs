//! Tasks that the spooler does later (core/spooler.c, uWSGI 2.0).

use crate::message::error::MessageError;
use crate::message::fields::{expect_modifier1, number};
use crate::wire::buffer::Buffer;
use crate::wire::error::EncodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// A task for the spooler: pairs, some of which are for the spooler itself.
///
/// Over the network a task has no body. On disk a task is a file: the same packet, and then a body up to the end of the file.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::SpoolTask;
///
/// let (packet, _) = Packet::decode(b"\x11\x0e\x00\x00\x05\x00hello\x05\x00world")?;
/// let task = SpoolTask::decode(&packet)?;
/// assert_eq!(task.vars().get("hello"), Some(&b"world"[..]));
/// assert_eq!(task.at()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpoolTask<'a> {
    vars: Vars<'a>,
}

impl<'a> SpoolTask<'a> {
    /// Makes a task of these pairs.
    #[must_use]
    pub const fn new(vars: Vars<'a>) -> Self {
        Self { vars }
    }

    /// Decodes a packet; its modifier2 does not count, as in uWSGI.
    ///
    /// uWSGI 2.0 accepts malformed pairs and queues the pairs before them. This function refuses them.
    ///
    /// # Errors
    ///
    /// [`MessageError::Modifier1`] or [`MessageError::Decode`].
    pub fn decode(packet: &Packet<'a>) -> Result<Self, MessageError> {
        expect_modifier1(packet, Modifier1::SPOOLER)?;
        Ok(Self { vars: packet.vars()? })
    }

    /// Returns all pairs, with those for the spooler itself.
    #[must_use]
    pub const fn vars(&self) -> Vars<'a> {
        self.vars
    }

    /// Returns `spooler`: the directory, or the number, of the spooler to use.
    #[must_use]
    pub fn spooler(&self) -> Option<&'a [u8]> {
        self.vars.get("spooler")
    }

    /// Returns `priority`: a directory inside the spooler's directory. Check
    /// [`priority_stays_inside`](Self::priority_stays_inside).
    #[must_use]
    pub fn priority(&self) -> Option<&'a [u8]> {
        self.vars.get("priority")
    }

    /// Whether `priority` names a directory directly inside the spooler's directory, or is absent.
    ///
    /// uWSGI 2.0 does not check this: `../x` is outside the spooler's directory.
    #[must_use]
    pub fn priority_stays_inside(&self) -> bool {
        self.priority()
            .is_none_or(|name| !matches!(name, b"" | b"." | b"..") && !name.iter().any(|b| matches!(b, b'/' | 0)))
    }

    /// Returns `at`: the Unix time in seconds before which the task must not run.
    ///
    /// # Errors
    ///
    /// [`MessageError::Invalid`] if it is not a decimal number. uWSGI 2.0 reads the digits before the first other byte.
    pub fn at(&self) -> Result<Option<u64>, MessageError> {
        number(self.vars, "at")
    }

    /// Writes the packet.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::BufferFull`](crate::EncodeErrorKind::BufferFull) or
    /// [`DatasizeTooLarge`](crate::EncodeErrorKind::DatasizeTooLarge).
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        Packet::new(Modifier1::SPOOLER, 0, self.vars.as_bytes())?.encode(buffer)
    }
}
