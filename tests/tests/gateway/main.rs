//! What our gateway does with the bytes of HTTP clients, good and bad, and what nginx does with them.
//!
//! The rows are data, see `row.rs`. Our gateway gets the bytes of each row whole, byte by byte and split at random points, and
//! must do the same each time. Its backend counts the requests.

mod answers;
mod backend;
mod client;
mod escapes;
#[cfg(feature = "peers")]
mod nginx;
mod ours;
mod outcome;
mod row;
mod together;

use std::collections::BTreeSet;

#[test]
fn rows_have_names_and_reasons() {
    let rows = row::all();
    let mut names = BTreeSet::new();
    for row in &rows {
        assert!(names.insert(&row.name), "two rows are called {}", row.name);
        assert!(
            row.why.contains("RFC ") || row.why.contains("hyper ") || row.why.contains("nginx "),
            "{}: {}",
            row.name,
            row.why
        );
        assert!(row.nginx.contains(|character: char| character.is_ascii_alphabetic()), "{}: {:?}", row.name, row.nginx);
    }
    // The backend answers each request that it gets, and the gateway never answers so by itself.
    for row in &rows {
        let answers = row.ours.statuses.iter().filter(|status| (200..400).contains(*status)).count();
        assert_eq!(answers, row.backend.len(), "{}", row.name);
    }
    assert!(rows.len() >= 270, "{} rows", rows.len());
}
