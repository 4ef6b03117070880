//! Procedures of many steps: in their order, once, whatever ends in between.

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, Flow, Outcome,
    operate::Action,
    schedules::{Overlap, Spec, When},
    workflows::{self, Ended, Restarted, RunView, Signalled, StepView, Why},
};
use serde_json::{Value, json};
use switchboard_tests::{
    Database,
    probe::{Probe, Process, Seen, act, nobody, probe, procedure, reaches},
};
use uuid::Uuid;

/// A process that knows procedures: each declares a flow by what it says.
struct Site {
    engine: Engine,
    database: Database,
    tenant: Uuid,
}

fn say(text: &str) -> Probe {
    Probe { say: text.into() }
}

/// Handlers that declare this flow.
fn declaring(declare: impl Fn(&mut Flow) + Send + Sync + 'static) -> Seen {
    let declare = Arc::new(declare);
    Seen::default().answering(move |claim, said| {
        (said == "declare").then(|| {
            let mut flow = Flow::new(claim.tenant);
            declare(&mut flow);
            let outcome = match flow.into_steps() {
                Ok(steps) => Outcome::Begin(steps),
                Err(why) => Outcome::Discard { code: "bad_workflow", why: why.to_string() },
            };
            Box::pin(std::future::ready(outcome)) as _
        })
    })
}

impl Site {
    async fn create() -> Self {
        let database = Database::create().await;
        Self { engine: database.engine().await, database, tenant: Uuid::now_v7() }
    }

    async fn start(&self) -> Uuid {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let jobs = vec![procedure(self.tenant, "declare")];
        let started = tx.start_workflows(jobs, &nobody()).await.expect("started");
        tx.commit().await.expect("committed");
        started[0].id
    }

    async fn run(&self, run: Uuid) -> RunView {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        workflows::get(tx.conn(), self.tenant, run).await.expect("an answer").expect("the run")
    }

    async fn steps(&self, run: Uuid) -> Vec<StepView> {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        workflows::steps(tx.conn(), self.tenant, run).await.expect("the steps")
    }

    /// `name state` of each step, with how a wait ended.
    async fn standing(&self, run: Uuid) -> Vec<String> {
        let shown = |step: StepView| match step.outcome {
            Some(outcome) => format!("{} {}", step.name, outcome),
            None => format!("{} {}", step.name, step.state),
        };
        self.steps(run).await.into_iter().map(shown).collect()
    }

    async fn becomes(&self, run: Uuid, state: &str) {
        self.until(run, |now, _| now.state == state).await;
    }

    async fn step_becomes(&self, run: Uuid, name: &str, state: &str) {
        let is = |_: &RunView, steps: &[StepView]| {
            steps.iter().any(|step| step.name == name && step.state == state)
        };
        self.until(run, is).await;
    }

