//! Escapes text from outside for the page. No such text gets into the page in another way.

use core::fmt::{self, Write};

/// Text between tags. The characters `&`, `<`, `>`, `"` and `'` are written as references.
///
/// No text from outside is in an attribute. The quotes are escaped in case a later change puts text there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(References(f), "{}", self.0)
    }
}

struct References<'f, 'g>(&'f mut fmt::Formatter<'g>);

impl Write for References<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(['&', '<', '>', '"', '\'']) {
            let mut rest = piece.chars();
            let reference = match rest.next_back() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                Some('\'') => "&#39;",
                _ => {
                    self.0.write_str(piece)?;
                    continue;
                }
            };
            self.0.write_str(rest.as_str())?;
            self.0.write_str(reference)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn five_characters_become_references() {
        for (text, escaped) in [
            ("", ""),
            ("plain", "plain"),
            ("<script>\"a\" & 'b'</script>", "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"),
            ("&&", "&amp;&amp;"),
            ("a<", "a&lt;"),
        ] {
            assert_eq!(Text(text).to_string(), escaped);
        }
    }
}
