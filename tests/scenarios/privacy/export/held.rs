//! Somebody of whom something is held in every table.

use domain::{
    messages::{
        callback::Inbound,
        inbound::take,
        provider::{Account, Channel},
    },
    types::ProviderId,
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use crate::{
    calls::begun, gates::CONSENT, onboarding::until, one_of_each, rights::admitted, routing::rules::lead,
};

pub const EMAIL: &str = "ada.kanari@example.com";
const PHONE: &str = "+14155550177";

/// Words that only this person has, by file and column.
pub const WORDS: &[(&str, &str, &str)] = &[
    ("leads", "name", "Ada Kanari"),
    ("leads", "phone", PHONE),
    ("leads", "email", EMAIL),
    ("leads", "attributes", "kanari-plan"),
    ("lead_activities", "note", "kanari note"),
    ("lead_activities", "note", "kanari note of the twin"),
    ("messages", "to", EMAIL),
    ("messages", "to", "twin.kanari@example.com"),
    ("messages", "to", PHONE),
    ("messages", "vars", "kanari-var"),
    ("message_attempts", "request", "kanari-var"),
    ("sandbox_outbox", "content", "kanari-var"),
    ("inbound_messages", "from", PHONE),
    ("inbound_messages", "body", "kanari question"),
    ("suppressions", "to", PHONE),
    ("calls", "number", PHONE),
    ("calls", "notes", "kanari notes"),
    ("calls", "recording", "https://example.com/kanari"),
    ("consents", "wording", "kanari wording"),
];

/// A person, and what their rows are known by.
pub struct Held {
    pub lead: Value,
    /// The lead, and the one that was merged into it.
    pub leads: Vec<Uuid>,
    /// A message to the bare number.
    pub message: Uuid,
    pub suppression: Uuid,
}

fn uuid(id: &Value) -> Uuid {
    id.as_str().expect("an id").parse().expect("an id")
}

async fn write(admin: &Client, message: &Value) -> Value {
    let sent = admin.post("/api/v1/communication/messages", message).await.expect(202);
    let path = format!("/api/v1/communication/messages/{}", sent["id"].as_str().expect("an id"));
    until(admin, &path, |message| {
        ["sent", "delivered", "read"].iter().any(|done| message["status"] == *done)
    })
    .await;
    sent["id"].clone()
}

/// A message to the bare number, which nobody else has: it is the person's.
async fn write_bare(admin: &Client) -> Value {
    let account = json!({"name": "text", "kind": "sandbox", "channel": "sms"});
    let account = admin.post("/api/v1/communication/providers", &account).await.expect(201);
    let template = json!({"name": "text", "channel": "sms", "text": "Dear {{name}}"});
    let template = admin.post("/api/v1/communication/templates", &template).await.expect(201);
    let message = json!({
        "provider_id": account["id"], "template_id": template["id"], "to": PHONE,
        "variables": {"name": "kanari-var"},
    });
    write(admin, &message).await
}

/// Ada, of whom there is everything, and Bob, who has her address and whose words are all `fremd`, as are those to the
/// address alone: nobody can tell to which of the two they were.
pub async fn somebody(app: &TestApp) -> Held {
    let admin = &app.acme.admin;
    let theirs = one_of_each::ids(&app.acme).await;
    let template = &theirs["/api/v1/communication/templates"];
    let provider = &theirs["/api/v1/communication/providers"];
    let message = |to: &str, lead: Option<&Value>, word: &str| {
        let mut message = json!({
            "provider_id": provider, "template_id": template, "to": to, "variables": {"name": word},
        });
        if let Some(lead) = lead {
            message["lead_id"] = lead.clone();
        }
        message
    };
    let ada = json!({
        "name": "Ada Kanari", "email": EMAIL, "phone": PHONE, "tags": ["kanari"], "region": "London",
        "language": "en", "attributes": {"plan": "kanari-plan"},
    });
    let ada = lead(admin, &ada).await;
    let twin = lead(admin, &json!({"name": "Ada Kanari", "email": "twin.kanari@example.com"})).await;
    let bob = json!({"name": "Bob Fremd", "email": EMAIL, "attributes": {"plan": "fremd-plan"}});
    let bob = lead(admin, &bob).await;
    for (lead, note) in [(&ada, "kanari note"), (&twin, "kanari note of the twin"), (&bob, "fremd note")] {
        let path = format!("/api/v1/leads/{}/activities", lead.as_str().expect("an id"));
        admin.post(&path, &json!({"kind": "note", "note": note})).await.expect(201);
    }
    write(admin, &message("twin.kanari@example.com", Some(&twin), "kanari-var")).await;
    write(admin, &message(EMAIL, Some(&ada), "kanari-var")).await;
    write(admin, &message(EMAIL, Some(&bob), "fremd-var")).await;
    write(admin, &message(EMAIL, None, "fremd-var of nobody")).await;
    let bare = write_bare(admin).await;
    let merge = format!("/api/v1/leads/{}/merge", ada.as_str().expect("an id"));
    admin.post(&merge, &json!({ "loser_id": twin })).await.expect(200);
    for (lead, wording) in [(&ada, "kanari wording"), (&bob, "fremd wording")] {
        let consent = json!({
            "lead_id": lead, "channel": "email", "purpose": "marketing", "granted": true, "source": "a form",
            "wording": wording,
        });
        admin.post(CONSENT, &consent).await.expect(201);
    }
    let account = Account {
        id: ProviderId(provider.parse().expect("an id")),
        channel: Channel::Sms,
        credentials: Vec::new().into(),
        version: 1,
    };
    let wrote = Inbound {
        provider_message_id: "kanari-1".into(),
        from: PHONE.into(),
        body: "kanari question".into(),
    };
    take(&admitted(app, admin).await, &account, wrote).await.expect("it is taken in");
    let call = json!({"direction": "inbound", "number": PHONE});
    let path = begun(admin, &call).await;
    let call = admin.get(&path).await.expect(200);
    assert_eq!(call["lead_id"], ada, "the number is known: {call:#}");
    let noted =
        json!({"notes": "kanari notes", "recording": "https://example.com/kanari", "satisfaction": 4});
    admin.patch(&path, &noted).await.expect(200);
    let wish = json!({"channel": "sms", "to": PHONE, "scope": "marketing"});
    let wish = admin.post("/api/v1/communication/suppressions", &wish).await.expect(201);
    let enrolments = format!("/api/v1/sequences/{}/enrolments", theirs["/api/v1/sequences"]);
    admin.post(&enrolments, &json!({ "lead_id": ada })).await.expect(201);
    let mut system = app.database.connect_as("switchboard_system").await;
    for lead in [&ada, &bob] {
        rest(&mut system, app.acme.id.0, uuid(lead)).await;
    }
    Held {
        leads: vec![uuid(&ada), uuid(&twin)],
        lead: ada,
        message: uuid(&bare),
        suppression: uuid(&wish["id"]),
    }
}

/// What stands in tables that only the product's own work fills.
async fn rest(system: &mut PgConnection, tenant: Uuid, lead: Uuid) {
    for statement in [
        "insert into campaign_audience (tenant_id, campaign_id, taken_before, lead_id)
         select tenant_id, id, id, $2 from campaigns where tenant_id = $1 limit 1",
        "insert into campaign_recipients (tenant_id, run_id, lead_id, status, channel, zone, reason)
         select tenant_id, id, $2, 'skipped', 'email', 'Europe/Berlin', 'no_consent' from campaign_runs
          where tenant_id = $1 limit 1",
        "insert into campaign_conversions (tenant_id, run_id, lead_id, message_id, value_cents)
         select c.tenant_id, c.id, $2, m.id, 4711 from campaign_runs c join messages m on m.tenant_id = c.tenant_id
          where c.tenant_id = $1 and m.lead_id = $2 limit 1",
        "insert into sequence_enrolments (tenant_id, id, sequence_id, version, lead_id, entered_at, state, ended_at)
         select tenant_id, gen_random_uuid(), sequence_id, version, $2, engine.now(), 'completed', engine.now()
           from sequence_versions where tenant_id = $1 limit 1",
        "insert into sequence_steps (tenant_id, enrolment_id, position, sequence_id, version, outcome, reason, at)
         select tenant_id, id, 0, sequence_id, version, 'skipped', 'restricted', engine.now() from sequence_enrolments
          where tenant_id = $1 and lead_id = $2 and state = 'completed'",
        "insert into lead_scores
         values ($1, $2, engine.now() - interval '1 hour', 50, 1, 2, 3, 4, 5, 6, 1, 'asked')",
        "insert into routings (tenant_id, id, lead_id, outcome, strategy)
         values ($1, gen_random_uuid(), $2, 'no_rule', 'skill')",
        "insert into queue_places (tenant_id, lead_id, strategy, passed)
         values ($1, $2, 'team', '{}') on conflict do nothing",
        "insert into import_rows (tenant_id, import_id, line, outcome, lead_id, field, reason)
         select tenant_id, id, (select 1000 + count(*) from import_rows), 'updated', $2, 'phone', 'no number'
           from imports where tenant_id = $1 limit 1",
        "insert into message_callbacks
           (tenant_id, id, provider_id, dedupe, provider_message_id, message_id, status, happened_at)
         select tenant_id, gen_random_uuid(), provider_id, id::text || ' told', id::text, id, 'delivered', engine.now()
           from messages where tenant_id = $1 and lead_id = $2 and provider_id is not null",
        "insert into restrictions (tenant_id, id, subject_id, reason, lifted_at, lift_reason)
         values ($1, gen_random_uuid(), $2, 'being checked', engine.now(), 'it was right')",
        "insert into rectifications (tenant_id, id, lead_id, fields, reason)
         values ($1, gen_random_uuid(), $2, '{name}', 'misspelt')",
        "insert into legal_holds (tenant_id, id, subject_id, reason, law, released_at, release_reason)
         values ($1, gen_random_uuid(), $2, 'a claim', 'GDPR Art. 17(3)(e)', engine.now(), 'settled')",
        "insert into erasures (tenant_id, id, lead_id, subject_id, state, due_at, withdrawn_at)
         values ($1, gen_random_uuid(), $2, $2, 'withdrawn', engine.now(), engine.now())",
        "insert into engine.runs (tenant_id, id, name, version, input, actor, business_key, watched, created_at, state,
                                  finished_at)
         values ($1, gen_random_uuid(), 'onboard_lead', 1, '{}', '{}', 'lead:' || $2::uuid, false, engine.now(),
                 'completed', engine.now())",
        "insert into engine.signals (tenant_id, run_id, name, payload, actor, given_at)
         select tenant_id, id, 'lead_replied', jsonb_build_object('lead', $2::uuid), '{}', engine.now() from engine.runs
          where tenant_id = $1 and business_key = 'lead:' || $2::uuid",
    ] {
        let done = sqlx::query(statement).bind(tenant).bind(lead).execute(&mut *system).await;
        let done = done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert!(done.rows_affected() > 0 || statement.contains("on conflict"), "nothing is there by {statement}");
    }
}
