//! A job commits with the row it serves, or not at all: `./x example transaction`.

mod shared;

use engine::{JobKind, NewJob, jobs};
use serde::{Deserialize, Serialize};
use shared::Result;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Payloads hold ids; what they are about is read when the job runs.
#[derive(Serialize, Deserialize)]
struct WelcomeLead {
    lead: i32,
}

impl JobKind for WelcomeLead {
    const KIND: &'static str = "welcome_lead";
    const QUEUE: &'static str = "examples";
}

#[tokio::main]
async fn main() -> Result<()> {
    show(shared::database().await?).await
}

/// # Errors
/// If Postgres refuses.
///
/// # Panics
/// If the engine does not do what the example says.
pub async fn show(connect: PgConnectOptions) -> Result<()> {
    prepare(&connect).await?;
    let engine = shared::engine(connect).await?;
    let tenant = Uuid::now_v7();
    let (welcomed, mut heard) = mpsc::channel(8);
    let worker = shared::Worker::start(
        &engine,
        &[shared::kind::<WelcomeLead>()],
        4,
        welcomed,
        |envelope, welcomed| async move {
            let job = WelcomeLead::decode(envelope.version, &envelope.args)?;
            welcomed.send(job.lead).await?;
            Ok(engine::Outcome::Done(serde_json::json!({"welcomed": job.lead})))
        },
    )
    .await?;

    for (lead, keep) in [(1, false), (2, true)] {
        let mut tx = engine.begin_tenant(tenant).await?;
        sqlx::query("insert into example_leads values ($1)").bind(lead).execute(tx.conn()).await?;
        let job = NewJob::of(tenant, Uuid::now_v7(), &WelcomeLead { lead })?
            .about(format!("lead:{lead}"))
            .unique(format!("welcome:{lead}"));
        tx.enqueue(&[job], &shared::nobody()).await?;
        // The commit wakes this process's dispatchers at once, and hints to the others.
        if keep { tx.commit().await? } else { tx.rollback().await? }
    }

    assert_eq!(heard.recv().await, Some(2), "of the lead that was rolled back nobody hears");
    worker.stop().await?;
    let mut tx = engine.begin_tenant(tenant).await?;
    for job in jobs::list(tx.conn(), tenant, &jobs::Filter::default(), None, 10).await? {
        println!("{} about {:?}: {}", job.kind, job.business_key, job.state);
    }
    drop(tx);
    engine.close().await;
    Ok(())
}

async fn prepare(connect: &PgConnectOptions) -> Result<()> {
    let mut owner = PgConnection::connect_with(connect).await?;
    let table =
        "create table if not exists example_leads (id int); grant insert on example_leads to switchboard_app";
    sqlx::raw_sql(table).execute(&mut owner).await?;
    Ok(())
}
