//! `tenants`: who there is, making them with their first admin, keeping them out, letting them in again.

use clap::{Args, Subcommand};
use domain::{
    access::{
        gate::Gate,
        tenants::{self, Founded, NewTenant},
        users,
    },
    ctx::OperatorCtx,
    types::{Locale, Text, Zone},
};
use serde_json::json;

use super::{
    Failure,
    exit::Exit,
    output::{Columns, Form, Most},
    with_platform,
};
use crate::{config::Config, http::api::tenants::TenantMade};

const COLUMNS: Columns = &[
    ("SLUG", "/slug"),
    ("ID", "/id"),
    ("NAME", "/name"),
    ("ZONE", "/zone"),
    ("LOCALE", "/locale"),
    ("MADE", "/created_at"),
    ("SUSPENDED", "/suspended_at"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// The tenants in the order of their slugs.
    List {
        #[command(flatten)]
        most: Most,
    },
    /// A tenant with what is settled about it.
    Show { slug: String },
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

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| act(&OperatorCtx::of_machine(platform), form, command).await).await
}

async fn act(by: &OperatorCtx, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { most } => {
            let mut list = form.list(COLUMNS, most.limit);
            list.read(
                async |after: Option<String>, wanted| {
                    Ok(tenants::list(by, after.as_deref().unwrap_or_default(), wanted).await?)
                },
                |tenant| tenant.slug.clone(),
            )
            .await?;
            list.end()
        }
        Command::Show { slug } => form.one(&tenants::get(by, &slug).await?),
        Command::Create(creation) => create(by, form, creation).await,
        Command::Suspend { slug, why } => {
            let id = tenants::suspend(by, &slug, &why).await?;
            let words = format!("tenant {slug} ({id}) is suspended");
            form.done(&words, &json!({ "id": id, "slug": slug, "suspended": true }))
        }
        Command::Readmit { slug } => {
            let id = tenants::readmit(by, &slug).await?;
            let words = format!("tenant {slug} ({id}) is let in again");
            form.done(&words, &json!({ "id": id, "slug": slug, "suspended": false }))
        }
    }
}

async fn create(by: &OperatorCtx, form: Form, creation: Creation) -> Result<(), Failure> {
    let Creation { slug, name, zone, locale, email, admin, password } = creation;
    let gate = Gate::open(&by.platform).await?;
    let usage = |why: String| Exit::Usage.because(why);
    let admin = users::NewUser {
        name: admin.parse().map_err(usage)?,
        email: email.parse()?,
        password,
        role: "Admin".into(),
    };
    let name: Text<200> = name.as_deref().unwrap_or(&slug).parse().map_err(usage)?;
    let zone = zone.as_deref().map(str::parse::<Zone>).transpose()?;
    let locale = locale.as_deref().map(str::parse::<Locale>).transpose()?;
    let new = NewTenant { slug: &slug, name: &name, zone, locale };
    let made = tenants::create_tenant(by, &gate, &new, &admin).await?;
    let Founded { tenant, admin, link } = made.fresh.ok_or("the tenant was made before")?;
    let said = format!("tenant {slug} ({}) with admin {email} ({admin})", tenant.id);
    let words = match &link {
        None => said,
        Some(link) => format!(
            "{said}\n{}\nchooses the password by POST /api/v1/auth/password, once, until {}",
            link.token, link.expires_at
        ),
    };
    form.done(&words, &TenantMade { tenant, admin_id: admin, password_link: link })
}
