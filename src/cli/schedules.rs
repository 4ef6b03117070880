//! `schedules`: what begins by itself, the product's own upkeep if no tenant is named.

use clap::{Args, Subcommand};
use domain::upkeep;
use engine::{
    Engine,
    enqueue::Provenance,
    schedules::{self, View},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure, beside,
    exit::Exit,
    output::{Columns, Form},
    serve, tenant,
};
use crate::config::Config;

/// Schedules in a list.
const MOST: i64 = 1_000;

const COLUMNS: Columns = &[
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("CRONTAB", "/when/crontab"),
    ("ONCE", "/when/once"),
    ("ZONE", "/zone"),
    ("NEXT", "/next_at"),
    ("PAUSED", "/paused_at"),
    ("LAST", "/last/due_at"),
    ("OUTCOME", "/last/outcome"),
    ("JOB", "/last/job_state"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// Each schedule with its next time and what became of its last.
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Begin nothing more of it.
    Pause {
        name: String,
        #[command(flatten)]
        whose: Whose,
        /// For those who wonder later.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Let it go on from now; what was due meanwhile does not run.
    Resume {
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Begin a run now, whatever it says about overlap and pause.
    Run {
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub(super) struct Whose {
    /// The slug or id of a tenant, for its schedules instead of the product's own.
    #[arg(long)]
    tenant: Option<String>,
}

impl Whose {
    async fn tenant(&self, engine: &Engine) -> Result<Uuid, Failure> {
        match &self.tenant {
            Some(named) => Ok(tenant::find(engine, named).await?.id.0),
            None => Ok(upkeep::ITSELF.0),
        }
    }
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    let engine = serve::connect_engine(config, &beside(config)?).await?;
    let done = act(&engine, form, &command).await;
    engine.close().await;
    done
}

async fn act(engine: &Engine, form: Form, command: &Command) -> Result<(), Failure> {
    let (Command::List { whose }
    | Command::Pause { whose, .. }
    | Command::Resume { whose, .. }
    | Command::Run { whose, .. }) = command;
    let tenant = whose.tenant(engine).await?;
    let mut tx = engine.begin_tenant(tenant).await?;
    let all = schedules::list(tx.conn(), tenant, None, None, MOST).await?;
    let named = |name: &str| {
        all.iter().find(|view| view.name == name).ok_or_else(|| {
            let words = format!("there is no schedule `{name}`; `switchboard schedules list` shows them");
            Exit::NotFound.because(words)
        })
    };
    match command {
        Command::List { .. } => {
            let mut rows = Vec::new();
            for view in &all {
                let last = schedules::ticks(tx.conn(), tenant, view.id, None, 1).await?.pop();
                rows.push(object(view, last.as_ref()));
            }
            let mut list = form.list(COLUMNS, None);
            list.page(&rows)?;
            list.end()?;
        }
        Command::Pause { name, why, .. } => {
            if !tx.pause_schedule(named(name)?, why).await? {
                return Err(Exit::Refused.because("it is paused already"));
            }
        }
        Command::Resume { name, .. } => {
            if !tx.resume_schedule(named(name)?).await? {
                return Err(Exit::Refused.because("it is not paused"));
            }
        }
        Command::Run { name, .. } => {
            let by = Provenance { actor: json!({"kind": "system"}), trace: None };
            let job = tx.run_schedule(named(name)?, Uuid::now_v7(), &by).await?;
            tx.commit().await?;
            return form.done(&job.to_string(), &json!({ "job_id": job }));
        }
    }
    Ok(tx.commit().await?)
}

fn object(view: &View, last: Option<&schedules::Tick>) -> Value {
    json!({
        "id": view.id, "name": view.name, "kind": view.kind, "args": view.args, "when": view.when,
        "zone": view.zone, "next_at": view.next_at, "paused_at": view.paused_at, "why": view.why,
        "last": last.map(|tick| json!({
            "due_at": tick.due_at, "outcome": tick.outcome, "job_id": tick.job_id, "job_state": tick.job_state,
        })),
    })
}
