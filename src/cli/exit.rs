//! How a command ends, as whoever called it is told: `docs/cli.md` has the same list.

use std::{error::Error as StdError, fmt, io, process::ExitCode};

use domain::{Error, types::Malformed, vault::service::is_away};

use super::{Failure, output::lines};

/// What the exit code says; 0 is that all went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Something broke, or what was looked at does not hold.
    Failed,
    /// The command line, a setting or a value is wrong. Nothing was done.
    Usage,
    /// There is no such thing.
    NotFound,
    /// The state that things are in forbids it, or a right is missing. Nothing was done.
    Refused,
    /// The database or the key service does not answer.
    Unreachable,
}

impl Exit {
    #[cfg(test)]
    pub(super) const ALL: [Self; 5] =
        [Self::Failed, Self::Usage, Self::NotFound, Self::Refused, Self::Unreachable];

    /// The number, which is never changed: scripts know it.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
        }
    }

    /// What a failure is.
    fn of(failure: &(dyn StdError + Send + Sync + 'static)) -> Self {
        if let Some(ended) = failure.downcast_ref::<Ended>() {
            return ended.exit;
        }
        if let Some(error) = failure.downcast_ref::<Error>() {
            return match error {
                Error::NotFound(_) => Self::NotFound,
                Error::Invalid(_) => Self::Usage,
                Error::Internal(cause) if is_away(&**cause) => Self::Unreachable,
                Error::Internal(cause) => Self::of(&**cause),
                _ => Self::Refused,
            };
        }
        if let Some(error) = failure.downcast_ref::<sqlx::Error>() {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed => Self::Unreachable,
                sqlx::Error::Database(said) if said.code().is_some_and(|code| is_out_of_reach(&code)) => {
                    Self::Unreachable
                }
                _ => Self::Failed,
            };
        }
        let is_usage = failure.is::<config::ConfigError>() || failure.is::<Malformed>();
        if is_usage { Self::Usage } else { Self::Failed }
    }

    /// A failure after something was done, which was listed by then.
    pub(super) fn half_done(why: &(dyn StdError + Send + Sync + 'static)) -> Failure {
        Self::Failed.because(format!("{}; what is listed was done before", words(why)))
    }

    /// Does one thing after the other, up to the first that is refused. Answers what came of those before, and why that one
    /// was refused.
    ///
    /// # Errors
    /// If the very first is refused: nothing was done then.
    pub(super) async fn until_refused<I, T>(
        all: impl IntoIterator<Item = I>,
        mut one: impl AsyncFnMut(I) -> domain::Result<T>,
    ) -> Result<(Vec<T>, Option<Failure>), Failure> {
        let mut done = Vec::new();
        for each in all {
            match one(each).await {
                Ok(came) => done.push(came),
                Err(why) if done.is_empty() => return Err(why.into()),
                Err(why) => return Ok((done, Some(why.into()))),
            }
        }
        Ok((done, None))
    }

    /// A failure of this kind, in words for whoever typed the command.
    pub(super) fn because(self, words: impl Into<String>) -> Failure {
        Box::new(Ended { exit: self, words: words.into() })
    }
}

/// Whether Postgres says by this code that it cannot be worked with now: the connection broke (08), the server goes down, comes
/// up or lost a session (57P), or it has no connection left.
fn is_out_of_reach(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || code == "53300"
}

/// A failure that says itself what it is.
#[derive(Debug)]
struct Ended {
    exit: Exit,
    words: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl StdError for Ended {}

/// Says why a command failed, and how it ends. Whoever reads a list only as far as they like (`| head`) has seen what they
/// wanted.
pub(super) fn told(failure: &(dyn StdError + Send + Sync + 'static)) -> ExitCode {
    if failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("switchboard: {}", words(failure));
    ExitCode::from(Exit::of(failure).code())
}

/// Why it failed, harmless for a terminal whoever wrote what it is about.
pub(super) fn words(failure: &(dyn StdError + Send + Sync + 'static)) -> String {
    let words = match failure.downcast_ref::<Error>() {
        Some(Error::NotFound(what)) => format!("there is no such {what}"),
        Some(Error::Invalid(wrong)) => {
            let lines: Vec<String> = wrong
                .iter()
                .map(|error| match error.pointer.trim_start_matches(['/', '?']) {
                    "" => error.detail.clone(),
                    place => format!("{place}: {}", error.detail),
                })
                .collect();
            lines.join("\n")
        }
        _ => failure.to_string(),
    };
    lines(&words)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    #[test]
    fn a_failure_says_what_it_is() {
        for (failure, exit, said) in [
            (Failure::from(Error::NotFound("job")), Exit::NotFound, "there is no such job"),
            (Error::invalid("/name", "too long").into(), Exit::Usage, "name: too long"),
            (Error::invalid("", "name one").into(), Exit::Usage, "name one"),
            (Error::conflict("job-state", "it is over").into(), Exit::Refused, "it is over"),
            (Error::Forbidden("jobs:read").into(), Exit::Refused, "jobs:read"),
            (Error::from(sqlx::Error::PoolTimedOut).into(), Exit::Unreachable, "timed out"),
            (sqlx::Error::RowNotFound.into(), Exit::Failed, "no rows"),
            ("it broke".into(), Exit::Failed, "it broke"),
            (Exit::Refused.because("not now"), Exit::Refused, "not now"),
            (
                Exit::half_done(&*Failure::from(Error::NotFound("job"))),
                Exit::Failed,
                "no such job; what is listed",
            ),
        ] {
            assert_eq!(Exit::of(&*failure), exit, "{failure}");
            assert!(words(&*failure).contains(said), "{}", words(&*failure));
        }
    }

    #[test]
    fn a_server_that_goes_down_or_is_full_is_not_there() {
        for (code, is) in [
            ("57P01", true),
            ("57P03", true),
            ("08006", true),
            ("53300", true),
            ("57014", false),
            ("23505", false),
        ] {
            let said = sqlx::Error::Database(Box::new(Said(code)));
            let exit = if is { Exit::Unreachable } else { Exit::Failed };
            assert_eq!(Exit::of(&*Failure::from(Error::from(said))), exit, "{code}");
        }
    }

    #[test]
    fn what_others_wrote_moves_no_cursor() {
        let failure = Exit::Refused.because("the campaign \u{1b}[2Jspring\nis over");
        assert_eq!(words(&*failure), "the campaign \u{fffd}[2Jspring\nis over");
    }

    /// Postgres, saying only a code.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }
}
