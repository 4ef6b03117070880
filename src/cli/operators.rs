//! `operators`: who runs this installation, each by a key of their own.

use chrono::TimeDelta;
use clap::Subcommand;
use domain::{
    access::{
        gate::Gate,
        operators::{self, Operator},
    },
    ctx::OperatorCtx,
    types::OperatorId,
};
use uuid::Uuid;

use super::{Failure, do_and_say};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an operator. The key is printed this once; it goes into `Authorization: Bearer …`.
    Create {
        /// Whose key it is: tenants read the name in their audit logs.
        name: String,
        /// Days that the key is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=365))]
        days: u16,
    },
    /// Each operator, and how long the key is good.
    List,
    /// Refuse an operator's key from now on.
    Revoke {
        /// As `switchboard operators list` shows it.
        id: Uuid,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    do_and_say(config, async |platform| act(&OperatorCtx::of_machine(platform), command).await).await
}

/// Answers what was done, in words.
async fn act(by: &OperatorCtx, command: Command) -> Result<String, Failure> {
    Ok(match command {
        Command::Create { name, days } => {
            let gate = Gate::open(&by.platform).await?;
            let expires_at = by.platform.clock.now() + TimeDelta::days(days.into());
            let (operator, key) = operators::create(by, &gate, &name.parse()?, expires_at).await?;
            format!("{}\n{key}", line(&operator))
        }
        Command::List => {
            let all = operators::list(by).await?;
            all.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Command::Revoke { id } => {
            operators::revoke(by, OperatorId(id)).await?;
            format!("the key of operator {id} is refused from now on")
        }
    })
}

fn line(operator: &Operator) -> String {
    let state = operator.revoked_at.map_or_else(
        || format!("good until {}", operator.expires_at.to_rfc3339()),
        |at| format!("revoked {}", at.to_rfc3339()),
    );
    format!("{} {:<30} {state}", operator.id, operator.name)
}
