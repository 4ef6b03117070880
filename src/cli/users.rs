//! `users`: ways back for somebody whom no admin of their tenant can help.

use clap::Subcommand;
use domain::access::gate::Gate;

use super::{Failure, do_and_say};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print a token with which a user chooses a password, once, by POST /api/v1/auth/password.
    PasswordLink {
        /// The tenant's slug.
        tenant: String,
        email: String,
    },
    /// Take the second factor of a user away who has lost it; the tenant reads so in its audit log.
    RemoveSecondFactor {
        /// The tenant's slug.
        tenant: String,
        email: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    do_and_say(config, async |platform| act(&Gate::open(platform).await?, command).await).await
}

async fn act(gate: &Gate, command: Command) -> Result<String, Failure> {
    Ok(match command {
        Command::PasswordLink { tenant, email } => {
            let link = gate.rescue_password(&tenant, &email.parse()?).await?;
            format!("{}\ngood until {}", link.token, link.expires_at)
        }
        Command::RemoveSecondFactor { tenant, email } => {
            gate.rescue_second_factor(&tenant, &email.parse()?).await?;
            format!("{email} of {tenant} logs in with the password alone")
        }
    })
}
