//! `tenants`: making them with their first admin, keeping them out, letting them in again.

use clap::{Args, Subcommand};
use domain::{
    access::{
        gate::Gate,
        tenants::{self, NewTenant},
        users,
    },
    ctx::OperatorCtx,
    types::{Locale, Zone},
};

use super::{Failure, do_and_say};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a tenant with an admin, who can then add everyone else.
    Create(Creation),
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

/// What a tenant is to be.
#[derive(Args)]
pub(super) struct Creation {
    /// Short name for the login, for example acme.
    slug: String,
    /// What people call it; the slug if not said.
    #[arg(long)]
    name: Option<String>,
    /// Of the IANA database, for example Europe/Berlin; UTC if not said.
    #[arg(long)]
    zone: Option<String>,
    /// A language tag (BCP 47), for example de-AT; en if not said.
    #[arg(long)]
    locale: Option<String>,
    /// The admin's e-mail address.
    #[arg(long)]
    email: String,
    /// The admin's name.
    #[arg(long, default_value = "Admin")]
    admin: String,
    /// The admin's password, 12 characters or more; the environment keeps it out of the process list. Without one
    /// a token is printed with which the admin chooses it.
    #[arg(long, env = "ADMIN_PASSWORD", hide_env_values = true)]
    password: Option<String>,
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    do_and_say(config, async |platform| act(&OperatorCtx::of_machine(platform), command).await).await
}

/// Answers what was done, in words.
async fn act(by: &OperatorCtx, command: Command) -> Result<String, Failure> {
    Ok(match command {
        Command::Create(creation) => create(by, creation).await?,
        Command::Suspend { slug, why } => {
            format!("tenant {slug} ({}) is suspended", tenants::suspend(by, &slug, &why).await?)
        }
        Command::Readmit { slug } => {
            format!("tenant {slug} ({}) is let in again", tenants::readmit(by, &slug).await?)
        }
    })
}

async fn create(by: &OperatorCtx, creation: Creation) -> Result<String, Failure> {
    let Creation { slug, name, zone, locale, email, admin, password } = creation;
    let gate = Gate::open(&by.platform).await?;
    let admin =
        users::NewUser { name: admin.parse()?, email: email.parse()?, password, role: "Admin".into() };
    let name = name.as_deref().unwrap_or(&slug).parse()?;
    let zone = zone.as_deref().map(str::parse::<Zone>).transpose()?;
    let locale = locale.as_deref().map(str::parse::<Locale>).transpose()?;
    let new = NewTenant { slug: &slug, name: &name, zone, locale };
    let made = tenants::create_tenant(by, &gate, &new, &admin).await.map_err(explained)?;
    let made = made.fresh.ok_or("the tenant was made before")?;
    let said = format!("tenant {slug} ({}) with admin {email} ({})", made.tenant.id, made.admin);
    Ok(match made.link {
        None => said,
        Some(link) => format!(
            "{said}\n{}\nchooses the password by POST /api/v1/auth/password, once, until {}",
            link.token, link.expires_at
        ),
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
