//! What runs in the background.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, SignedIn},
    Route,
};
use crate::http::api::{job_actions, jobs, queues, schedules, workflows};

/// Jobs, schedules and workflows.
pub(super) fn work() -> Vec<Route> {
    vec![
        (Needs(P::JobsRead), routes!(jobs::list_jobs)),
        (Needs(P::JobsRead), routes!(jobs::get_job)),
        (Needs(P::JobsBulk), routes!(job_actions::act_on_jobs)),
        (Needs(P::JobsCancel), routes!(jobs::cancel_job)),
        (Needs(P::JobsRetry), routes!(jobs::retry_job)),
        (Needs(P::JobsDiscard), routes!(jobs::discard_job)),
        (SignedIn, routes!(jobs::get_operation)),
        (Needs(P::QueuesRead), routes!(queues::list_queues)),
        (Needs(P::QueuesPause), routes!(queues::pause_queue)),
        (Needs(P::QueuesPause), routes!(queues::resume_queue)),
        (Needs(P::QueuesLimit), routes!(queues::limit_queue)),
        (Needs(P::NodesRead), routes!(queues::list_nodes)),
        (Needs(P::SchedulesWrite), routes!(schedules::create_schedule)),
        (Needs(P::SchedulesRead), routes!(schedules::list_schedules)),
        (Needs(P::SchedulesRead), routes!(schedules::preview_schedule)),
        (Needs(P::SchedulesRead), routes!(schedules::get_schedule)),
        (Needs(P::SchedulesWrite), routes!(schedules::replace_schedule)),
        (Needs(P::SchedulesDelete), routes!(schedules::delete_schedule)),
        (Needs(P::SchedulesPause), routes!(schedules::pause_schedule)),
        (Needs(P::SchedulesPause), routes!(schedules::resume_schedule)),
        (Needs(P::SchedulesRun), routes!(schedules::run_schedule)),
        (Needs(P::SchedulesRead), routes!(schedules::list_ticks)),
        (Needs(P::WorkflowsStart), routes!(workflows::start_workflow)),
        (Needs(P::WorkflowsRead), routes!(workflows::list_workflows)),
        (Needs(P::WorkflowsRead), routes!(workflows::get_workflow)),
        (Needs(P::WorkflowsCancel), routes!(workflows::cancel_workflow)),
        (Needs(P::WorkflowsRetry), routes!(workflows::retry_workflow)),
        (Needs(P::WorkflowsSignal), routes!(workflows::signal_workflow)),
    ]
}
