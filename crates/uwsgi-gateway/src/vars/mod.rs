//! Turns requests of HTTP into vars.

/// How requests become vars.
#[derive(Debug, Clone, Default)]
pub struct Translation {}

impl Translation {
    /// Makes the default translation.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}
