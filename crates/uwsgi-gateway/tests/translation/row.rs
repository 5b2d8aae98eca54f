//! A row of the tables.

/// A row of the tables.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The settings and the peer, separated by spaces: see [`play`](crate::play::play).
    pub(crate) with: &'static str,
    /// The lines of the head. Each character is a byte (Latin-1), and each line gets a CR LF.
    pub(crate) head: &'static str,
    pub(crate) expected: Expected,
    pub(crate) source: &'static str,
}

/// What a head becomes.
pub(crate) enum Expected {
    /// The vars of the request of [`whole_list`](crate::expected::whole_list) with these changes.
    Vars(&'static [&'static str]),
    /// All vars.
    Whole(&'static [&'static str]),
    /// The status of the refusal.
    Status(u16),
    /// hyper refuses the request with this status, so the gateway does not see it.
    Hyper(u16),
}

type Text = &'static str;

impl Row {
    /// A row of a head that becomes the usual vars with these changes.
    pub(crate) const fn vars(name: Text, with: Text, head: Text, vars: &'static [Text], source: Text) -> Self {
        Self { name, with, head, expected: Expected::Vars(vars), source }
    }

    /// A row of a head that becomes these vars.
    pub(crate) const fn whole(name: Text, with: Text, head: Text, vars: &'static [Text], source: Text) -> Self {
        Self { name, with, head, expected: Expected::Whole(vars), source }
    }

    /// A row of a head that is refused.
    pub(crate) const fn status(name: Text, with: Text, head: Text, status: u16, source: Text) -> Self {
        Self { name, with, head, expected: Expected::Status(status), source }
    }

    /// A row of a head that hyper refuses.
    pub(crate) const fn hyper(name: Text, head: Text, status: u16, source: Text) -> Self {
        Self { name, with: "", head, expected: Expected::Hyper(status), source }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let lines = self.head.lines().flat_map(|line| line.chars().chain("\r\n".chars()));
        lines.chain("\r\n".chars()).map(|byte| u8::try_from(byte).unwrap()).collect()
    }
}
