//! The names of rows on the command line and in JSON.

use uwsgi_conformance::Row;

/// Returns the name of a row: `malformed-block` for `MalformedBlock`.
pub(super) fn row_name(row: Row) -> String {
    let mut name = String::new();
    for letter in format!("{row:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
