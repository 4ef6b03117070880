//! `./x bench soak`: a day of a call centre in miniature, at a fixed rate, for some minutes. Nothing may go wrong in it, and at
//! its end it must go as it did at its beginning: as fast, in as much memory, with as many rows of what goes on.
//!
//! - [`plan`] what is done and how often; [`drive`] begins it when it is due, whatever came of what was before
//! - [`shift`], [`tenant`] what is worked with; [`acts`], [`telephone`], [`files`], [`crowd`] what is done
//! - [`record`], [`gauge`] what is measured; [`flat`], [`judge`] what is held against it; [`print`](mod@print) says it

mod acts;
mod crowd;
mod drive;
mod files;
mod flat;
mod gauge;
mod judge;
mod plan;
mod print;
mod record;
mod shift;
mod telephone;
mod tenant;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use self::{
    crowd::Crowd,
    flat::Timed,
    print::Told,
    record::{Fault, Sample},
    shift::Shift,
};
use crate::Outcome;

/// How it is asked for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long the load goes on.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_440))]
    minutes: u16,
    /// How much is done, as times of what is done if it is not said.
    #[arg(long, default_value_t = 1.0, value_parser = rate)]
    rate: f64,
    /// Sockets that are open, but for those who are away.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    sockets: u16,
    /// The seed of who goes away when.
    #[arg(long)]
    seed: Option<u64>,
    /// The last line is one JSON object.
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.01..=plan::MOST).contains(&rate) {
        Ok(rate)
    } else {
        Err(format!("choose one from 0.01 to {}", plan::MOST))
    }
}

/// Works, judges and prints.
pub async fn report(args: Args) -> Outcome<()> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let span = Duration::from_mins(args.minutes.into());
    let shift = Arc::new(Shift::open().await?);
    let mut dice = fastrand::Rng::with_seed(seed);
    let crowd = Crowd::come(&shift, args.sockets.into(), &mut dice);
    let (over, is_over) = watch::channel(false);
    let (conn, process) = (shift.house.database.conn().await?, shift.door.process);
    let began = Instant::now();
    let looking = tokio::spawn(gauge::watch(conn, process, began, is_over));
    drive::drive(&shift, began, span, args.rate).await?;
    over.send_replace(true);
    let looks = looking.await??;
    let finding = judge::judge(&shift).await?;
    let heard = crowd.leave(&shift).await?;
    let (requests, (samples, faults)) = (shift.record.requests(), shift.record.read());
    let verdict = flat::judge(&timed(&samples, began, span), &looks, span.as_secs_f64());
    let told = Told { looks, verdict, finding, heard, faults, requests };
    told.print();
    if args.json {
        println!("{}", told.json());
    }
    Arc::into_inner(shift).ok_or("somebody still works")?.close().await?;
    verdict_of(&told)
}

/// The requests that were due while the load went on.
fn timed(samples: &[Sample], began: Instant, span: Duration) -> Vec<Timed> {
    let within = samples.iter().filter_map(|sample| {
        let after = sample.due.checked_duration_since(began).filter(|after| *after < span)?;
        Some(Timed { kind: sample.kind, due_s: after.as_secs_f64(), took_ms: sample.took_ms })
    });
    within.collect()
}

fn verdict_of(told: &Told) -> Outcome<()> {
    let first = told.faults.iter().next().map(|(kind, Fault { first, .. })| format!("{kind}: {first}"));
    let (errors, lost, doubled, broken) = (told.errors(), told.lost(), told.doubled(), told.broken());
    if errors == 0 && lost == 0 && doubled == 0 && broken.is_empty() {
        return Ok(());
    }
    let why = broken.first().map(|why| (*why).clone()).or(first).unwrap_or_default();
    Err(format!("{errors} errors, {lost} lost, {doubled} doubled, {} did not hold; {why}", broken.len())
        .into())
}
