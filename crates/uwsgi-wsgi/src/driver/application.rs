//! What the driver calls. An application of another kind than WSGI implements the same trait.

use crate::driver::connection::Connection;
use crate::driver::wait::Wait;

/// An application on one of its threads.
pub(crate) trait Application: Wait {
    /// Answers the request of a connection. On return the connection [has its answer](Connection::answered).
    fn call(&mut self, connection: &mut Connection);
}
