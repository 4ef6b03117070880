//! kill -9 of the product's own workers, restarts of Postgres and a pause while a campaign goes out: every recipient is in the
//! provider's ledger once or listed as `unknown`, nobody is skipped, nothing leaves while it is paused, and it finishes by
//! itself.
//!
//! - [`mishaps`] what is done to it; [`judge`] what came of it, by the ledger and by what the API lists

mod judge;
mod mishaps;

use std::{ops::Range, time::Duration};

use fakes::{World, faults::FaultPlan, twilio};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard::demo::client::Client;

use self::{
    judge::Told,
    mishaps::{Crew, Held, Stop},
};
use super::{
    api::Api,
    ledger::uptime,
    report::{Finding, Wish},
    site::Site,
};
use crate::{
    Outcome,
    campaign::{by_twilio, draft, people, start},
};

/// Rows of one file.
const IMPORTED: usize = 20_000;
/// Has what was cut off looked for now, and not at the next full minute only.
const LOOK_NOW: &str = "
update engine.schedules set next_at = engine.now() where kind = 'settle_lost' and next_at > engine.now()";

/// How it is done.
struct Form {
    recipients: usize,
    /// What the account of the provider is bound to.
    bounds: Value,
    /// How long the provider takes to answer.
    delay: Duration,
    /// Messages in the ledger when it is paused.
    pause_at: usize,
    paused: Duration,
    /// So many may come after the pause was answered: what was claimed for its attempt before.
    batch: usize,
    /// The first death comes while recipients are written down.
    while_planned: bool,
    deaths: usize,
    restarts: usize,
    /// In the course of which messages deaths and restarts come.
    mishaps: Range<usize>,
    /// From the last mishap until it is finished.
    within_s: f64,
    /// Waits until it is known of all what became of them, as far as the provider tells.
    until_known: bool,
}

impl Form {
    fn of(wish: Wish) -> Self {
        if wish.long {
            return Self {
                recipients: 100_000,
                bounds: json!({}),
                delay: Duration::from_millis(20),
                pause_at: 500,
                paused: Duration::from_mins(1),
                batch: 500,
                while_planned: true,
                deaths: 10,
                restarts: 2,
                mishaps: 5_000..95_000,
                within_s: 600.0,
                until_known: true,
            };
        }
        Self {
            recipients: 600,
            // Else they are gone before anything can befall them.
            bounds: json!({"rate_per_s": 40.0}),
            delay: Duration::from_millis(500),
            pause_at: 60,
            paused: Duration::from_secs(4),
            batch: 100,
            while_planned: false,
            deaths: 2,
            restarts: 1,
            mishaps: 120..420,
            within_s: 120.0,
            until_known: false,
        }
    }

    /// What is done, and how many messages have come by then: restarts evenly among the deaths.
    fn plan(&self, dice: &mut fastrand::Rng) -> Vec<(usize, Mishap)> {
        let deaths = self.deaths - usize::from(self.while_planned);
        let all = deaths + self.restarts;
        let every = all / (self.restarts + 1) + 1;
        let fast_first = dice.bool();
        let of = |place: usize| {
            let restart = (place + 1) / every;
            if (place + 1).is_multiple_of(every) && restart <= self.restarts {
                Mishap::Restart { fast: restart.is_multiple_of(2) == fast_first }
            } else {
                Mishap::Death
            }
        };
        let step = self.mishaps.len() / all;
        (0..all)
            .map(|place| (self.mishaps.start + place * step + dice.usize(0..step / 2), of(place)))
            .collect()
    }
}

