//! `users`: who may come in, and ways back for somebody whom no admin of their tenant can help.

use clap::Subcommand;
use domain::{
    access::{
        gate::Gate,
        users::{self, Wanted},
    },
    types::EmailAddress,
};
use serde_json::json;

use super::{
    Failure,
    output::{Columns, Form, Most},
    tenant::Look,
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("ROLE", "/role"),
    ("NAME", "/name"),
    ("E-MAIL", "/email"),
    ("MADE", "/created_at"),
    ("KEPT OUT", "/disabled_at"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// The users of a tenant, newest first, with names and addresses masked.
    List {
        #[command(flatten)]
        look: Look,
        /// Only those of this role.
        #[arg(long)]
        role: Option<String>,
        /// Only whoever has this address.
        #[arg(long)]
        email: Option<EmailAddress>,
        /// Only those who are kept out.
        #[arg(long)]
        disabled: bool,
        #[command(flatten)]
        most: Most,
    },
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

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::List { look, role, email, disabled, most } => {
            let ctx = look.enter(platform, "users list").await?;
            let wanted = Wanted { role, disabled: disabled.then_some(true), email };
            let mut list = form.list(COLUMNS, most.limit);
            list.read(
                async |before, rows| Ok(users::found(&ctx, &wanted, before, rows).await?),
                |user| user.id,
            )
            .await?;
            list.end()
        }
        Command::PasswordLink { tenant, email } => {
            let gate = Gate::open(platform).await?;
            let link = gate.rescue_password(&tenant, &email.parse()?).await?;
            form.done(&format!("{}\ngood until {}", link.token, link.expires_at), &link)
        }
        Command::RemoveSecondFactor { tenant, email } => {
            let gate = Gate::open(platform).await?;
            gate.rescue_second_factor(&tenant, &email.parse()?).await?;
            let words = format!("{email} of {tenant} logs in with the password alone");
            form.done(&words, &json!({ "tenant": tenant, "email": email }))
        }
    })
    .await
}
