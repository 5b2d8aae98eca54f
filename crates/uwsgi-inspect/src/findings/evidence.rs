//! What the test of a finding saw, and how texts and lines include it.

use alloc::borrow::Cow;
use core::fmt;

/// What the test of a finding saw: the values of the placeholders `{0}`, `{1}` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence(Vec<String>);

impl Evidence {
    pub(crate) fn one(value: impl fmt::Display) -> Self {
        Self(vec![value.to_string()])
    }

    pub(crate) fn two(first: impl fmt::Display, second: impl fmt::Display) -> Self {
        Self::one(first).and(second)
    }

    /// Adds a value.
    pub(crate) fn and(mut self, value: impl fmt::Display) -> Self {
        self.0.push(value.to_string());
        self
    }

    /// Returns evidence without values if the finding holds.
    pub(crate) fn when(holds: bool) -> Option<Self> {
        holds.then_some(Self(Vec::new()))
    }

    /// Replaces the placeholders of a template. A value that looks like a placeholder stays unchanged.
    pub(super) fn fill(&self, template: &'static str) -> Cow<'static, str> {
        if !template.contains('{') {
            return Cow::Borrowed(template);
        }
        let mut rest = template;
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (value, after) = self.value(after).unwrap_or(("{", after));
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }

    /// Returns the value of the placeholder at the start of a template, and the rest of the template. Returns `None` if the
    /// brace is not a placeholder's: a line for lighttpd can have such braces.
    fn value(&self, template: &'static str) -> Option<(&str, &'static str)> {
        let (digit, after) = template.split_once('}')?;
        let nth: usize = digit.parse().ok().filter(|_| digit.len() == 1)?;
        Some((self.0.get(nth)?, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_replace_placeholders_once() {
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
        // An empty value at the start.
        assert_eq!(Evidence::one("").fill("{0}a"), "a");
    }
}
