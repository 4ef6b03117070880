//! Reports that are sent.

use super::{
    column::{index, inner, sealed_hidden},
    table::{Owner, Row, Story, Table, Way, Who},
};

pub(super) const TABLES: &[Table] = &[Table {
    name: "saved_report_recipients",
    who: Who::Both,
    about: "Addresses that the company has reports about its work sent to.",
    story: Story {
        purpose: "to send reports about the work to whoever is to read them",
        source: "the company's people, who named the address",
        recipients: "the provider that carries the company's e-mail",
        kept: "until the address is taken out, or the report is deleted",
    },
    ways: &[Way::Address { column: "to_index", index: "messages.to", unless: None }, Way::Subject("id")],
    within: None,
    owner: Some(Owner::Column("id")),
    key: &["id"],
    row: "id",
    row_on_erasure: Row::Deleted,
    columns: &[
        inner("id"),
        inner("report_id"),
        sealed_hidden(
            "to_sealed",
            "an address of yours that the company has reports sent to; each of these mails is exported as messages",
        ),
        index("to_index", "messages.to"),
    ],
}];
