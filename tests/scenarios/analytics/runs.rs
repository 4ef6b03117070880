//! Runs of campaigns, drawn, and written down as they go on.

use chrono::{DateTime, Utc};
use proptest::{
    collection, option,
    prelude::{Strategy, any},
    sample::select,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use super::world::{at, some};
use crate::{campaigns::draft, message::sandbox};

/// Campaigns by their names; what a part of a text and a letter cost, in millionths of a cent, if that was said.
pub const CAMPAIGNS: [(&str, Option<i64>, Option<i64>); 3] = [
    ("Spring", Some(7_333_333), Some(750_000)),
    ("Autumn", Some(12_500_000), None),
    ("Nothing said", None, None),
];
pub const VARIANTS: [&str; 2] = ["a", "b"];
pub const ACCEPTED: [&str; 4] = ["sent", "delivered", "read", "bounced"];

/// A lead that a run is to.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub campaign: usize,
    pub variant: Option<usize>,
    channel: Option<&'static str>,
    /// Texts came to nothing before: how, of how many parts, and whether a provider had taken it.
    fell: Option<(&'static str, i16, bool)>,
    pub status: &'static str,
    segments: i16,
    taken: bool,
    /// What the lead is worth, if it converted after the message.
    pub converted: Option<Option<i64>>,
}

impl Recipient {
    /// What is paid for it, in millionths of a cent.
    pub fn cost(&self) -> i64 {
        let (_, text, letter) = CAMPAIGNS[self.campaign];
        let price = if self.channel == Some("sms") { text } else { letter };
        let is_paid = self.taken || self.status == "unknown";
        let last = if is_paid { price.unwrap_or_default() * i64::from(self.segments) } else { 0 };
        let fell = self.fell.filter(|(.., taken)| *taken);
        last + fell.map_or(0, |(_, parts, _)| text.unwrap_or_default() * i64::from(parts))
    }
}

/// A run; one without recipients broke before it began.
#[derive(Debug, Clone)]
pub struct Run {
    id: Uuid,
    pub campaign: usize,
    pub began: DateTime<Utc>,
    pub recipients: Vec<Recipient>,
}

fn recipient() -> impl Strategy<Value = Recipient> {
    let statuses = "planned queued sent delivered delivered read failed bounced suppressed cancelled unknown";
    let status = select(statuses.split(' ').collect::<Vec<_>>());
    let way = some(vec![(0, "sms"), (0, "email"), (1, "sms"), (1, "email")]);
    let fell = option::weighted(0.3, (select(vec!["failed", "bounced"]), 1_i16..4, any::<bool>()));
    let came = option::weighted(0.4, some(vec![0_i64, 4_711, 250_000]));
    (way, fell, status, 1_i16..4, any::<bool>(), came).prop_map(
        |(way, fell, status, segments, taken, came)| {
            // What bounced was taken, and so was what came to something.
            let fell = fell.map(|(how, parts, taken)| (how, parts, taken || how == "bounced"));
            let fell = fell.filter(|_| way.is_some_and(|(_, channel)| channel == "email"));
            let status = if way.is_some() { status } else { "skipped" };
            Recipient {
                campaign: 0,
                variant: way.map(|(variant, _)| variant),
                channel: way.map(|(_, channel)| channel),
                fell,
                status,
                segments,
                taken: ACCEPTED.contains(&status) || status == "failed" && taken,
                converted: came.filter(|_| ["sent", "delivered", "read"].contains(&status)),
            }
        },
    )
}

pub fn run() -> impl Strategy<Value = Run> {
    (0..CAMPAIGNS.len(), at(), collection::vec(recipient(), 0..9)).prop_map(
        |(campaign, began, recipients)| {
            let of = |recipient: Recipient| Recipient { campaign, ..recipient };
            Run { id: Uuid::now_v7(), campaign, began, recipients: recipients.into_iter().map(of).collect() }
        },
    )
}

/// Writes the campaigns down; answers their ids.
pub async fn campaigns(admin: &Client) -> Vec<Uuid> {
    sandbox(admin).await;
    let texts = json!({"name": "texts", "kind": "sandbox", "channel": "sms"});
    admin.post("/api/v1/communication/providers", &texts).await.expect(201);
    let text = json!({"name": "text", "channel": "sms", "text": "Dear {{name}}"});
    admin.post("/api/v1/communication/templates", &text).await.expect(201);
    let mut ids = Vec::new();
    for (name, text, letter) in CAMPAIGNS {
        let messages =
            json!([{"channel": "sms", "template": "text"}, {"channel": "email", "template": "hello"}]);
        let content = json!({
            "channels": [{"channel": "sms", "cost_micros": text}, {"channel": "email", "cost_micros": letter}],
            "variants": VARIANTS.map(|name| json!({ "name": name, "messages": messages })),
        });
        let path = draft(admin, &content, &json!({ "name": name })).await;
        ids.push(path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id"));
    }
    ids
}

/// Writes the runs down as they go on: what is tried in vain first, then what became of each.
pub async fn put(app: &TestApp, campaigns: &[Uuid], runs: &[Run]) {
    let mut conn = app.database.connect_as("switchboard_system").await;
    let tenant = app.acme.id.0;
    for run in runs {
        sqlx::query(
            "insert into campaign_runs (tenant_id, id, campaign_id, status, due_at, started_at, frozen)
             select $1, $2, c.id, 'running', $4, $4,
                    case when $5::bool then jsonb_build_object('audience', c.audience, 'definition', c.definition,
                                                               'templates', '[]'::jsonb, 'zone', 'UTC') else '{}' end
               from campaigns c where c.tenant_id = $1 and c.id = $3",
        )
        .bind(tenant)
        .bind(run.id)
        .bind(campaigns[run.campaign])
        .bind(run.began)
        .bind(!run.recipients.is_empty())
        .execute(&mut conn)
        .await
        .expect("a run");
        let rows: Vec<Value> = run
            .recipients
            .iter()
            .map(|one| {
                let (how, parts, taken) = one.fell.unwrap_or_default();
                json!({
                    "lead_id": Uuid::now_v7(), "message_id": Uuid::now_v7(), "variant": one.variant, "fell": how,
                    "fell_parts": parts, "fell_taken": taken, "channel": one.channel, "status": one.status,
                    "segments": one.segments, "taken": one.taken, "converted": one.converted.is_some(),
                    "value_cents": one.converted.flatten(),
                })
            })
            .collect();
        put_recipients(&mut conn, (tenant, run.id), &rows).await;
    }
}

async fn put_recipients(conn: &mut PgConnection, (tenant, run): (Uuid, Uuid), rows: &[Value]) {
    for sql in [
        "insert into campaign_recipients (tenant_id, run_id, lead_id, variant, channel, rest, status, message_id, segments)
         select $1, $2, (r ->> 'lead_id')::uuid, (r ->> 'variant')::smallint,
                case when r ->> 'fell' <> '' then 'sms' else r ->> 'channel' end,
                case when r ->> 'fell' <> '' then array['email'] end,
                case when r ->> 'fell' <> '' then 'queued' else 'planned' end, (r ->> 'message_id')::uuid,
                case when r ->> 'fell' <> '' then (r ->> 'fell_parts')::smallint else 1 end
           from jsonb_array_elements($3) as r",
        "select campaign_messages_moved(
                  array_agg($1::uuid), array_agg($2::uuid), array_agg((r ->> 'lead_id')::uuid),
                  array_agg((r ->> 'message_id')::uuid), array_agg(r ->> 'fell'), array_agg('unreachable'::text),
                  array_agg((r ->> 'fell_taken')::bool))
           from jsonb_array_elements($3) as r where r ->> 'fell' <> ''
         having count(*) > 0",
        "update campaign_recipients c
            set status = r ->> 'status', channel = r ->> 'channel', segments = (r ->> 'segments')::smallint,
                taken = (r ->> 'taken')::bool
           from jsonb_array_elements($3) as r
          where c.tenant_id = $1 and c.run_id = $2 and c.lead_id = (r ->> 'lead_id')::uuid",
        "insert into campaign_conversions (tenant_id, run_id, lead_id, variant, message_id, value_cents)
         select $1, $2, (r ->> 'lead_id')::uuid, (r ->> 'variant')::smallint, (r ->> 'message_id')::uuid,
                (r ->> 'value_cents')::bigint
           from jsonb_array_elements($3) as r where (r ->> 'converted')::bool",
    ] {
        sqlx::query(sql).bind(tenant).bind(run).bind(Json(rows)).execute(&mut *conn).await.expect(sql);
    }
}
