//! Bytes as text, for people and for JSON.

pub(crate) use uwsgi_inspect::{Escaped, Latin1};

/// The bytes that [`Latin1`] made the text from, or the first character that stands for no byte.
pub(crate) fn from_latin1(text: &str) -> Result<Vec<u8>, char> {
    text.chars().map(|character| u8::try_from(character).map_err(|_| character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin1_is_every_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_latin1(&Latin1(&all).to_string()), Ok(all));
        assert_eq!(from_latin1("é☕"), Err('☕'));
    }
}
