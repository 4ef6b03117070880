//! Work that goes on: jobs, messages, campaigns, reports, what is won by them, and old logs.

use super::{ProblemKind, kinds};

pub(super) const KINDS: &[ProblemKind] = kinds! {
    // Jobs, schedules and workflows.
    "job-state" 409 "The job is not at a point where this can be done." => "See its state, and do what `detail` says.";
    "busy" 409 "Jobs of this queue are being ended at the moment." => "Try again.";
    "not-paused" 409 "It was not paused in this way." => "GET /api/v1/queues shows what is.";
    "schedule-state" 409 "The schedule is in that state already, or over." => "See the schedule as it is now.";
    "schedule-of-campaign" 409 "A campaign has this schedule." => "Change or cancel the campaign, and its schedule goes with it.";
    "schedule-of-report" 409 "A saved report has this schedule." => "Change or delete the report, and its schedule goes with it.";
    "too-many-schedules" 409 "A tenant has no more schedules than this." => "Delete one that is over.";
    "workflow-state" 409 "The run is not at a point where this can be done; `detail` says why."
        => "If it goes on, cancel it or wait for its end; if it is over, begin another one, or name the step to begin again from.";
    "workflow-running" 409 "A run for the same thing goes on; `detail` names it." => "Cancel it, or wait for its end.";
    "unknown-workflow" 409 "This build does not know the workflow any more." => "Begin one that GET /api/v1/workflows names.";
    "signal-too-late" 409 "The step that waited for the signal is over." => "See what became of the run.";

    // Messages, providers, templates and webhooks.
    "message-gone" 409 "The message does not wait any more." => "Only one that waits can be cancelled.";
    "message-in-doubt" 409 "An attempt may have sent the message already."
        => "Wait until it is `unknown`, then resolve it by hand, or by what the provider says.";
    "fate-known" 409 "It is known what became of the message." => "Only one of unknown fate can be resolved.";
    "no-adapter" 409 "This build has no adapter for this kind of provider." => "Set up another kind.";
    "provider-in-use" 409 "Messages wait that only this provider may carry." => "Let them be sent or cancel them, then do this.";
    "provider-state" 409 "The provider is in that state already." => "Nothing is left to do.";
    "template-archived" 409 "The template is not offered any more." => "Save it anew under its name.";
    "name-of-another-channel" 409 "Templates of this name are for another channel." => "Choose another name.";
    "webhook-disabled" 409 "The webhook is shut, by hand or because it failed too long." => "Open it again first.";
    "webhook-unsubscribed" 409 "The webhook does not ask for such events any more." => "Subscribe it to them first.";
    "event-dropped" 409 "The log does not have the event any more." => "Read what it was about instead.";
    "too-many-webhooks" 409 "A tenant has no more webhooks than this." => "Delete one that is not needed.";

    // Campaigns and sequences.
    "campaign-state" 409 "The campaign is not at a point where this can be done." => "See its status; `detail` says what comes first.";
    "own-campaign" 409 "Somebody else than who wrote the campaign must agree to it." => "Ask a colleague who may approve campaigns.";
    "sequence-state" 409 "The sequence is not in a state where this can be done; `detail` says why."
        => "See its state: a draft can be deleted, one that was published is archived, and instead of an archived one make another.";
    "been-through" 409 "The lead has been through this sequence, which does not let it enter again yet."
        => "Wait as long as its rule says, or change the rule.";
    "too-many-sequences" 409 "A tenant has no more sequences than this." => "Archive one that is not used.";
    "too-many-versions" 409 "A sequence has no more versions than this." => "Make another sequence.";

    // Scores.
    "model-state" 409 "The model is in force already, or no draft any more."
        => "Nothing is left to do if it is in force as you want it; to change something, make a new draft.";
    "too-many-drafts" 409 "A tenant has no more drafts of models than this." => "Delete one that is not needed.";
    "too-few-outcomes" 409 "Too few leads were won and lost to learn from." => "Use a model with points until there are more.";
    "fit-running" 409 "A model is being learned." => "Wait for its end.";

    // Reports and exports.
    "rebuild-running" 409 "The figures are being counted anew." => "Wait for its end.";
    "too-long" 409 "The report took too long and was given up." => "Shorten its range.";
    "too-many" 409 "As many of these are there, or go on at a time, as may be; `detail` says how many."
        => "Take one away that is not used, or wait until one is over.";
    "too-many-saved-reports" 409 "A tenant has no more saved reports than this." => "Delete one that nobody needs.";
    "too-many-exports" 409 "As many files are kept, or are being made, as may be." => "Take one away, or wait until one is over.";
    "export-too-long" 409 "The file took too long to be read." => "Narrow the filter, and ask for several files.";
    "not-printed" 409 "The report cannot be set as PDF." => "Ask for csv, json or ndjson.";
    "print-too-long" 409 "The report takes too long to be set as PDF." => "Ask for fewer days, or for csv, json or ndjson.";
    "rights-withdrawn" 409 "Whoever asked for this file may not have it any more." => "Have somebody ask for it, or save the report anew, who may.";
    "no-recipients" 409 "The report is sent to nobody." => "Name its recipients first.";
    "no-public-url" 409 "A mail can hold no link, for nobody said where this installation is." => "Have `public_url` set.";

    // What is won.
    "already-reversed" 409 "The points were taken back before." => "Nothing is left to do.";
    "not-reversible" 409 "Only what was earned is taken back." => "Call a redemption off instead.";
    "badge-by-itself" 409 "The badge comes by itself for what is done." => "Give another one.";
    "challenge-over" 409 "The challenge is over." => "Join one that goes on.";
    "not-by-joining" 409 "Everybody takes part in this challenge by themselves." => "Nothing is left to do.";
    "other-team" 409 "The challenge is for another team." => "Join one that is for all, or for theirs.";
    "not-reached" 409 "The goal is not reached in this round." => "Claim it when it is, or name the `day` of another round.";
    "competition-not-begun" 409 "The competition has not begun." => "Call it off instead.";
    "competition-over" 409 "The competition is over and stays as it is." => "Make another one.";
    "had-enough" 409 "The agent has had as many of this reward as one may." => "Choose another reward.";
    "out-of-stock" 409 "None is left of this reward." => "Choose another reward.";
    "too-few-points" 409 "The reward costs more points than are there." => "Earn those that are missing.";
    "tier-needed" 409 "The reward is there from a higher tier on." => "Earn the points that `detail` says.";
    "tier-in-use" 409 "A reward asks for this tier." => "Change that reward first.";
    "threshold-taken" 409 "Another tier begins there." => "Choose another threshold.";
    "redemption-settled" 409 "The redemption is settled already." => "Nothing is left to do.";

    // Old logs.
    "archive-not-written" 409 "The archive has no file yet." => "Wait until it is `verified`.";
    "archive-not-dropped" 409 "The rows of the archive have not left the database." => "Look for them there.";
    "archive-being-restored" 409 "The archive is being brought back at this moment." => "Do it when that is over.";
    "archive-damaged" 409 "The file of the archive is damaged." => "Run `switchboard audit verify --archive`, and put the file back from a copy.";
    "archive-of-another-log" 409 "Only archives of the audit log are looked into." => "Take the file of this one out.";
};
