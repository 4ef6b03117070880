//! What the product did: procedures about somebody, and the audit log.

use super::{
    column::{colleague, fact, hidden, inner},
    table::{Row, Story, Table, Way, Who},
};

const DOING: Story = Story {
    purpose: "to carry out procedures of several steps",
    source: "the product itself, and whoever gave it a signal",
    recipients: "nobody outside the company",
    kept: "some weeks after the procedure's end, as the installation says",
};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "engine.runs",
        who: Who::Contacts,
        about: "Procedures that the product has gone through about you.",
        story: DOING,
        ways: &[Way::Text { column: "business_key", before: "lead:" }],
        within: None,
        owner: None,
        key: &["id"],
        row: "id",
        row_on_erasure: Row::Kept("ids and times; upkeep removes it some weeks after its end"),
        columns: &[
            fact("id", "its number"),
            fact("name", "which procedure"),
            inner("version"),
            hidden("input", "ids of the records it is about"),
            hidden("actor", "which of the company's people or programs began it"),
            inner("trace"),
            hidden("business_key", "your record, which is exported as leads"),
            inner("unique_key"),
            inner("watched"),
            fact("created_at", "when it was begun"),
            fact("state", "how far it has come"),
            fact("ending", "how it is to end"),
            fact("failed_step", "the step that stopped it"),
            inner("begun_at"),
            fact("finished_at", "when it ended"),
        ],
    },
    Table {
        name: "engine.signals",
        who: Who::Contacts,
        about: "What such a procedure was told.",
        story: DOING,
        ways: &[Way::Of { column: "run_id", table: "engine.runs" }],
        within: None,
        owner: None,
        key: &["run_id", "name"],
        row: "run_id",
        row_on_erasure: Row::Deleted,
        columns: &[
            fact("run_id", "the procedure"),
            fact("name", "the signal"),
            fact("payload", "what came with it"),
            hidden("actor", "which of the company's people or programs gave it"),
            fact("given_at", "when"),
        ],
    },
    Table {
        name: "audit_log",
        who: Who::Both,
        about: "Who changed or looked at what: about you, and, if you work here, what you did.",
        story: Story {
            purpose: "to prove who did what (GDPR Art. 5(2), 32)",
            source: "written by the product itself with each deed",
            recipients: "whoever the company shows its audit log",
            kept: "as long as the company must prove it; old parts are archived",
        },
        ways: &[Way::Text { column: "resource_id", before: "" }, Way::User("actor_id")],
        within: None,
        owner: None,
        key: &["at", "id"],
        row: "id",
        row_on_erasure: Row::Kept(
            "the proof of who did what, by ids that name nobody any more (GDPR Art. 5(2), 17(3)(b) and (e))",
        ),
        columns: &[
            fact("id", "its number"),
            fact("at", "when"),
            fact("actor_kind", "whether a person or a program did it"),
            colleague("actor_id"),
            fact("action", "what was done"),
            fact("resource", "to what"),
            fact("resource_id", "and to which one"),
            fact("outcome", "whether it was done or refused"),
            fact("severity", "how much it concerns security"),
            hidden("detail", "ids and settings, which may be about others"),
            inner("request_id"),
            inner("seq"),
            // Of the row, and of nothing personal in it: the chain would break without it.
            hidden("hash", "the seal of the log's chain"),
        ],
    },
];
