//! Everything behind `./x bench`.

mod database;
mod engine;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let jobs: usize = std::env::var("JOBS").ok().and_then(|v| v.parse().ok()).unwrap_or(100_000);
    let only = std::env::var("ONLY").is_ok();
    for _ in 0..2 {
        if !only {
            println!("limit {:.0}", engine::limit::drain(jobs).await?);
        }
        let db = database::Database::migrated().await?;
        if let Ok(pre) = std::env::var("PRE_SQL") {
            database::run(&mut db.conn().await?, &pre).await?;
        }
        let eng = db.engine().await?;
        let t = uuid::Uuid::now_v7();
        let w = engine::rig::Waiting::start(
            &eng,
            &[t],
            std::env::var("CONC").ok().and_then(|v| v.parse().ok()).unwrap_or(4_000),
            engine::rig::Work::new(jobs),
        )
        .await?;
        let b = std::time::Instant::now();
        engine::rig::fill(&eng, t, jobs, |j| j).await?;
        println!("fill {:.0}", engine::limit::rate(jobs, b.elapsed()));
        db.settle().await?;
        let took = w.run(jobs).await?;
        println!("drain {:.0}", engine::limit::rate(jobs, took));
        eng.close().await;
        db.drop().await?;
        if !only {
            println!("rival {:.0}", engine::rival::drain(jobs).await?);
        }
    }
    Ok(())
}
