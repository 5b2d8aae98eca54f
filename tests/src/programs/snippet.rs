//! The configurations of `docs/front-ends.md`, which are the files in `tests/front-ends`.

use std::fs;
use std::path::Path;

/// A configuration as the page shows it, with the ports, sockets and directories of a test in the places of those that
/// a reader has.
#[derive(Debug, Clone)]
pub struct Snippet {
    name: String,
    text: String,
}

impl Snippet {
    /// A file of `tests/front-ends`.
    pub fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("front-ends").join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// A configuration of a test's own.
    pub fn of(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text }
    }

    /// The same with another text, wherever this one is.
    ///
    /// # Panics
    ///
    /// If it is nowhere: then the file is another one than the test means.
    #[must_use]
    pub fn with(self, natural: &str, real: impl AsRef<str>) -> Self {
        assert!(self.text.contains(natural), "{} does not say {natural:?}", self.name);
        Self { text: self.text.replace(natural, real.as_ref()), ..self }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}
