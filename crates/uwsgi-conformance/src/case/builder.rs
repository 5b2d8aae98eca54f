//! The builder of cases. It also works in a `const` or a `static`.

use crate::case::Case;
use crate::case::app::App;
use crate::case::needs::Needs;
use crate::case::row::Row;
use crate::case::step::Step;
use crate::case::verdict::{After, Expected, Verdict};

/// A case without a verdict, from [`Case::builder`]. Two more steps make it a [`Case`]: its verdict, and
/// [the reason for the verdict](CaseWithVerdict::because). A case that lacks one of the two does not compile.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct CaseBuilder {
    name: &'static str,
    about: &'static str,
    steps: &'static [Step],
    needs: Needs,
    app: App,
}

/// A case with a verdict, but without the reason for it.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct CaseWithVerdict {
    builder: CaseBuilder,
    verdict: Verdict,
    row: Row,
}

impl Case {
    /// Begins a case with this name and these words about it. By default the sender sends nothing, the server is
    /// [`Needs::DEFAULT`], and the application [reads and answers](App::ReadAllThenAnswer).
    ///
    /// ```
    /// use uwsgi_conformance::{Case, Row, SMALL, Step};
    ///
    /// const TRAILING: Case = Case::builder("one-byte-too-many", "a good GET with one byte after its vars")
    ///     .steps(&[Step::packet(SMALL.tail(b"\x01"))])
    ///     .refused(400, Row::MalformedBlock)
    ///     .because("one byte is no pair", "uWSGI 2.0 core/protocol.c");
    ///
    /// assert_eq!(TRAILING.verdict.to_string(), "400");
    /// assert_eq!(TRAILING.uwsgi(), "not tried");
    /// ```
    pub const fn builder(name: &'static str, about: &'static str) -> CaseBuilder {
        CaseBuilder { name, about, steps: &[], needs: Needs::DEFAULT, app: App::ReadAllThenAnswer }
    }
}

impl CaseBuilder {
    /// Sets what the sender does; nothing by default.
    pub const fn steps(self, steps: &'static [Step]) -> Self {
        Self { steps, ..self }
    }

    /// Sets the settings and the state of the server; [`Needs::DEFAULT`] by default.
    pub const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// Sets what the application does; [`App::ReadAllThenAnswer`] by default.
    pub const fn app(self, app: App) -> Self {
        Self { app, ..self }
    }

    /// Sets the verdict: the application must be called, its report must have these lines, and the connection must close.
    pub const fn served(self, seen: &'static [&'static str], row: Row) -> CaseWithVerdict {
        self.verdict(Verdict::served(seen), row)
    }

    /// Sets the verdict: the server must answer with this status without the application, and close.
    pub const fn refused(self, status: u16, row: Row) -> CaseWithVerdict {
        self.verdict(Verdict::refused(status), row)
    }

    /// Sets the verdict: the only answer must have this status and no body, and the connection must close.
    pub const fn without_body(self, status: u16, row: Row) -> CaseWithVerdict {
        self.verdict(Verdict::Answer(Expected::bare(status), After::Closes), row)
    }

    /// Sets the verdict: the server must give these answers in this order. `after` says what then happens to the connection.
    pub const fn answers(self, expected: &'static [Expected], after: After, row: Row) -> CaseWithVerdict {
        self.verdict(Verdict::Answers(expected, after), row)
    }

    /// Sets the verdict.
    pub const fn verdict(self, verdict: Verdict, row: Row) -> CaseWithVerdict {
        CaseWithVerdict { builder: self, verdict, row }
    }
}

impl CaseWithVerdict {
    /// Sets the reason why the verdict is right, and the source of this reason. Returns the whole case.
    #[must_use]
    pub const fn because(self, why: &'static str, source: &'static str) -> Case {
        let Self { builder: CaseBuilder { name, about, steps, needs, app }, verdict, row } = self;
        Case { name, about, steps, needs, app, verdict, row, why, source }
    }
}
