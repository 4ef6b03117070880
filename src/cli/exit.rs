//! How a command ends, as whoever called it is told: `docs/cli.md` has the same list.

use std::{error::Error as StdError, fmt, io, process::ExitCode};

use domain::{Error, types::Malformed, vault::service::is_away};

use super::Failure;

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
                _ => Self::Failed,
            };
        }
        let is_usage = failure.is::<config::ConfigError>() || failure.is::<Malformed>();
        if is_usage { Self::Usage } else { Self::Failed }
    }

    /// A failure of this kind, in words for whoever typed the command.
    pub(super) fn because(self, words: impl Into<String>) -> Failure {
        Box::new(Ended { exit: self, words: words.into() })
    }
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

fn words(failure: &(dyn StdError + Send + Sync + 'static)) -> String {
    match failure.downcast_ref::<Error>() {
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
    }
}

#[cfg(test)]
mod tests {
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
        ] {
            assert_eq!(Exit::of(&*failure), exit, "{failure}");
            assert!(words(&*failure).contains(said), "{}", words(&*failure));
        }
    }
}