#[derive(Clone, Copy)]
enum Mishap {
    Death,
    Restart { fast: bool },
}

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let form = Form::of(wish);
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let mut site = Site::prepare().await?;
    let api = Api::open(&site).await?;
    let client = &api.client;
    let world = World::with_faults(FaultPlan { delay: form.delay, ..FaultPlan::default() });
    let fake = twilio::Fake::start(twilio::Config { world, ..twilio::Config::default() }).await?;
    by_twilio(client, &fake, &form.bounds).await?;
    for first in (0..form.recipients).step_by(IMPORTED) {
        people::import(client, first..form.recipients.min(first + IMPORTED)).await?;
    }
    // A death leaves messages of unknown fate, which is no fault of the provider.
    let path = draft(client, "sms", &json!({}), &json!({"breaker": null})).await?;
    let mut conn = site.system().await?;
    let mut crew = Crew::start(&site, &mut conn).await?;

    let (began, mut held) = (uptime()?, 0);
    start(client, &path).await?;
    if form.while_planned {
        held += crew.strike(&site, &mut conn, Held::Campaigns).await?;
    }
    came(&fake, form.pause_at, &form).await?;
    let stop = Stop::make(client, &path, fake.ledger(), form.paused).await?;
    for (at, mishap) in form.plan(&mut dice) {
        came(&fake, at, &form).await?;
        match mishap {
            Mishap::Death => held += crew.strike(&site, &mut conn, Held::Messages).await?,
            Mishap::Restart { fast } => {
                drop(conn);
                mishaps::restart(&mut site, fast, Duration::from_millis(dice.u64(0..1_000))).await?;
                conn = site.system().await?;
            }
        }
    }
    let last = uptime()?;
    let told = finished(client, &path, &mut conn, &form).await?;
    let over = uptime()?;
    if form.until_known {
        known(client, &path, form.within_s).await?;
    }

    let mut finding = judge::judge(client, (&path, form.recipients), fake.ledger(), &told).await?;
    finding.runs = form.deaths + form.restarts;
    finding.recovered(over - last, form.within_s);
    finding.begun_again = held;
    finding.holds(held > 0, || "no death hit a job under way".into());
    finding.holds(stop.late <= form.batch, || {
        format!("{} messages came after the pause was answered, not {}", stop.late, form.batch)
    });
    finding.holds(stop.during == 0, || format!("{} messages came while it was paused", stop.during));
    finding.holds(stop.was_paused, || "it was over, or was not paused, when the pause ended".into());
    let dead = crew.dead()?;
    finding.holds(dead == 0, || format!("{dead} workers ended by themselves"));
    eprintln!(
        "{held} jobs were held at {} deaths, {} restarts of Postgres; {} messages came after the pause was answered and {} \
         in the {} s of it; finished {:.0} s after its start, {:.0} s after the last mishap",
        form.deaths,
        form.restarts,
        stop.late,
        stop.during,
        form.paused.as_secs(),
        over - began,
        over - last
    );
    let jobs: i64 =
        sqlx::query_scalar("select count(*) from engine.job_history").fetch_one(&mut conn).await?;
    finding.jobs = usize::try_from(jobs)?;
    drop(conn);
    drop(crew);
    let engine = api.close().await;
    site.clear_away(engine).await?;
    Ok(finding)
}

/// Waits until so many messages are in the ledger.
async fn came(fake: &twilio::Fake, count: usize, form: &Form) -> Outcome<()> {
    let patience = Duration::from_secs_f64(form.within_s);
    let came = tokio::time::timeout(patience, fake.ledger().until(count)).await;
    Ok(came.map_err(|_| format!("it does not go on: {} messages came", fake.ledger().count()))?)
}

/// Waits until the campaign is finished, by itself; or until that takes too long, which the judge will see. Answers what was
/// told of it then.
async fn finished(client: &Client, path: &str, conn: &mut PgConnection, form: &Form) -> Outcome<Told> {
    let patience = uptime()? + form.within_s;
    loop {
        if !form.until_known {
            sqlx::query(LOOK_NOW).execute(&mut *conn).await?;
        }
        // A connection to the database may have been cut off behind the API's back.
        let told = Told::ask(client, path).await;
        let is_late = uptime()? > patience;
        match told {
            Ok(told) if told.is_over() || is_late => return Ok(told),
            Err(error) if is_late => return Err(error),
            _ => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Waits until nobody is of unknown fate any more, or for so long.
async fn known(client: &Client, path: &str, within_s: f64) -> Outcome<()> {
    let patience = uptime()? + within_s;
    while Told::ask(client, path).await?.unknown() > 0 && uptime()? < patience {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mishaps_come_one_after_the_other_while_messages_are_left() {
        for (long, deaths, restarts) in [(true, 9, 2), (false, 2, 1)] {
            for seed in 0..100 {
                let form = Form::of(Wish { long, seed });
                let plan = form.plan(&mut fastrand::Rng::with_seed(seed));
                let died = plan.iter().filter(|(_, mishap)| matches!(mishap, Mishap::Death)).count();
                let fast = plan.iter().filter(|(_, mishap)| matches!(mishap, Mishap::Restart { fast: true }));
                assert_eq!((died, plan.len() - died), (deaths, restarts));
                assert!(restarts == 1 || fast.count() == 1, "one of two restarts is an orderly one");
                assert!(plan.windows(2).all(|pair| pair[0].0 < pair[1].0));
                assert!(plan.iter().all(|(at, _)| form.mishaps.contains(at)));
                assert!(form.pause_at + form.batch <= form.recipients && form.mishaps.end < form.recipients);
            }
        }
    }
}
