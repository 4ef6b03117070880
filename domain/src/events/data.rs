//! What the `data` of each type of event holds: for the description of the socket, and for whoever checks that it is true.
//! It holds ids, words of ours, numbers and instants, and nothing that tells who somebody is. Pure.

use chrono::DateTime;
use serde_json::Value;
use uuid::Uuid;

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Id,
    /// A word of ours, in `snake_case`, or a name that the tenant has given to something of its own.
    Word,
    Words,
    Number,
    Flag,
    /// RFC 3339.
    Time,
    /// Numbers by words.
    Counts,
}
use Form::{Counts, Flag, Id, Number, Time, Word, Words};

/// A field of `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub form: Form,
    /// Whether it is in each event of the type.
    pub always: bool,
    /// Whether it may be null.
    pub nullable: bool,
}

const fn always(name: &'static str, form: Form) -> Field {
    Field { name, form, always: true, nullable: false }
}

const fn or_null(name: &'static str, form: Form) -> Field {
    Field { name, form, always: true, nullable: true }
}

/// May be missing or null, which is the same.
const fn may(name: &'static str, form: Form) -> Field {
    Field { name, form, always: false, nullable: true }
}

/// Whose it is, and whose it was until now.
const WHOSE: [Field; 4] =
    [may("owner_id", Id), may("team_id", Id), may("former_agent_id", Id), may("former_team_id", Id)];
const CALL: [Field; 4] =
    [always("direction", Word), always("status", Word), or_null("lead_id", Id), or_null("agent_id", Id)];

/// The fields of a type, as the log names it; none of a type that this build does not know.
#[must_use]
pub fn fields(kind: &str) -> Option<Vec<Field>> {
    let (about, _) = kind.split_once('.')?;
    let mut fields = match about {
        "message" => of_message(kind)?,
        "lead" => of_lead(kind)?,
        "call" => of_call(kind)?,
        "campaign" => of_campaign(kind)?,
        "sequence" => of_sequence(kind)?,
        "points" | "badge" | "tier" | "challenge" | "competition" | "reward" => of_game(kind)?,
        "job" | "workflow" => of_engine(kind)?,
        _ => of_rest(kind)?,
    };
    if matches!(about, "message" | "lead" | "call") {
        fields.extend(WHOSE);
    }
    Some(fields)
}

fn of_message(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "message.queued" => vec![or_null("lead_id", Id)],
        "message.received" => {
            vec![or_null("lead_id", Id), always("channel", Word), or_null("keyword", Word)]
        }
        "message.sent" | "message.failed" | "message.unknown" | "message.retrying" | "message.cancelled"
        | "message.delivered" | "message.read" | "message.bounced" | "message.suppressed"
        | "message.deferred" => vec![may("attempt", Number), may("code", Word)],
        _ => return None,
    })
}

fn of_lead(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "lead.created" | "lead.updated" | "lead.converted" | "lead.unconverted" | "lead.deleted"
        | "lead.restricted" | "lead.unrestricted" | "lead.assigned" | "lead.queued" | "lead.overdue" => {
            Vec::new()
        }
        "lead.merged" => vec![always("loser_id", Id)],
        "lead.rectified" => vec![always("rectification_id", Id), always("fields", Words)],
        "lead.activity" => vec![always("activity_id", Id), always("kind", Word)],
        "lead.scored" => vec![always("score", Number), always("model", Number)],
        _ => return None,
    })
}

fn of_call(kind: &str) -> Option<Vec<Field>> {
    let more: &[Field] = match kind {
        "call.ringing" | "call.incoming" | "call.queued" | "call.overdue" | "call.answered"
        | "call.ended" | "call.missed" | "call.updated" => &[],
        "call.rerouted" => &[
            always("why", Word),
            or_null("from_agent_id", Id),
            or_null("from_team_id", Id),
            or_null("to_team_id", Id),
        ],
        "call.completed" => &[
            or_null("outcome", Word),
            or_null("satisfaction", Number),
            or_null("value_cents", Number),
            or_null("wait_s", Number),
            or_null("talk_s", Number),
        ],
        _ => return None,
    };
    Some([&CALL, more].concat())
}

fn of_campaign(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "campaign.changed" | "campaign.resumed" | "campaign.cancelled" => {
            vec![always("status", Word), may("code", Word)]
        }
        // By itself it names the run, and by hand the status.
        "campaign.paused" => vec![always("code", Word), may("status", Word), may("run_id", Id)],
        "campaign.approved" => Vec::new(),
        "campaign.started" => vec![always("run_id", Id)],
        "campaign.progress" => vec![
            always("run_id", Id),
            always("recipients", Number),
            always("open", Number),
            always("statuses", Counts),
        ],
        "campaign.winner" => {
            vec![always("run_id", Id), or_null("variant", Word), always("because", Word)]
        }
        // One that could not begin has no recipients.
        "campaign.finished" => vec![
            always("run_id", Id),
            always("status", Word),
            may("campaign_status", Word),
            may("recipients", Number),
            may("statuses", Counts),
        ],
        _ => return None,
    })
}

fn of_sequence(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "sequence.published" => vec![always("version", Number)],
        "sequence.paused" => vec![may("code", Word)],
        "sequence.resumed" => Vec::new(),
        "sequence.archived" => vec![always("operation_id", Id)],
        "sequence.entered" => {
            vec![always("sequence_id", Id), always("lead_id", Id), always("version", Number)]
        }
        "sequence.ended" => vec![
            always("sequence_id", Id),
            always("lead_id", Id),
            always("state", Word),
            or_null("reason", Word),
        ],
        _ => return None,
    })
}

