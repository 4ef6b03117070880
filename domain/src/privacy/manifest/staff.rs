//! Users and agents: who works for the tenant is a data subject too.

use super::{
    column::{Column, fact, hash, hidden, index, inner, sealed, sealed_hidden},
    table::{Owner, Row, Story, Table, Way, Who},
};

const WORKING: Story = Story {
    purpose: "to let you work with the product, and to protect it",
    source: "you, and whoever of the company invited you",
    recipients: "your colleagues see your name",
    kept: "as long as you work with it, and what you did as long as that must be proved",
};
const YOU: &str = "you: see users";
const AGENT: &str = "you as an agent: see agents";
const SECRET: &str = "a secret by which you prove who you are; whoever holds a copy could be you";

/// A table with rows of a user that are deleted with them.
const fn of_user(
    name: &'static str,
    about: &'static str,
    key: &'static [&'static str],
    columns: &'static [Column],
) -> Table {
    Table {
        name,
        who: Who::Staff,
        about,
        story: WORKING,
        ways: &[Way::User("user_id")],
        within: None,
        owner: None,
        key,
        row: "user_id",
        row_on_erasure: Row::Deleted,
        columns,
    }
}

/// The same of an agent.
const fn of_agent(
    name: &'static str,
    about: &'static str,
    key: &'static [&'static str],
    columns: &'static [Column],
) -> Table {
    Table { ways: &[Way::Agent("agent_id")], row: "agent_id", ..of_user(name, about, key, columns) }
}

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "users",
        who: Who::Staff,
        about: "What the company holds of you as somebody who logs in.",
        story: WORKING,
        ways: &[Way::User("id")],
        within: None,
        owner: Some(Owner::Column("id")),
        key: &["id"],
        row: "id",
        row_on_erasure: Row::Kept("what was done by somebody stays told of an id that names nobody any more"),
        columns: &[
            fact("id", "your number"),
            sealed("email_sealed", "email", "your e-mail address"),
            index("email_index", "users.email"),
            sealed("name_sealed", "name", "your name"),
            hash("password_hash", SECRET),
            fact("role_id", "what you may do"),
            inner("permission_version"),
            fact("created_at", "since when"),
            fact("disabled_at", "since when not any more"),
        ],
    },
    Table {
        owner: Some(Owner::Column("user_id")),
        row: "id",
        ..of_user(
            "sessions",
            "Your logins.",
            &["id"],
            &[
                fact("id", "its number"),
                hidden("user_id", YOU),
                fact("refreshes", "how often it was prolonged"),
                sealed("client_sealed", "client", "the address and the browser you came by, as JSON"),
                fact("created_at", "when you logged in"),
                fact("refreshed_at", "when it was prolonged last"),
                fact("expires_at", "when it ends by itself"),
                fact("ended_at", "when it ended"),
                fact("end_reason", "and why"),
            ],
        )
    },
    of_user(
        "password_links",
        "A link by which you may choose a password.",
        &["user_id"],
        &[
            hidden("user_id", YOU),
            hash("hash", SECRET),
            inner("permission_version"),
            fact("expires_at", "when it ends"),
        ],
    ),
    Table {
        owner: Some(Owner::Column("user_id")),
        ..of_user(
            "second_factors",
            "Your second factor.",
            &["user_id"],
            &[
                hidden("user_id", YOU),
                sealed_hidden("secret_sealed", SECRET),
                fact("confirmed_at", "since when it is asked for"),
                inner("last_step"),
                hidden("recovery", SECRET),
            ],
        )
    },
    of_user(
        "socket_tickets",
        "Tickets for a connection that is kept open; each is good for some seconds.",
        &["hash"],
        &[
            hash("hash", SECRET),
            hidden("user_id", YOU),
            inner("session_id"),
            inner("api_key_id"),
            inner("permissions"),
            inner("expires_at"),
        ],
    ),
    of_user(
        "dashboard_sessions",
        "Browsers by which you are logged in to the dashboard.",
        &["hash"],
        &[
            hash("hash", SECRET),
            hidden("user_id", YOU),
            inner("session_id"),
            inner("operator_id"),
            inner("looks_into"),
            inner("why"),
            fact("created_at", "since when"),
            fact("seen_at", "when you were there last"),
            fact("expires_at", "when it ends by itself"),
        ],
    ),
    of_user(
        "agent_presence",
        "Whether you are there, as far as the product can see.",
        &["user_id", "node"],
        &[
            hidden("user_id", YOU),
            inner("node"),
            fact("sockets", "how many of your windows are open"),
            fact("left_at", "when you closed the last one"),
        ],
    ),
    Table {
        name: "agents",
        who: Who::Staff,
        about: "What the company holds of you as an agent.",
        story: WORKING,
        ways: &[Way::Agent("id"), Way::User("user_id")],
        within: None,
        owner: Some(Owner::Column("id")),
        key: &["id"],
        row: "id",
        row_on_erasure: Row::Kept(
            "closed leads, calls and figures stay told of an id that names nobody any more",
        ),
        columns: &[
            fact("id", "your number"),
            fact("team_id", "your team"),
            inner("ordinal"),
            fact("status", "what you are doing"),
            fact("status_since", "since when"),
            fact("idle_since", "since when you wait for work"),
            fact("wrap_up_until", "until when you have time after a call"),
            fact("capacity", "how many leads you hold at most"),
            fact("weight", "your share of the work"),
            fact("zone", "where your clock is").null(),
            inner("version"),
            sealed("name_sealed", "name", "your name"),
            hidden("user_id", YOU).null(),
            fact("created_at", "since when"),
            fact("deleted_at", "since when not any more"),
        ],
    },
    of_agent(
        "agent_skills",
        "What you can do.",
        &["agent_id", "skill_id"],
        &[hidden("agent_id", AGENT), fact("skill_id", "the skill"), fact("level", "how well, 1 to 5")],
    ),
    of_agent(
        "agent_capacities",
        "How much of a channel you take at a time.",
        &["agent_id", "channel"],
        &[hidden("agent_id", AGENT), fact("channel", "the channel"), fact("most", "how many at most")],
    ),
    of_agent(
        "agent_shifts",
        "When you work.",
        &["agent_id", "weekday", "starts"],
        &[
            hidden("agent_id", AGENT),
            fact("weekday", "the day on which it begins; 0 is Sunday"),
            fact("starts", "when it begins"),
            fact("ends", "when it ends"),
        ],
    ),
    of_agent(
        "agent_turns",
        "How far you are ahead of your colleagues in your team's round.",
        &["team_id", "agent_id"],
        &[fact("team_id", "the team"), hidden("agent_id", AGENT), fact("credit", "how far")],
    ),
];
