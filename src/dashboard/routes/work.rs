//! What stands under Work in the navigation.

use domain::access::permission::Permission as P;

use super::{Access::Needs, Place, get, post};
use crate::dashboard::pages::{dead_letters, jobs, overview, queues, reports, schedules, workers, workflows};

/// How all of it is.
pub(super) fn beginning() -> Vec<Place> {
    vec![get(Needs(P::JobsRead), "/ops/overview", overview::overview).named("Work", "Overview", 'o')]
}

/// What is done, and by whom.
pub(super) fn work() -> Vec<Place> {
    vec![
        get(Needs(P::JobsRead), "/ops/jobs", jobs::list::list).named("Work", "Jobs", 'j'),
        get(Needs(P::JobsRead), "/ops/jobs/fresh", jobs::list::fresh),
        post(Needs(P::JobsBulk), "/ops/jobs/bulk", jobs::bulk::preview),
        post(Needs(P::JobsBulk), "/ops/jobs/bulk/run", jobs::bulk::run),
        get(Needs(P::JobsRead), "/ops/jobs/{id}", jobs::one::show_job),
        post(Needs(P::JobsCancel), "/ops/jobs/{id}/cancel", jobs::one::cancel),
        post(Needs(P::JobsRetry), "/ops/jobs/{id}/retry", jobs::one::retry),
        post(Needs(P::JobsDiscard), "/ops/jobs/{id}/discard", jobs::one::discard),
    ]
}

/// What the work waits in, runs on, and begins by; and what was given up.
pub(super) fn machinery() -> Vec<Place> {
    vec![
        get(Needs(P::QueuesRead), "/ops/queues", queues::list::list).named("Work", "Queues", 'q'),
        get(Needs(P::QueuesRead), "/ops/queues/{name}", queues::one::show_queue),
        post(Needs(P::QueuesPause), "/ops/queues/{name}/pause", queues::steer::pause),
        post(Needs(P::QueuesPause), "/ops/queues/{name}/resume", queues::steer::resume),
        post(Needs(P::QueuesLimit), "/ops/queues/{name}/limit", queues::steer::limit),
        get(Needs(P::NodesRead), "/ops/workers", workers::list).named("Work", "Workers", 'w'),
        get(Needs(P::SchedulesRead), "/ops/schedules", schedules::list::list).named("Work", "Schedules", 's'),
        get(Needs(P::SchedulesRead), "/ops/schedules/{id}", schedules::one::show_schedule),
        post(Needs(P::SchedulesPause), "/ops/schedules/{id}/pause", schedules::steer::pause),
        post(Needs(P::SchedulesPause), "/ops/schedules/{id}/resume", schedules::steer::resume),
        post(Needs(P::SchedulesRun), "/ops/schedules/{id}/run", schedules::steer::run),
        get(Needs(P::JobsRead), "/ops/dead-letters", dead_letters::list::list).named(
            "Work",
            "Dead letters",
            'd',
        ),
    ]
}

/// Procedures of many steps.
pub(super) fn runs() -> Vec<Place> {
    vec![
        get(Needs(P::WorkflowsRead), "/ops/workflows", workflows::list::list).named("Work", "Workflows", 'f'),
        get(Needs(P::WorkflowsRead), "/ops/workflows/{id}", workflows::one::show_run),
        post(Needs(P::WorkflowsCancel), "/ops/workflows/{id}/cancel", workflows::one::cancel),
        post(Needs(P::WorkflowsRetry), "/ops/workflows/{id}/retry", workflows::one::retry),
        post(Needs(P::WorkflowsSignal), "/ops/workflows/{id}/signal", workflows::one::signal),
    ]
}

/// What all of it comes to.
pub(super) fn figures() -> Vec<Place> {
    vec![
        get(Needs(P::AnalyticsRead), "/ops/reports", reports::list::list).named("Work", "Reports", 'r'),
        get(Needs(P::AnalyticsRead), "/ops/reports/{kind}", reports::one::show_report),
        post(Needs(P::AnalyticsExport), "/ops/reports/{kind}/file", reports::files::write),
        get(Needs(P::AnalyticsRead), "/ops/reports/trends", reports::trends::show_trends),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved", reports::draft::make),
        get(Needs(P::SavedReportsWrite), "/ops/reports/saved/new", reports::draft::form),
        get(Needs(P::AnalyticsRead), "/ops/reports/saved/{id}", reports::saved::show_saved),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}", reports::draft::replace),
        get(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}/edit", reports::draft::edit),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}/send", reports::saved::send_now),
        post(Needs(P::SavedReportsWrite), "/ops/reports/saved/{id}/delete", reports::saved::delete),
        get(Needs(P::AnalyticsExport), "/ops/reports/files", reports::files::list),
        get(Needs(P::AnalyticsExport), "/ops/reports/files/{id}", reports::files::show_file),
        post(Needs(P::AnalyticsExport), "/ops/reports/files/{id}/link", reports::files::link),
        post(Needs(P::AnalyticsExport), "/ops/reports/files/{id}/delete", reports::files::delete),
    ]
}
