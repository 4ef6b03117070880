//! `queues`: what the installation's operators decide about queues, over all tenants.

use clap::Subcommand;
use engine::{
    Engine,
    operate::{Bounds, Decider, Scope},
    queues,
};
use uuid::Uuid;

use super::{
    Failure, beside,
    exit::Exit,
    output::{Columns, Form},
    serve, tenant,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("QUEUE", "/queue"),
    ("AVAILABLE", "/available"),
    ("SCHEDULED", "/scheduled"),
    ("RUNNING", "/running"),
    ("TENANTS", "/tenants"),
    ("OLDEST DUE", "/oldest_due_at"),
    ("PAUSES", "/pauses"),
    ("LIMITS", "/limits"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// Each queue with its depth, its age, and what was decided about it.
    List,
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
        /// Its slug, or its id.
        #[arg(long)]
        tenant: Option<String>,
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
        /// Its slug, or its id.
        #[arg(long)]
        tenant: String,
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
    /// Its slug, or its id.
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    kind: Option<String>,
}

impl What {
    fn scope(&self, tenant: Option<Uuid>) -> Scope<'_> {
        Scope { queue: self.queue.as_deref(), tenant, kind: self.kind.as_deref() }
    }
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    let engine = serve::connect_engine(config, &beside(config)?).await?;
    let done = act(&engine, form, command).await;
    engine.close().await;
    done
}

async fn act(engine: &Engine, form: Form, command: Command) -> Result<(), Failure> {
    let (queue, tenant) = match &command {
        Command::Limit { queue, tenant, .. } => (Some(queue), tenant.as_ref()),
        Command::Weigh { queue, tenant, .. } => (Some(queue), Some(tenant)),
        Command::Pause { what, .. } | Command::Resume(what) => (what.queue.as_ref(), what.tenant.as_ref()),
        Command::List => (None, None),
    };
    let tenant = match tenant {
        Some(named) => Some(tenant::find(engine, named).await?.id.0),
        None => None,
    };
    let mut tx = engine.begin_system().await?;
    if let Some(name) = queue
        && !queues::exists(tx.conn(), name).await?
    {
        let words = format!("there is no queue `{name}`; `switchboard queues list` shows them");
        return Err(Exit::NotFound.because(words));
    }
    match command {
        Command::List => {
            let mut list = form.list(COLUMNS, None);
            list.page(&queues::loads(tx.conn()).await?)?;
            list.end()?;
        }
        Command::Pause { what, why } => tx.pause_scope(Decider::Operator, what.scope(tenant), &why).await?,
        Command::Resume(what) => {
            if !tx.resume_scope(Decider::Operator, what.scope(tenant)).await? {
                let words = "it was not paused in this way; `switchboard queues list` shows what is";
                return Err(Exit::Refused.because(words));
            }
        }
        Command::Limit { queue, max_running, rate, burst, .. } => {
            let bounds = Bounds { max_running, rate_per_s: rate, burst };
            tx.limit_all(&queue, tenant, bounds).await.map_err(explained)?;
        }
        Command::Weigh { queue, weight, .. } => {
            let tenant = tenant.ok_or("a tenant is weighed")?;
            tx.weigh(&queue, tenant, weight).await.map_err(explained)?;
        }
    }
    Ok(tx.commit().await?)
}

/// A constraint of the schema, in words.
fn explained(error: sqlx::Error) -> Failure {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
        Some("limits_rate_positive") => {
            Exit::Usage.because("the rate is 0.00001 to 1000000 a second; to stop the work, pause it")
        }
        Some("limits_weight_bounds") => {
            Exit::Usage.because("a weight is 0.01 to 100; to stop a tenant, pause it")
        }
        _ => error.into(),
    }
}
