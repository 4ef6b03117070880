//! Points and what comes of them: those who play are agents.

use super::{
    column::{Column, colleague, fact, hidden, inner},
    table::{Row, Story, Table, Way, Who},
};

const PLAYING: Story = Story {
    purpose: "to give points for what you do at work, and what comes of points",
    source: "the product, of calls and leads that were yours, and whoever gave you points or a badge",
    recipients: "your colleagues see your points, badges and ranks",
    kept: "as long as the company uses the product; once you are erased it names nobody",
};
const AGENT: &str = "you as an agent: see agents";
const FIGURES: &str = "sums of teams and ranks of others stay right; the agent's id names nobody any more";

/// A table with rows of an agent that are kept.
const fn of_agent(
    name: &'static str,
    about: &'static str,
    key: &'static [&'static str],
    columns: &'static [Column],
) -> Table {
    Table {
        name,
        who: Who::Staff,
        about,
        story: PLAYING,
        ways: &[Way::Agent("agent_id")],
        within: None,
        owner: None,
        key,
        row: "agent_id",
        row_on_erasure: Row::Kept(FIGURES),
        columns,
    }
}

pub(super) const TABLES: &[Table] = &[
    Table {
        row: "id",
        ..of_agent(
            "point_entries",
            "Points that you were given, and what took them back.",
            &["id"],
            &[
                fact("id", "its number"),
                hidden("agent_id", AGENT),
                fact("team_id", "your team then"),
                fact("source", "what it is for"),
                inner("key"),
                fact("at", "when that was"),
                fact("day", "and on which day"),
                fact("points", "how many"),
                fact("withheld", "how many a cap kept back"),
                fact("deed", "what you did"),
                fact("subject", "with which call or lead, by its number"),
                fact("rule_id", "the rule that gave it"),
                inner("deeds"),
                fact("reverses", "which row it takes back"),
                fact("reason", "why"),
                colleague("by_id"),
                fact("created_at", "when it was written"),
            ],
        )
    },
    of_agent(
        "point_totals",
        "What you have.",
        &["agent_id"],
        &[
            hidden("agent_id", AGENT),
            fact("lifetime", "all you have earned"),
            fact("spent", "what went for rewards"),
            fact("balance", "what is left"),
            fact("owed", "what was taken back after it was spent"),
        ],
    ),
    of_agent(
        "point_days",
        "What you earned on each day.",
        &["agent_id", "day", "team_id"],
        &[
            fact("day", "the day"),
            hidden("agent_id", AGENT),
            fact("team_id", "your team then"),
            fact("points", "how many points"),
            fact("deeds", "for how many deeds"),
        ],
    ),
    of_agent(
        "point_team_totals",
        "What you earned in each team.",
        &["agent_id", "team_id"],
        &[fact("team_id", "the team"), hidden("agent_id", AGENT), fact("points", "how many points")],
    ),
    of_agent(
        "point_rule_days",
        "What each rule gave you on each day.",
        &["agent_id", "rule_id", "day"],
        &[
            fact("rule_id", "the rule"),
            hidden("agent_id", AGENT),
            fact("day", "the day"),
            fact("points", "how many points"),
            fact("times", "how often"),
        ],
    ),
    of_agent(
        "deed_totals",
        "How often you have done what points are given for.",
        &["agent_id", "deed"],
        &[hidden("agent_id", AGENT), fact("deed", "what"), fact("n", "how often")],
    ),
    of_agent(
        "tier_advances",
        "Tiers that you have come to.",
        &["agent_id", "tier_id"],
        &[hidden("agent_id", AGENT), fact("tier_id", "the tier"), fact("at", "when")],
    ),
    Table {
        row: "id",
        ..of_agent(
            "badge_awards",
            "Badges that you were given.",
            &["id"],
            &[
                fact("id", "its number"),
                fact("badge_id", "the badge"),
                hidden("agent_id", AGENT),
                fact("occasion", "what for"),
                fact("at", "when"),
                colleague("by_id"),
            ],
        )
    },
    of_agent(
        "badge_counts",
        "How many of each badge you have.",
        &["agent_id", "badge_id"],
        &[hidden("agent_id", AGENT), fact("badge_id", "the badge"), fact("n", "how many")],
    ),
    of_agent(
        "challenge_members",
        "Challenges that you have joined.",
        &["agent_id", "challenge_id"],
        &[fact("challenge_id", "the challenge"), hidden("agent_id", AGENT), fact("joined_at", "when")],
    ),
    of_agent(
        "challenge_scores",
        "How far you have come in challenges.",
        &["agent_id", "day", "challenge_id"],
        &[
            fact("challenge_id", "the challenge"),
            fact("day", "the first day of the round"),
            hidden("agent_id", AGENT),
            fact("progress", "how far"),
            fact("completed_at", "when you had reached it"),
            fact("claimed_at", "when you were given what it brings"),
            inner("entry_id"),
            inner("claims"),
        ],
    ),
    of_agent(
        "competition_scores",
        "What you have scored for your teams.",
        &["agent_id", "competition_id", "team_id"],
        &[
            fact("competition_id", "the competition"),
            hidden("agent_id", AGENT),
            fact("team_id", "the team"),
            fact("score", "how much"),
        ],
    ),
    Table {
        row: "id",
        ..of_agent(
            "redemptions",
            "Rewards that you gave points for.",
            &["id"],
            &[
                fact("id", "its number"),
                fact("reward_id", "the reward"),
                hidden("agent_id", AGENT),
                fact("price", "for how many points"),
                fact("state", "what became of it"),
                inner("entry_id"),
                fact("at", "when"),
                fact("settled_at", "when it was settled"),
                inner("version"),
            ],
        )
    },
];