    /// Looks again and again, ticking.
    async fn until(&self, run: Uuid, holds: impl Fn(&RunView, &[StepView]) -> bool) {
        let reached = async {
            while !holds(&self.run(run).await, &self.steps(run).await) {
                self.engine.tick().await.expect("ticked");
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await.is_ok();
        assert!(reached, "it stays {:?} {:?}", self.run(run).await, self.standing(run).await);
    }

    async fn signal(&self, run: Uuid, name: &str) -> Signalled {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let given = tx.signal_run(run, name, &json!({"from": "test"}), &nobody()).await.expect("an answer");
        tx.commit().await.expect("committed");
        given
    }

    async fn restart(&self, run: Uuid, from: Option<&str>) -> Restarted {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let again = tx.restart_run(self.tenant, run, from).await.expect("an answer");
        tx.commit().await.expect("committed");
        again
    }

    async fn cancel(&self, run: Uuid) -> Option<String> {
        let mut tx = self.engine.begin_tenant(self.tenant).await.expect("a transaction");
        let state = tx.cancel_run(run).await.expect("an answer");
        tx.commit().await.expect("committed");
        self.engine.wind_down(self.tenant, run).await.expect("wound down");
        state
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_run_in_their_order_and_a_join_waits_for_all() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("first", &say("first"));
        flow.step("left", &say("left"));
        flow.step("right", &say("right")).after(["first"]);
        flow.step("last", &say("last")).after(["left", "right"]);
    });
    let run = site.start().await;
    assert_eq!(site.run(run).await.state, "running", "it is there at once");
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "completed").await;
    process.drain().await;
    let said = seen.list();
    assert_eq!(said.len(), 5, "{said:?}");
    assert_eq!((said[0].as_str(), said[1].as_str(), said[4].as_str()), ("declare", "first", "last"));
    assert_eq!(
        site.standing(run).await,
        ["first completed", "left completed", "right completed", "last completed"]
    );
    let last = &site.steps(run).await[3];
    assert_eq!(
        (last.output.clone(), last.needs.clone()),
        (Some(json!({"said": "last"})), vec!["left".into(), "right".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_stops_its_run_until_it_is_taken_up_again() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("first", &say("first"));
        flow.step("breaks", &say("discard"));
        flow.step("after", &say("after"));
        flow.sleep("rest", Duration::from_hours(1)).after(["first"]);
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "failed").await;
    assert_eq!(site.run(run).await.failed_step.as_deref(), Some("breaks"));
    let cut = ["first completed", "breaks failed", "after cancelled", "rest cancelled"];
    assert_eq!(site.standing(run).await, cut);
    let failed = site.steps(run).await[1].clone();
    assert_eq!(failed.error_code.as_deref(), Some("asked"));
    let job = failed.job_id.expect("a job");
    let alone = act(&site.engine, site.tenant, Action::Retry, &[job]).await;
    assert_eq!(alone, ["part_of_run"], "it goes with its run");

    process.drain().await;
    assert_eq!(site.restart(run, Some("nowhere")).await, Restarted::UnknownStep);
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    assert_eq!(site.restart(run, None).await, Restarted::NotOver("running".into()));
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "failed").await;
    assert_eq!(site.standing(run).await, cut);
    let said = seen.list();
    assert_eq!(said.iter().filter(|said| *said == "discard").count(), 2);
    assert_eq!(
        said.iter().filter(|said| *said == "first").count(),
        1,
        "what had completed does not run again"
    );
    process.drain().await;

    // Under a handler that does better.
    let better = Seen::default().answering(|_, said| {
        (said == "discard").then(|| Box::pin(std::future::ready(Outcome::Done(Value::Null))) as _)
    });
    let process = Process::start(&site.engine, 4, better.clone()).await;
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    site.step_becomes(run, "rest", "sleeping").await;
    site.database.advance(3600.0).await;
    site.becomes(run, "completed").await;
    assert_eq!(site.restart(run, None).await, Restarted::Nothing);
    assert_eq!(site.restart(run, Some("after")).await, Restarted::Running, "once more from a step");
    site.becomes(run, "completed").await;
    process.drain().await;
    assert_eq!(better.list(), ["discard", "after", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_a_failed_step_that_says_so() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("breaks", &say("discard")).go_on();
        flow.step("mended", &say("mended")).only_if("breaks", Ended::Failed);
        flow.step("praised", &say("praised")).after(["breaks"]).only_if("breaks", Ended::Completed);
        flow.step("thanks", &say("thanks")).after(["praised", "mended"]);
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen).await;
    site.becomes(run, "completed").await;
    process.drain().await;
    assert_eq!(
        site.standing(run).await,
        ["breaks failed", "mended completed", "praised skipped", "thanks completed"]
    );
}

/// A wait for a signal, then a step for each way in which it can end.
fn asking(flow: &mut Flow) {
    flow.step("ask", &say("ask"));
    flow.wait_for("answer", "answered", Some(Duration::from_hours(24)));
    flow.step("thank", &say("thank")).only_if("answer", Ended::Signalled);
    flow.step("remind", &say("remind")).after(["answer"]).only_if("answer", Ended::TimedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_wait_and_so_does_its_deadline() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let (answered, silent) = (site.start().await, site.start().await);
    site.step_becomes(answered, "answer", "sleeping").await;
    site.step_becomes(silent, "answer", "sleeping").await;
    let steps = site.steps(answered).await;
    let until = steps[1].wake_at;
    assert!(until.is_some());
    assert_eq!(workflows::why(&steps[1], &steps), Some(Why::Signal { signal: "answered".into(), until }));
    assert_eq!(workflows::why(&steps[2], &steps), Some(Why::Steps { steps: vec!["answer".into()] }));

    assert_eq!(site.signal(answered, "answered").await, Signalled::Taken);
    assert_eq!(site.signal(answered, "answered").await, Signalled::GivenBefore);
    assert_eq!(site.signal(silent, "sung").await, Signalled::Unknown);
    site.becomes(answered, "completed").await;
    assert_eq!(
        site.standing(answered).await,
        ["ask completed", "answer signalled", "thank completed", "remind skipped"]
    );
    assert_eq!(site.steps(answered).await[1].output, Some(json!({"from": "test"})));

    site.database.advance(24.0 * 3600.0 - 60.0).await;
    assert_eq!(site.engine.tick().await.expect("ticked"), 0, "not yet");
    site.database.advance(60.0).await;
    site.becomes(silent, "completed").await;
    assert_eq!(
        site.standing(silent).await,
        ["ask completed", "answer timed_out", "thank skipped", "remind completed"]
    );
    assert_eq!(site.signal(silent, "answered").await, Signalled::NotRunning("completed".into()));
    assert_eq!(site.signal(Uuid::now_v7(), "answered").await, Signalled::NoSuchRun);
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_comes_early_is_kept_and_one_that_comes_late_is_refused() {
    let site = Site::create().await;
    let run = site.start().await;
    assert_eq!(site.signal(run, "answered").await, Signalled::Kept, "before its first job has run");
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    site.becomes(run, "completed").await;
    assert_eq!(site.standing(run).await[1], "answer signalled");

    let seen = declaring(|flow| {
        flow.wait_for("bell", "bell", Some(Duration::from_hours(1)));
        flow.sleep("rest", Duration::from_hours(1));
    });
    process.drain().await;
    let process = Process::start(&site.engine, 4, seen).await;
    let run = site.start().await;
    site.step_becomes(run, "bell", "sleeping").await;
    site.database.advance(3601.0).await;
    site.step_becomes(run, "rest", "sleeping").await;
    assert_eq!(site.signal(run, "bell").await, Signalled::TooLate);
    process.drain().await;
}

/// Spreads into so many jobs, a thousand at a time; dies once in the middle.
fn spreading(engine: &Engine, many: usize, child: &'static str) -> Seen {
    let engine = engine.clone();
    let declare = declaring(|flow| {
        flow.step("spread", &say("spread"));
        flow.step("join", &say("join"));
    });
    let declared = declare.clone();
    Seen::default().answering(move |claim, said| match said {
        "declare" => declared.answer(claim, said),
        "spread" => {
            let engine = engine.clone();
            Some(Box::pin(async move {
                loop {
                    let mut tx = engine.begin_tenant(claim.tenant).await.expect("a transaction");
                    let step = tx.step_of(&claim).await.expect("an answer").expect("a step");
                    let done: usize =
                        step.cursor.as_deref().map_or(0, |done| done.parse().expect("a number"));
                    if done == many {
                        return Outcome::Done(Value::Null);
                    }
                    if done > 0 && claim.attempt == 1 {
                        let why = "it died halfway".into();
                        return Outcome::Retry { after: Some(Duration::ZERO), code: "died", why };
                    }
                    let slice = (done..many.min(done + 1000)).map(|_| probe(claim.tenant, child)).collect();
                    let next = many.min(done + 1000).to_string();
                    let from = step.cursor.as_deref();
                    assert!(tx.spread(&claim, slice, &nobody(), from, Some(&next)).await.expect("spread"));
                    tx.commit().await.expect("committed");
                }
            }))
        }
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_spreads_into_many_jobs_and_the_next_waits_for_all() {
    let site = Site::create().await;
    let seen = spreading(&site.engine, 2_500, "child");
    let run = site.start().await;
    let process = Process::start(&site.engine, 64, seen.clone()).await;
    site.becomes(run, "completed").await;
    process.drain().await;
    let said = seen.list();
    assert_eq!(
        said.iter().filter(|said| *said == "child").count(),
        2_500,
        "each once, though it was cut off"
    );
    assert_eq!(said.last().map(String::as_str), Some("join"));
    let step = site.steps(run).await[0].clone();
    assert_eq!((step.jobs, step.left_jobs, step.failed), (2_501, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_step_that_spread_only_what_failed_runs_again() {
    let site = Site::create().await;
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let spread = spreading(&site.engine, 50, "child");
    let seen = Seen::default().answering({
        let first = Arc::clone(&first);
        move |claim, said| {
            if said == "child" && first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                let outcome = Outcome::Discard { code: "asked", why: "the first of them".into() };
                return Some(Box::pin(std::future::ready(outcome)));
            }
            spread.answer(claim, said)
        }
    });
    let run = site.start().await;
    // One at a time: the rest waits when the first one fails.
    let process = Process::start(&site.engine, 1, seen.clone()).await;
    site.becomes(run, "failed").await;
    let step = site.steps(run).await[0].clone();
    assert_eq!((step.state.as_str(), step.failed, step.left_jobs), ("failed", 1, 0));
    let done = seen.list().iter().filter(|said| *said == "child").count();
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    site.becomes(run, "completed").await;
    process.drain().await;
    let again = seen.list().iter().filter(|said| *said == "child").count() - done;
    assert_eq!(again, usize::try_from(step.failed + step.cancelled).expect("few"));
    assert_eq!(site.standing(run).await, ["spread completed", "join completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_begins_nothing_more() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("heeds", &say("heed"));
        flow.step("after", &say("after"));
        flow.wait_for("bell", "bell", None).after([]);
    });
    let early = site.start().await;
    assert_eq!(site.cancel(early).await.as_deref(), Some("stopping"));
    assert_eq!(site.run(early).await.state, "cancelled", "its first job had not begun");
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    seen.wait_for(2).await;
    assert_eq!(site.cancel(run).await.as_deref(), Some("stopping"));
    site.becomes(run, "cancelled").await;
    assert_eq!(site.standing(run).await, ["heeds cancelled", "after cancelled", "bell cancelled"]);
    assert_eq!(site.cancel(run).await.as_deref(), Some("cancelled"));
    assert_eq!(site.cancel(Uuid::now_v7()).await, None);
    process.drain().await;
    assert_eq!(seen.list(), ["declare", "heed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_whose_step_was_discarded_by_hand_does_not_wait_for_ever() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("later", &say("later")).with(|job| job.delay(Duration::from_hours(1)));
        flow.step("now", &say("now")).after([]);
        flow.step("join", &say("join")).after(["later", "now"]);
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.step_becomes(run, "now", "completed").await;
    let later = site.steps(run).await[0].clone();
    assert_eq!(later.job_state.as_deref(), Some("scheduled"));
    let discarded = act(&site.engine, site.tenant, Action::Discard, &[later.job_id.expect("a job")]).await;
    assert_eq!(discarded, ["discarded"]);
    site.becomes(run, "failed").await;
    assert_eq!(site.standing(run).await, ["later failed", "now completed", "join cancelled"]);
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_workflow_fails_with_its_reason() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("a", &say("a")).after(["b"]);
        flow.step("b", &say("b"));
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen).await;
    site.becomes(run, "failed").await;
    assert_eq!(site.run(run).await.failed_step.as_deref(), Some(""));
    let job = reaches(&site.engine, site.tenant, run, "discarded").await;
    assert_eq!(job.error_code.as_deref(), Some("bad_workflow"));
    assert!(
        job.attempts[0]["error"].as_str().is_some_and(|why| why.contains("a, b go in a circle")),
        "{job:?}"
    );
    process.drain().await;

    // A job that nobody started as a workflow cannot become one.
    let begins = declaring(|flow| {
        flow.step("a", &say("a"));
    });
    let job = probe(site.tenant, "declare");
    let id = job.id;
    switchboard_tests::probe::enqueue(&site.engine, site.tenant, &[job]).await;
    let process = Process::start(&site.engine, 4, begins).await;
    let job = reaches(&site.engine, site.tenant, id, "discarded").await;
    assert_eq!(job.error_code.as_deref(), Some("ending_refused"));
    process.drain().await;

    // Taken up again under a build that declares it rightly.
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    site.step_becomes(run, "answer", "sleeping").await;
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_has_no_part_in_a_run() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let run = site.start().await;
    site.step_becomes(run, "answer", "sleeping").await;
    let other =
        Site { engine: site.engine.clone(), database: Database::create().await, tenant: Uuid::now_v7() };
    assert_eq!(other.signal(run, "answered").await, Signalled::NoSuchRun);
    assert_eq!(other.cancel(run).await, None);
    assert_eq!(other.restart(run, Some("ask")).await, Restarted::NoSuchRun);
    assert!(other.steps(run).await.is_empty());
    assert_eq!(site.standing(run).await[1], "answer sleeping");
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_begins_a_run_and_waits_for_its_end() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let mut tx = site.engine.begin_tenant(site.tenant).await.expect("a transaction");
    let job = procedure(site.tenant, "declare");
    let spec = Spec::of("asked each day", job, When::Crontab("0 6 * * *".into()));
    let spec = Spec { workflow: true, overlap: Overlap::Skip, ..spec };
    let schedule = Uuid::now_v7();
    tx.put_schedule(schedule, &spec, &nobody()).await.expect("made");
    tx.commit().await.expect("committed");
    let hour = 3600.0;
    site.database.advance(24.0 * hour).await;
    site.engine.tick().await.expect("ticked");
    let ticks = async || {
        let mut tx = site.engine.begin_tenant(site.tenant).await.expect("a transaction");
        engine::schedules::ticks(tx.conn(), site.tenant, schedule, None, 10).await.expect("ticks")
    };
    let first = ticks().await;
    let run = first[0].job_id.expect("a run");
    site.step_becomes(run, "answer", "sleeping").await;
    site.database.advance(23.9 * hour).await;
    site.engine.tick().await.expect("ticked");
    let second = ticks().await;
    assert!(second.len() == 1 || second[0].outcome == "skipped", "the run before goes on: {second:?}");
    site.database.advance(25.0 * hour).await;
    site.becomes(run, "completed").await;
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_forgotten_with_the_history() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let (over, open) = (site.start().await, site.start().await);
    site.step_becomes(open, "answer", "sleeping").await;
    assert!(matches!(site.signal(over, "answered").await, Signalled::Taken | Signalled::Kept));
    site.becomes(over, "completed").await;
    process.drain().await;
    site.database.advance(31.0 * 86_400.0).await;
    let mut system = site.database.connect_as("switchboard_system").await;
    let gone: i64 =
        sqlx::query_scalar("select engine.prune(30)").fetch_one(&mut system).await.expect("pruned");
    assert_eq!(gone, 1);
    let left: Vec<Uuid> = sqlx::query_scalar(
        "select run_id from (select run_id from engine.steps union select run_id from engine.signals
           union select id from engine.runs) r",
    )
    .fetch_all(&mut system)
    .await
    .expect("rows");
    assert_eq!(left, [open]);
}
