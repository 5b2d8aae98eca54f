//! The configurations of `docs/front-ends.md`, which are the files in `tests/front-ends`.

use std::fs;
use std::path::Path;

/// A configuration as the page shows it. A test replaces the reader's ports, sockets and directories with its own.
#[derive(Debug, Clone)]
pub struct Snippet {
    name: String,
    text: String,
}

impl Snippet {
    /// Reads a file of `tests/front-ends`.
    pub fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("front-ends").join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// Creates a configuration that only a test has.
    pub fn of(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text }
    }

    /// Replaces a text in the whole configuration.
    ///
    /// # Panics
    ///
    /// If the text is not there: the file has changed, and the test must follow.
    #[must_use]
    pub fn with(self, natural: &str, real: impl AsRef<str>) -> Self {
        assert!(self.text.contains(natural), "{} does not say {natural:?}", self.name);
        Self { text: self.text.replace(natural, real.as_ref()), ..self }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}
