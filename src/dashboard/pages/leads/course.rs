//! What a lead's score comes from, what was done with it, and what was sent to it and said.

use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::permission::Permission,
    calls::{call::CallView, read as calls},
    leads::{activities::ActivityView, lead::LeadView},
    messages::{
        consents::{self, ConsentFilter, ConsentView},
        read::{self as messages, MessageView},
    },
    scoring::history::ScoreTaken,
    types::LeadId,
};

use super::names::Names;
use crate::{
    dashboard::{ui, ui::short},
    http::problem::Problem,
};

/// Messages, calls and consents that a lead's page shows.
const SHOWN: i64 = 20;

/// A part of a score, and why it is what it is.
pub struct Part {
    pub name: &'static str,
    pub points: i16,
    pub why: String,
}

/// The parts of a lead's score.
pub fn parts(lead: &LeadView, now: DateTime<Utc>) -> Vec<Part> {
    let Some(score) = &lead.score else { return Vec::new() };
    let whose = match (lead.owner_id, lead.team_id) {
        (Some(_), _) => "somebody has it",
        (None, Some(_)) => "a team has it, and nobody in it yet",
        (None, None) => "nobody has it",
    };
    let age = format!(
        "it is {} old; activities that were long ago count for less",
        ui::duration(&lead.created_at, &now)
    );
    let parts = &score.parts;
    vec![
        Part { name: "Source", points: parts.source, why: format!("it came by {}", lead.source) },
        Part { name: "Status", points: parts.status, why: format!("it is {}", lead.status) },
        Part { name: "Age and engagement", points: parts.engagement, why: age },
        Part { name: "Assignment", points: parts.assignment, why: whose.into() },
    ]
}

/// What a score was once, and why it changed.
pub struct Was {
    pub at: DateTime<Utc>,
    pub total: i16,
    pub parts: String,
    pub fit: i16,
    pub engagement: i16,
    pub model: i32,
    pub why: String,
}

impl Was {
    /// With the stored reason in words.
    pub fn of(taken: &ScoreTaken) -> Self {
        let parts = &taken.parts;
        let why = match taken.why.as_str() {
            "asked" => "somebody asked for it",
            "workflow" => "a workflow asked for it",
            "called" => "a call came to something",
            "changed" => "its status changed",
            "published" => "another model was published",
            "refreshed" => "it had faded",
            other => other,
        };
        Self {
            at: taken.at,
            total: taken.total,
            parts: format!(
                "{} + {} + {} + {}",
                parts.source, parts.status, parts.engagement, parts.assignment
            ),
            fit: taken.fit,
            engagement: taken.engagement_score,
            model: taken.model,
            why: why.to_owned(),
        }
    }
}

/// Something that was done.
pub struct Done {
    pub at: DateTime<Utc>,
    pub kind: String,
    pub what: String,
    pub by: String,
    /// Where it leads to, if it came of something that has a page.
    pub href: Option<String>,
    pub note: Option<String>,
}

impl Done {
    /// Messages are led to where they may be seen.
    pub fn of(activity: ActivityView, messages: bool) -> Self {
        let what = match (activity.kind.as_str(), &activity.status) {
            ("status", Some(status)) => format!("became {status}"),
            ("merge", _) => "another lead became one with it".into(),
            ("message", _) => "a message was sent".into(),
            (kind, _) => kind.to_owned(),
        };
        let page = |(kind, id): (&str, uuid::Uuid)| match kind {
            "message" if messages => Some(format!("/ops/messages/{id}")),
            _ => None,
        };
        let by = match activity.actor_id {
            Some(id) => format!("{} {}", activity.actor_kind, short(id)),
            None => activity.actor_kind,
        };
        Self {
            at: activity.at,
            what,
            by,
            href: activity.ref_kind.as_deref().zip(activity.ref_id).and_then(page),
            note: activity.note.map(|note| note.expose().clone()),
            kind: activity.kind,
        }
    }
}

/// A call with the lead.
pub struct Called {
    pub at: DateTime<Utc>,
    pub direction: &'static str,
    pub status: &'static str,
    pub like: &'static str,
    pub agent: String,
    pub outcome: &'static str,
    pub talked: String,
    pub satisfaction: Option<i16>,
    pub notes: Option<String>,
}

impl Called {
    fn of(call: CallView, agents: &Names) -> Self {
        let talked = call.answered_at.zip(call.ended_at).map(|(from, to)| ui::duration(&from, &to));
        Self {
            at: call.started_at,
            direction: call.direction.as_str(),
            status: call.status.as_str(),
            like: match call.status.as_str() {
                "queued" => "queued",
                "ringing" | "answered" => "running",
                "ended" => "done",
                _ => "late",
            },
            agent: call.agent_id.map(|id| agents.of(id.0)).unwrap_or_default(),
            outcome: call.outcome.map_or("", domain::calls::outcome::CallOutcome::as_str),
            talked: talked.unwrap_or_default(),
            satisfaction: call.satisfaction,
            notes: call.notes.map(|notes| notes.expose().clone()),
        }
    }
}

/// What there is of a lead in other lists, as far as the viewer may see it.
pub struct Dealings {
    pub messages: Option<Vec<MessageView>>,
    pub calls: Option<Vec<Called>>,
    pub consents: Option<Vec<ConsentView>>,
}

/// Reads the newest of each.
///
/// # Errors
/// If the database does not answer.
pub async fn dealings(ctx: &Ctx, lead: LeadId, agents: &Names) -> Result<Dealings, Problem> {
    let may = |permission| ctx.grants.contains(permission);
    let mut found = Dealings { messages: None, calls: None, consents: None };
    if may(Permission::MessagesRead) {
        let filter = messages::Filter { lead: Some(lead), ..messages::Filter::default() };
        found.messages = Some(messages::list(ctx, &filter, None, SHOWN).await?);
    }
    if may(Permission::CallsRead) {
        let filter = calls::Filter { lead: Some(lead), ..calls::Filter::default() };
        let all = calls::list(ctx, &filter, None, SHOWN).await?;
        found.calls = Some(all.into_iter().map(|call| Called::of(call, agents)).collect());
    }
    if may(Permission::ConsentsRead) {
        let filter = ConsentFilter { lead: Some(lead), ..ConsentFilter::default() };
        found.consents = Some(consents::list(ctx, &filter, None, SHOWN).await?);
    }
    Ok(found)
}
