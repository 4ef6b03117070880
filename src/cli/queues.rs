//! `queues`: what the installation's operators decide about queues, over all tenants.

use clap::Subcommand;
use engine::{
    operate::{Bounds, Decider, Scope},
    queues,
};

use uuid::Uuid;

use super::{Failure, external, serve};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Each queue with its depth, its age, and what was decided about it.
    List {
        /// One JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Begin nothing more of a queue, a tenant, a kind, or of several together; what runs may end.
    Pause {
        #[command(flatten)]
        what: What,
        /// For those who wonder later.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Take that pause back.
    Resume(What),
    /// Bound a queue for all tenants together, or one tenant in it; nothing said takes the bound away.
    Limit {
        queue: String,
        #[arg(long)]
        tenant: Option<Uuid>,
        /// At a time, over all processes.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        max_running: Option<i32>,
        /// Starts a second, on average.
        #[arg(long, requires = "burst")]
        rate: Option<f64>,
        /// Starts that may come at once.
        #[arg(long, requires = "rate", value_parser = clap::value_parser!(i32).range(1..))]
        burst: Option<i32>,
    },
    /// Give a tenant a share of a queue beside others: 1 is usual, 2 gets twice as many turns.
    Weigh {
        queue: String,
        #[arg(long)]
        tenant: Uuid,
        /// 0.01 to 100.
        weight: f32,
    },
}

/// What a pause is of.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct What {
    #[arg(long)]
    queue: Option<String>,
    #[arg(long)]
    tenant: Option<Uuid>,
    #[arg(long)]
    kind: Option<String>,
}

impl What {
    fn scope(&self) -> Scope<'_> {
        Scope { queue: self.queue.as_deref(), tenant: self.tenant, kind: self.kind.as_deref() }
    }
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let engine = serve::connect_engine(config, &external(config)?).await?;
    let mut tx = engine.begin_system().await?;
    let named = match &command {
        Command::Limit { queue, .. } | Command::Weigh { queue, .. } => Some(queue),
        Command::Pause { what, .. } | Command::Resume(what) => what.queue.as_ref(),
        Command::List { .. } => None,
    };
    if let Some(name) = named
        && !queues::exists(tx.conn(), name).await?
    {
        return Err(format!("there is no queue `{name}`; `switchboard queues list` shows them").into());
    }
    match command {
        Command::List { json } => {
            for load in queues::loads(tx.conn()).await? {
                println!("{}", if json { serde_json::to_string(&load)? } else { line(&load) });
            }
        }
        Command::Pause { what, why } => tx.pause_scope(Decider::Operator, what.scope(), &why).await?,
        Command::Resume(what) => {
            if !tx.resume_scope(Decider::Operator, what.scope()).await? {
                return Err("it was not paused in this way; `switchboard queues list` shows what is".into());
            }
        }
        Command::Limit { queue, tenant, max_running, rate, burst } => {
            let bounds = Bounds { max_running, rate_per_s: rate, burst };
            tx.limit_all(&queue, tenant, bounds).await.map_err(explained)?;
        }
        Command::Weigh { queue, tenant, weight } => {
            tx.weigh(&queue, tenant, weight).await.map_err(explained)?;
        }
    }
    tx.commit().await?;
    engine.close().await;
    Ok(())
}

fn line(load: &queues::Load) -> String {
    let oldest = load.oldest_due_at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339());
    format!(
        "{:<20} available {:>8}  scheduled {:>8}  running {:>6}  tenants {:>5}  oldest due {oldest}  pauses {}  limits {}",
        load.queue, load.available, load.scheduled, load.running, load.tenants, load.pauses, load.limits
    )
}

/// A constraint of the schema, in words.
fn explained(error: sqlx::Error) -> Failure {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
        Some("limits_rate_positive") => {
            "the rate is 0.00001 to 1000000 a second; to stop the work, pause it".into()
        }
        Some("limits_weight_bounds") => "a weight is 0.01 to 100; to stop a tenant, pause it".into(),
        _ => error.into(),
    }
}
