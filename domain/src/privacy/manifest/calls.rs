//! Calls.

use super::{
    column::{Column, colleague, fact, hidden, index, inner, sealed},
    table::{Owner, Row, Story, Table, Way, Who},
};

const SPEAKING: Story = Story {
    purpose: "to answer your calls and to call you back",
    source: "the phone system, and what the company's people wrote down",
    recipients: "the provider of the phone system",
    kept: "until the company's retention rules remove it; once you are erased nobody can read it",
};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "calls",
        who: Who::Contacts,
        about: "Calls from you and to you.",
        story: SPEAKING,
        ways: &[
            Way::Lead("lead_id"),
            Way::Address { column: "number_index", index: "calls.number", unless: Some("lead_id") },
        ],
        within: None,
        owner: Some(Owner::Column("subject_id")),
        key: &["id"],
        row: "id",
        row_on_erasure: Row::Kept(
            "that there was a call, without with whom and what was said: figures of teams",
        ),
        columns: CALL,
    },
    Table {
        name: "call_misses",
        who: Who::Staff,
        about: "Calls that rang at you and went on to somebody else.",
        story: SPEAKING,
        ways: &[Way::Agent("agent_id")],
        within: None,
        owner: None,
        key: &["agent_id", "at", "call_id"],
        row: "call_id",
        row_on_erasure: Row::Kept("figures of calls; the agent's id names nobody any more"),
        columns: &[
            fact("call_id", "the call"),
            hidden("agent_id", "your record as an agent, which is exported as agents"),
            fact("at", "when"),
        ],
    },
];

const CALL: &[Column] = &[
    fact("id", "its number"),
    fact("direction", "who called whom"),
    fact("status", "how far it has come"),
    hidden("lead_id", "your record, which is exported as leads").null(),
    colleague("agent_id"),
    fact("team_id", "the team"),
    fact("source_id", "the phone system"),
    fact("external_id", "what the phone system calls it").random(),
    inner("subject_id"),
    sealed("number_sealed", "number", "your number"),
    index("number_index", "calls.number"),
    fact("outcome", "what it came to"),
    fact("satisfaction", "how content you were held to be, 1 to 5"),
    sealed("notes_sealed", "notes", "what was noted of it"),
    sealed("recording_sealed", "recording", "where its recording lies"),
    fact("value_cents", "what it was worth, in hundredths of the company's currency"),
    fact("started_at", "when it began"),
    fact("ringing_at", "when it rang at somebody"),
    fact("answered_at", "when it was answered"),
    fact("talks_since", "since when that person spoke"),
    fact("ended_at", "when it ended"),
    fact("disposed_at", "when its outcome was written down"),
    inner("ring_until"),
    fact("entered_at", "when it came to wait in its queue"),
    fact("passed", "the teams in whose queues it has waited"),
    fact("overdue_at", "when it was told that it waits too long"),
    inner("version"),
];
