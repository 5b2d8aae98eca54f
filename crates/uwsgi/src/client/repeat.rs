//! Which requests a client may send again after their connection failed.

/// What is known about a request that got no answer, because its connection was closed or broke.
///
/// A server may close a kept connection just while a request is on its way (RFC 9112 section 9.3.1). A client sends such a
/// request again on a new connection.
///
/// ```
/// use uwsgi::client::{FailedAttempt, is_idempotent};
///
/// let failed = FailedAttempt {
///     connection_was_kept: true,
///     is_repeat: false,
///     bytes_left: true,
///     answer_began: false,
///     body_is_there: true,
///     idempotent: is_idempotent(b"GET"),
///     opted_in: true,
/// };
/// assert!(failed.may_be_repeated());
/// assert!(!FailedAttempt { idempotent: is_idempotent(b"POST"), ..failed }.may_be_repeated());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each is independent of the others")]
#[allow(clippy::exhaustive_structs, reason = "a caller must set every field")]
pub struct FailedAttempt {
    /// The connection carried another request before. If a new connection fails, the server or the request is the reason.
    pub connection_was_kept: bool,
    /// This attempt was the second one.
    pub is_repeat: bool,
    /// A byte of the request has left, so the server may have read it.
    pub bytes_left: bool,
    /// A byte of an answer has come.
    pub answer_began: bool,
    /// The whole body can be sent again: no byte of it was read, or it is in memory, or the request has no body.
    pub body_is_there: bool,
    /// The method is [idempotent](is_idempotent).
    pub idempotent: bool,
    /// The user of the client allows that a request is sent twice.
    pub opted_in: bool,
}

impl FailedAttempt {
    /// Whether the request may be sent again: once, and never after a byte of an answer has come. After a byte of the request
    /// has left, only an idempotent request may be sent again, and only if the user of the client allows it.
    #[must_use]
    pub const fn may_be_repeated(&self) -> bool {
        let is_harmless = !self.bytes_left || (self.idempotent && self.opted_in);
        self.connection_was_kept && !self.is_repeat && !self.answer_began && self.body_is_there && is_harmless
    }
}

/// Whether two requests with this method have the same effect as one (RFC 9110 section 9.2.2). Methods are case-sensitive.
#[must_use]
pub fn is_idempotent(method: &[u8]) -> bool {
    matches!(method, b"DELETE" | b"GET" | b"HEAD" | b"OPTIONS" | b"PUT" | b"TRACE")
}

#[cfg(test)]
mod tests {
    use super::{FailedAttempt, is_idempotent};

    const GET: FailedAttempt = FailedAttempt {
        connection_was_kept: true,
        is_repeat: false,
        bytes_left: true,
        answer_began: false,
        body_is_there: true,
        idempotent: true,
        opted_in: true,
    };
    const POST: FailedAttempt = FailedAttempt { idempotent: false, ..GET };

    #[test]
    fn requests_that_may_be_sent_again() {
        let rows: [(&str, FailedAttempt, bool); 13] = [
            ("a GET, allowed", GET, true),
            ("a GET, not allowed", FailedAttempt { opted_in: false, ..GET }, false),
            ("a GET of which nothing has left", FailedAttempt { opted_in: false, bytes_left: false, ..GET }, true),
            ("a GET for the third time", FailedAttempt { is_repeat: true, ..GET }, false),
            (
                "nothing has left, for the third time",
                FailedAttempt { is_repeat: true, bytes_left: false, ..GET },
                false,
            ),
            ("on a new connection", FailedAttempt { connection_was_kept: false, ..GET }, false),
            ("after a byte of a head", FailedAttempt { answer_began: true, ..GET }, false),
            (
                "after a byte of a head, though nothing has left",
                FailedAttempt { answer_began: true, bytes_left: false, ..GET },
                false,
            ),
            ("a PUT whose body is gone", FailedAttempt { body_is_there: false, ..GET }, false),
            (
                "nothing has left, and the body is gone",
                FailedAttempt { body_is_there: false, bytes_left: false, ..GET },
                false,
            ),
            ("a POST, allowed", POST, false),
            ("a POST of which nothing has left", FailedAttempt { bytes_left: false, ..POST }, true),
            (
                "a POST of which nothing has left, not allowed",
                FailedAttempt { bytes_left: false, opted_in: false, ..POST },
                true,
            ),
        ];
        for (name, failed, may) in rows {
            assert_eq!(failed.may_be_repeated(), may, "{name}");
        }
    }

    #[test]
    fn methods() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert!(is_idempotent(method.as_bytes()), "{method}");
        }
        for method in ["", "POST", "PATCH", "CONNECT", "get", "LOCK", "GETS"] {
            assert!(!is_idempotent(method.as_bytes()), "{method}");
        }
    }
}
