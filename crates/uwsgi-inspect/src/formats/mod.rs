//! The forms of a report: a page, JSON, text.

mod format;
mod html;
mod json;
mod packet_bytes;
mod text;
mod title;

use core::fmt;

use crate::report::Report;

pub use format::Format;

impl Report<'_> {
    /// A page for a browser: it needs no script and nothing from elsewhere, and every byte that came in is escaped.
    #[must_use]
    pub fn html(&self) -> impl fmt::Display {
        html::Page(self)
    }

    /// A document for programs, with a line end behind it. Its strings are [`Latin1`](crate::Latin1).
    #[must_use]
    pub fn json(&self) -> impl fmt::Display {
        json::Document(self)
    }

    /// Lines for a terminal.
    #[must_use]
    pub fn text(&self) -> impl fmt::Display {
        text::Lines(self)
    }

    /// The report in one of its forms.
    #[must_use]
    pub fn to_format(&self, format: Format) -> String {
        match format {
            Format::Html => self.html().to_string(),
            Format::Json => self.json().to_string(),
            Format::Text => self.text().to_string(),
        }
    }
}
