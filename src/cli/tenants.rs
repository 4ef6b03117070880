//! `tenants`: making them with their first admin, keeping them out, letting them in again.

use clap::Subcommand;
use domain::{
    access::{gate::Gate, tenants, users},
    ctx::Platform,
};

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
    /// Keep everybody of a tenant out and begin nothing more of its work; what runs may end.
    Suspend {
        slug: String,
        /// For those who wonder later; the tenant reads it in its audit log.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Let a suspended tenant in again.
    Readmit { slug: String },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let platform = serve::connect(config, &external(config)?).await?;
    let done = act(&platform, command).await;
    platform.engine.close().await;
    println!("{}", done?);
    Ok(())
}

/// Answers what was done, in words.
async fn act(platform: &Platform, command: Command) -> Result<String, Failure> {
    Ok(match command {
        Command::Create { slug, name, email, admin, password } => {
            let gate = Gate::open(platform).await?;
            let new = users::NewUser {
                name: admin.parse()?,
                email: email.parse()?,
                password: Some(password),
                role: "Admin".into(),
            };
            let name = name.as_deref().unwrap_or(&slug).parse()?;
            let made = tenants::create_tenant(&gate, platform, &slug, &name, new).await;
            let (tenant, user) = made.map_err(explained)?;
            format!("tenant {slug} ({tenant}) with admin {email} ({user})")
        }
        Command::Suspend { slug, why } => {
            format!("tenant {slug} ({}) is suspended", tenants::suspend(platform, &slug, &why).await?)
        }
        Command::Readmit { slug } => {
            format!("tenant {slug} ({}) is let in again", tenants::readmit(platform, &slug).await?)
        }
    })
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
