//! `tenants create`: a tenant and its first admin.

use clap::Subcommand;
use domain::access::{gate::Gate, users};

use super::{Failure, external, serve};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a tenant with an admin, who can then add everyone else.
    Create {
        /// Short name for the login, for example acme.
        slug: String,
        /// What people call it; the slug if not said.
        #[arg(long)]
        name: Option<String>,
        /// The admin's e-mail address.
        #[arg(long)]
        email: String,
        /// The admin's name.
        #[arg(long, default_value = "Admin")]
        admin: String,
        /// The admin's password, 12 characters or more; the environment keeps it out of the process list.
        #[arg(long, env = "ADMIN_PASSWORD", hide_env_values = true)]
        password: String,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let Command::Create { slug, name, email, admin, password } = command;
    let platform = serve::connect(config, &external(config)?).await?;
    let gate = Gate::open(&platform).await?;
    let new = users::NewUser { name: admin.parse()?, email: email.parse()?, password, role: "Admin".into() };
    let name = name.as_deref().unwrap_or(&slug).parse()?;
    let made = users::create_tenant(&gate, &platform, &slug, &name, new).await;
    platform.engine.close().await;
    let (tenant, user) = made.map_err(explained)?;
    println!("tenant {slug} ({tenant}) with admin {email} ({user})");
    Ok(())
}

fn explained(error: domain::Error) -> Failure {
    match error {
        domain::Error::Invalid(errors) => {
            let lines: Vec<String> = errors
                .iter()
                .map(|error| format!("{}: {}", error.pointer.trim_start_matches('/'), error.detail))
                .collect();
            lines.join("\n").into()
        }
        other => other.into(),
    }
}