fn of_game(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "points.awarded" | "points.reversed" => {
            vec![
                always("entry_id", Id),
                always("agent_id", Id),
                or_null("team_id", Id),
                always("points", Number),
                always("source", Word),
            ]
        }
        "badge.awarded" | "tier.advanced" => vec![always("agent_id", Id)],
        "challenge.completed" => {
            vec![always("agent_id", Id), always("day", Word), always("progress", Number)]
        }
        "challenge.closed" => vec![always("day", Word)],
        "competition.closed" => vec![always("teams", Number), or_null("winner_id", Id)],
        "reward.redeemed" => {
            vec![
                always("redemption_id", Id),
                always("agent_id", Id),
                or_null("team_id", Id),
                always("price", Number),
            ]
        }
        _ => return None,
    })
}

fn of_engine(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "job.completed" | "job.cancelled" | "job.discarded" | "job.quarantined" => vec![
            always("job_id", Id),
            always("kind", Word),
            always("attempt", Number),
            or_null("error_code", Word),
        ],
        "workflow.completed" | "workflow.failed" | "workflow.cancelled" => {
            vec![always("run_id", Id), always("workflow", Word), or_null("failed_step", Word)]
        }
        _ => return None,
    })
}

fn of_rest(kind: &str) -> Option<Vec<Field>> {
    Some(match kind {
        "provider.resumed" | "erasure.withdrawn" | "access.changed" => Vec::new(),
        "provider.paused" => vec![always("code", Word)],
        "suppression.added" => vec![
            always("channel", Word),
            always("scope", Word),
            always("reason", Word),
            or_null("message_id", Id),
        ],
        "suppression.removed" => {
            vec![always("channel", Word), always("scope", Word), always("reason", Word)]
        }
        "consent.given" | "consent.withdrawn" => {
            vec![or_null("lead_id", Id), always("channel", Word), always("purpose", Word)]
        }
        "subject_request.asked" | "subject_request.extended" => {
            vec![always("kind", Word), always("due_at", Time)]
        }
        "subject_request.ended" => vec![always("kind", Word), always("status", Word)],
        "erasure.asked" => vec![or_null("lead_id", Id), always("cause", Word)],
        "erasure.done" => vec![or_null("lead_id", Id)],
        "import.finished" => vec![
            always("status", Word),
            always("dry_run", Flag),
            always("created", Number),
            always("updated", Number),
            always("duplicates", Number),
            always("rejected", Number),
        ],
        "agent.status" => vec![always("from", Word), always("to", Word), always("why", Word)],
        "scoring_model.fitted" => vec![always("version", Number)],
        "scoring_model.published" => vec![always("version", Number), always("operation_id", Id)],
        "webhook.disabled" => vec![always("why", Word)],
        _ => return None,
    })
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        match self {
            Id => value.as_str().is_some_and(|text| Uuid::try_parse(text).is_ok()),
            Word => value.is_string(),
            Words => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            Number => value.is_i64(),
            Flag => value.is_boolean(),
            Time => value.as_str().is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok()),
            Counts => value.as_object().is_some_and(|all| all.values().all(Value::is_i64)),
        }
    }
}

/// Whether an event holds what is said of its type, and nothing else.
///
/// # Errors
/// What is wrong.
pub fn check(kind: &str, data: &Value) -> Result<(), String> {
    let fields = fields(kind).ok_or_else(|| format!("nothing is said of `{kind}` in events/data.rs"))?;
    let held = data.as_object().ok_or_else(|| format!("the data of `{kind}` is no object: {data}"))?;
    for (name, value) in held {
        let field = fields.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| format!("events/data.rs does not say that `{kind}` has `{name}`"))?;
        if !(field.form.fits(value) || value.is_null() && field.nullable) {
            return Err(format!("`{name}` of `{kind}` is {value} and not {:?}", field.form));
        }
    }
    match fields.iter().find(|field| field.always && !held.contains_key(field.name)) {
        Some(field) => Err(format!("`{kind}` lacks `{}`", field.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::events::kinds;

    #[test]
    fn something_is_said_of_every_type_and_each_field_is_said_once() {
        for kind in kinds() {
            let mut names: Vec<_> = fields(kind).expect(kind).iter().map(|field| field.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{kind}");
        }
        assert_eq!(fields("secret.thing"), None);
        assert_eq!(fields("lead"), None);
    }

    #[test]
    fn what_is_said_is_what_fits() {
        let id = Uuid::from_u128(7);
        let merged = |data: Value| check("lead.merged", &data);
        assert_eq!(merged(json!({ "loser_id": id, "owner_id": null, "team_id": id })), Ok(()));
        for (data, wrong) in [
            (json!({ "owner_id": null }), "lacks `loser_id`"),
            (json!({ "loser_id": null }), "not Id"),
            (json!({ "loser_id": "somebody" }), "not Id"),
            (json!({ "loser_id": id, "phone": "+491" }), "has `phone`"),
            (json!([]), "no object"),
        ] {
            let said = merged(data).expect_err(wrong);
            assert!(said.contains(wrong), "{said}");
        }
        assert!(check("lead.sold", &json!({})).is_err());
        let done = json!({ "run_id": id, "recipients": 3, "open": 0, "statuses": { "sent": 3 } });
        assert_eq!(check("campaign.progress", &done), Ok(()));
        let asked = |at: &str| check("subject_request.asked", &json!({ "kind": "access", "due_at": at }));
        assert!(asked("2026-01-01T00:00:00Z").is_ok() && asked("tomorrow").is_err());
    }
}
