//! What the test of a finding saw, and how it gets into texts and lines.

use alloc::borrow::Cow;
use core::fmt;

/// What a test saw: what stands for `{0}`, `{1}` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence(Vec<String>);

impl Evidence {
    pub(crate) fn one(shown: impl fmt::Display) -> Self {
        Self(vec![shown.to_string()])
    }

    pub(crate) fn two(first: impl fmt::Display, second: impl fmt::Display) -> Self {
        Self::one(first).and(second)
    }

    /// One thing more.
    pub(crate) fn and(mut self, shown: impl fmt::Display) -> Self {
        self.0.push(shown.to_string());
        self
    }

    /// Nothing to show, if it is so.
    pub(crate) fn when(is_so: bool) -> Option<Self> {
        is_so.then_some(Self(Vec::new()))
    }

    /// The template with what was seen in its places. What is put in is not looked at again.
    pub(super) fn fill(&self, template: &'static str) -> Cow<'static, str> {
        if !template.contains('{') {
            return Cow::Borrowed(template);
        }
        let mut rest = template;
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (shown, after) = self.place(after).unwrap_or(("{", after));
            filled.push_str(before);
            filled.push_str(shown);
            rest = after;
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }

    /// What stands for the place that a template goes on with, and what follows it; nothing for an ordinary brace, as a line of
    /// lighttpd's may hold one.
    fn place(&self, template: &'static str) -> Option<(&str, &'static str)> {
        let (digit, after) = template.split_once('}')?;
        let nth: usize = digit.parse().ok().filter(|_| digit.len() == 1)?;
        Some((self.0.get(nth)?, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let evidence = Evidence::two("{1}", "b");
        for (template, filled) in [
            ("", ""),
            ("no", "no"),
            ("{0}", "{1}"),
            ("{1}-{0}.", "b-{1}."),
            ("if {\n}", "if {\n}"),
            ("{", "{"),
            ("{2}", "{2}"),
        ] {
            assert_eq!(evidence.fill(template), filled);
        }
        // Nothing shown, and nothing before it.
        assert_eq!(Evidence::one("").fill("{0}a"), "a");
    }
}
