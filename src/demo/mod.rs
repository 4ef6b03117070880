//! `switchboard demo`: the main job, from nothing to a summary, as a user would do it over the API.
//!
//! - [`people`] who is made up; [`client`] the API; [`watch`] the socket that feeds the bars
//! - [`stages`] what is done, in order; [`summary`] whether every number adds up
//! - [`alive`] what goes on after that, until it is stopped

mod alive;
pub mod client;
pub mod people;
mod stages;
mod summary;
mod watch;

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use domain::{
    access::{
        operators,
        tenants::{self, NewTenant},
        users::NewUser,
    },
    ctx::OperatorCtx,
    tenancy::{SystemTx, store},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::{client::Client, summary::Summary};
use crate::{
    cli::serve::{connect, database, migrate, plan, told_to_stop},
    config::Config,
    http::limits::Rates,
    process::{Plan, Process, Roles},
};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The tenant, unless an earlier beginning has taken the name.
const SLUG: &str = "demo";
const EMAIL: &str = "admin@demo.example.com";
/// How long the key of the demo's operator is good.
const KEY_LIFE: TimeDelta = TimeDelta::days(90);

/// What the demo is to do.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Wishes {
    /// End after the summary; the exit code is 0 only if every number adds up.
    #[arg(long)]
    once: bool,
    /// How many leads are made up.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    leads: u32,
    /// How many agents there are.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    agents: u32,
}

/// What a later start must know; kept beside the key, for the owner's eyes only.
#[derive(Serialize, Deserialize)]
struct Memory {
    slug: String,
    email: String,
    password: String,
    /// Of an operator of the installation.
    operator_key: String,
    leads: u32,
    agents: u32,
    /// The stages were gone through to the end.
    done: bool,
    /// It went on after that, so there is more by now than the stages have made.
    went_on: bool,
}

/// Runs the demo.
///
/// # Errors
/// What stood in the way, or which number does not add up.
pub async fn run(mut config: Config, wishes: Wishes) -> Result<(), Failure> {
    if wishes.once {
        config.listen.set_port(0);
    }
    if config.public_url.is_none() && config.listen.port() != 0 {
        // Mails hold links, and who reads them here sits at this machine.
        config.public_url = Some(format!("http://{}", config.listen));
    }
    // Whoever tries things out may have receivers on this machine called.
    config.allow_loopback = true;
    println!("Starting Switchboard with its data in {} …", config.data_dir.display());
    let (options, embedded) = database(&config).await?;
    migrate(&options).await?;
    let platform = connect(&config, &options).await?;
    let process =
        Process::start(platform, Plan { rates: Rates::UNBOUNDED, ..plan(&config, Roles::ALL) }).await?;
    let shown = show(&config, wishes, &process).await;
    process.stop().await;
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    shown
}

async fn show(config: &Config, wishes: Wishes, process: &Process) -> Result<(), Failure> {
    let base = format!("http://{}", process.addr.ok_or("the API has no address")?);
    let file = config.data_dir.join("demo.json");
    let mut memory = match Memory::read(&file)? {
        Some(memory) if memory.done => {
            println!("Found the data of an earlier demo (tenant {}); nothing is made anew.", memory.slug);
            memory
        }
        _ => Memory::fresh(process, wishes, &file).await?,
    };
    let login = json!({ "tenant": memory.slug, "email": memory.email, "password": memory.password });
    let client = Client::login(base.clone(), &login).await?;
    if !wishes.once {
        println!("The dashboard is at {base}/ops\n{}", memory.who());
    }
    if !memory.went_on {
        let times = if memory.done {
            Vec::new()
        } else {
            let times = stages::run(&client, memory.leads, memory.agents).await?;
            memory.done = true;
            memory.write(&file)?;
            times
        };
        let summary = Summary::take(&client, memory.leads, &times).await?;
        println!("{summary}");
        let wrong = summary.wrong();
        if !wrong.is_empty() {
            return Err(format!("the numbers do not add up: {}", wrong.join("; ")).into());
        }
    }
    if wishes.once {
        return Ok(());
    }
    memory.went_on = true;
    memory.write(&file)?;
    println!(
        "\nUp at {base}/ops\n{}\nThe API is at {base}/api/v1. Try:\n  \
         TOKEN=$(curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' -d '{login}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\n  \
         curl -s -H \"Authorization: Bearer $TOKEN\" '{base}/api/v1/leads?limit=2'\n\
         Or send a campaign into its sandbox, from the folder of the sources:\n  \
         ./x run campaigns create --tenant {slug} docs/first-campaign.json --start\n\
         People come, are written to and called until Ctrl-C ends it; the data stays.",
        memory.who(),
        slug = memory.slug
    );
    tokio::select! {
        () = told_to_stop()? => {}
        () = alive::go_on(&base, &login, &process.app.platform) => {}
    }
    Ok(())
}

impl Memory {
    /// Who may log in.
    fn who(&self) -> String {
        let Self { slug, email, password, operator_key, .. } = self;
        format!(
            "  tenant {slug}, e-mail {email}, password {password}\n  \
             or as an operator of the installation, with the key {operator_key}"
        )
    }

    fn read(file: &Path) -> Result<Option<Self>, Failure> {
        match fs::read(file) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).map_err(|error| {
                format!("{} cannot be read ({error}); remove it to begin anew", file.display())
            })?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Written beside and renamed, so that it is never half there.
    fn write(&self, file: &Path) -> Result<(), Failure> {
        let draft: PathBuf = file.with_extension("draft");
        let mut open = fs::OpenOptions::new();
        let draft_file = open.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        serde_json::to_writer(draft_file, self)?;
        Ok(fs::rename(draft, file)?)
    }

    /// A tenant of its own for each beginning, so that a demo that was cut off is in nobody's way.
    async fn fresh(process: &Process, wishes: Wishes, file: &Path) -> Result<Self, Failure> {
        let platform = &process.app.platform;
        let password = URL_SAFE_NO_PAD.encode(platform.random::<12>());
        let tail = u32::from_be_bytes(platform.random());
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let taken = store::by_slug(tx.conn(), SLUG).await?.is_some();
        tx.commit().await?;
        let slug = if taken { format!("{SLUG}-{tail:08x}") } else { SLUG.to_owned() };
        let admin = NewUser {
            name: "Demo Admin".parse()?,
            email: EMAIL.parse()?,
            password: Some(password.clone()),
            role: "Admin".into(),
        };
        let (by, name) = (OperatorCtx::of_machine(platform), "Demo".parse()?);
        tenants::create_tenant(&by, &process.app.gate, &NewTenant::named(&slug, &name), &admin).await?;
        let (name, until) = (format!("Demo {tail:08x}").parse()?, platform.clock.now() + KEY_LIFE);
        let (_, operator_key) = operators::create(&by, &process.app.gate, &name, until).await?;
        let Wishes { leads, agents, .. } = wishes;
        let email = EMAIL.to_owned();
        let memory = Self { slug, email, password, operator_key, leads, agents, done: false, went_on: false };
        memory.write(file)?;
        Ok(memory)
    }
}
