//! The formats of a report: a page, JSON, text.

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
    /// Renders a page for a browser. The page has no scripts and loads nothing. Every byte of the request is escaped.
    #[must_use]
    pub fn html(&self) -> impl fmt::Display {
        html::Page(self)
    }

    /// Renders JSON, with a line end at the end. Its strings are [`Latin1`](crate::Latin1).
    #[must_use]
    pub fn json(&self) -> impl fmt::Display {
        json::Document(self)
    }

    /// Renders lines for a terminal.
    #[must_use]
    pub fn text(&self) -> impl fmt::Display {
        text::Lines(self)
    }

    /// Renders the report in this format.
    #[must_use]
    pub fn to_format(&self, format: Format) -> String {
        match format {
            Format::Html => self.html().to_string(),
            Format::Json => self.json().to_string(),
            Format::Text => self.text().to_string(),
        }
    }
}
