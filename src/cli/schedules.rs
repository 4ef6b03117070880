//! `schedules`: what begins by itself, the product's own upkeep if no tenant is named.

use clap::{Args, Subcommand};
use domain::upkeep;
use engine::{
    enqueue::Provenance,
    schedules::{self, View, When},
};
use serde_json::json;
use uuid::Uuid;

use super::{Failure, external, serve};
use crate::config::Config;

/// Schedules in a list.
const MOST: i64 = 1_000;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Each schedule with its next time and what became of its last.
    List {
        #[command(flatten)]
        whose: Whose,
        /// One JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
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
    /// A tenant's instead of the product's own.
    #[arg(long)]
    tenant: Option<Uuid>,
}

impl Whose {
    fn tenant(&self) -> Uuid {
        self.tenant.unwrap_or(upkeep::ITSELF.0)
    }
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let engine = serve::connect_engine(config, &external(config)?).await?;
    let (Command::List { whose, .. }
    | Command::Pause { whose, .. }
    | Command::Resume { whose, .. }
    | Command::Run { whose, .. }) = &command;
    let tenant = whose.tenant();
    let mut tx = engine.begin_tenant(tenant).await?;
    let all = schedules::list(tx.conn(), tenant, None, None, MOST).await?;
    let named = |name: &str| {
        let found = all.iter().find(|view| view.name == name);
        found.ok_or_else(|| format!("there is no schedule `{name}`; `switchboard schedules list` shows them"))
    };
    match &command {
        Command::List { json, .. } => {
            for view in &all {
                let last = schedules::ticks(tx.conn(), tenant, view.id, None, 1).await?.pop();
                println!("{}", if *json { object(view, last.as_ref()) } else { line(view, last.as_ref()) });
            }
        }
        Command::Pause { name, why, .. } => {
            if !tx.pause_schedule(named(name)?, why).await? {
                return Err("it is paused already".into());
            }
        }
        Command::Resume { name, .. } => {
            if !tx.resume_schedule(named(name)?).await? {
                return Err("it is not paused".into());
            }
        }
        Command::Run { name, .. } => {
            let by = Provenance { actor: json!({"kind": "system"}), trace: None };
            let job = tx.run_schedule(named(name)?, Uuid::now_v7(), &by).await?;
            println!("{job}");
        }
    }
    tx.commit().await?;
    engine.close().await;
    Ok(())
}

fn when(view: &View) -> String {
    match &view.when {
        When::Crontab(crontab) => format!("{crontab} ({})", view.zone),
        When::Once(at) => at.to_rfc3339(),
    }
}

fn next(view: &View) -> String {
    match (view.paused_at, view.next_at) {
        (Some(_), _) => format!("paused: {}", view.why.as_deref().unwrap_or("")),
        (None, Some(next)) => next.to_rfc3339(),
        (None, None) => "over".into(),
    }
}

fn line(view: &View, last: Option<&schedules::Tick>) -> String {
    let last = last.map_or_else(
        || "never".into(),
        |tick| {
            format!(
                "{} {} {}",
                tick.due_at.to_rfc3339(),
                tick.outcome,
                tick.job_state.as_deref().unwrap_or("")
            )
        },
    );
    format!("{:<30} {:<28} next {:<28} last {last}", view.name, when(view), next(view))
}

fn object(view: &View, last: Option<&schedules::Tick>) -> String {
    json!({
        "id": view.id, "name": view.name, "kind": view.kind, "args": view.args, "when": view.when,
        "zone": view.zone, "next_at": view.next_at, "paused_at": view.paused_at, "why": view.why,
        "last": last.map(|tick| json!({
            "due_at": tick.due_at, "outcome": tick.outcome, "job_id": tick.job_id, "job_state": tick.job_state,
        })),
    })
    .to_string()
}
