//! `workflows`: runs of procedures of many steps.

use clap::{Subcommand, builder::PossibleValuesParser};
use domain::workflows::{self, Whole};
use engine::workflows::Filter;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure,
    output::{Columns, Form, Most},
    tenant::{Look, Of},
    values, with_platform,
};
use crate::{
    config::Config,
    http::api::workflows::{STATES, WorkflowDetail, WorkflowRun},
};

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("WORKFLOW", "/workflow"),
    ("STATE", "/state"),
    ("BEGUN", "/begun_at"),
    ("ENDED", "/finished_at"),
    ("FAILED AT", "/failed_step"),
    ("ABOUT", "/business_key"),
];
const STEPS: Columns = &[
    ("STEP", "/name"),
    ("STATE", "/state"),
    ("AFTER", "/after"),
    ("JOB", "/job_id"),
    ("JOBS LEFT", "/jobs_left"),
    ("ERROR", "/error_code"),
    ("WAITS FOR", "/waits_for"),
];
const SIGNALS: Columns = &[("SIGNAL", "/name"), ("GIVEN", "/given_at"), ("PAYLOAD", "/payload")];

#[derive(Subcommand)]
pub(super) enum Command {
    /// The runs, newest first.
    List {
        #[command(flatten)]
        look: Look,
        /// For example `onboard_lead`.
        #[arg(long)]
        workflow: Option<String>,
        #[arg(long, value_parser = PossibleValuesParser::new(STATES))]
        state: Option<String>,
        /// What they are about, for example `lead:<id>`.
        #[arg(long)]
        key: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// A run with its steps, and what each of them waits for.
    Show {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
    /// Stop a run: nothing of it begins any more, and what it has begun is cancelled.
    Cancel {
        #[command(flatten)]
        of: Of,
        id: Uuid,
    },
    /// Take a run that is over up again: what failed or was cancelled, and all that follows.
    Retry {
        #[command(flatten)]
        of: Of,
        id: Uuid,
        /// Also this step, whatever became of it.
        #[arg(long)]
        step: Option<String>,
    },
    /// Tell a run what a step of it waits for.
    Signal {
        #[command(flatten)]
        of: Of,
        id: Uuid,
        name: String,
        /// JSON; it becomes the step's output.
        #[arg(long, default_value = "null", value_parser = values::json)]
        payload: Value,
    },
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::List { look, workflow, state, key, most } => {
            let ctx = look.enter(platform, "workflows list").await?;
            let filter = Filter { name: workflow, state, business_key: key, ..Filter::default() };
            let mut list = form.list(COLUMNS, most.limit);
            list.read(
                async |before, wanted| {
                    let runs = workflows::list(&ctx, &filter, before, wanted).await?;
                    Ok(runs.into_iter().map(WorkflowRun::from).collect())
                },
                |run: &WorkflowRun| run.id,
            )
            .await?;
            list.end()
        }
        Command::Show { look, id } => {
            let ctx = look.enter(platform, "workflows show").await?;
            whole(form, workflows::get(&ctx, id).await?)
        }
        Command::Cancel { of, id } => whole(form, workflows::cancel(&of.show(platform).await?, id).await?),
        Command::Retry { of, id, step } => {
            let ctx = of.show(platform).await?;
            whole(form, workflows::retry(&ctx, id, step.as_deref()).await?)
        }
        Command::Signal { of, id, name, payload } => {
            let result = workflows::signal(&of.act(platform).await?, id, &name, &payload).await?;
            form.done(&format!("the signal is {}", result.replace('_', " ")), &json!({ "result": result }))
        }
    })
    .await
}

fn whole(form: Form, whole: Whole) -> Result<(), Failure> {
    form.whole(&WorkflowDetail::from(whole), &[("steps", STEPS), ("signals", SIGNALS)])
}
