//! A row of the table of verdicts as a value of `--row`.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use uwsgi_conformance::Row;

/// A row of the table of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowValue(pub(super) Row);

impl ValueEnum for RowValue {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<[RowValue; Row::ALL.len()]> = LazyLock::new(|| Row::ALL.map(RowValue));
        &*ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.as_str()))
    }
}
