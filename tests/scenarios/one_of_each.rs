//! A tenant with one of everything that a path names.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use switchboard_tests::Tenant;

use crate::{leads, message::sandbox, privacy::erasure};

/// An id of each resource of a tenant, by the path it is under.
#[expect(clippy::too_many_lines, reason = "one of each, one after the other")]
pub async fn ids(tenant: &Tenant) -> BTreeMap<&'static str, String> {
    let admin = &tenant.admin;
    let message = sandbox(admin).await;
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let me = admin.get("/api/v1/me").await.expect(200);
    let role = json!({"name": "r", "permissions": ["leads:read"]});
    let role = admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let job = admin.get("/api/v1/jobs").await.expect(200)["items"][0].clone();
    let team = admin.post("/api/v1/teams", &json!({"name": "t"})).await.expect(201);
    let agent = json!({"name": "a", "capacity": 1, "team_id": team["id"]});
    let agent = admin.post("/api/v1/agents", &agent).await.expect(201);
    let skill = admin.post("/api/v1/skills", &json!({"name": "s"})).await.expect(201);
    let lead = admin.post("/api/v1/leads", &json!({"email": "l@example.com"})).await.expect(201);
    let import = leads::import(admin, "email\nx@example.com\n").await.expect(201);
    let attribute = json!({"name": "plan", "type": "text"});
    let attribute = admin.post("/api/v1/leads/attributes", &attribute).await.expect(201);
    let model = admin.post("/api/v1/automation/scoring-models", &json!({})).await.expect(201);
    let schedule = json!({"name": "s", "work": {"kind": "score_leads"}, "crontab": "@yearly"});
    let schedule = admin.post("/api/v1/schedules", &schedule).await.expect(201);
    let run = json!({
        "lead_id": lead["id"], "strategy": "team", "team_id": team["id"], "provider_id": message["provider_id"],
        "welcome_template_id": message["template_id"], "follow_up_template_id": message["template_id"],
    });
    let run =
        admin.post("/api/v1/workflows", &json!({"workflow": "onboard_lead", "input": run})).await.expect(202);
    let route_by = json!({"name": "r", "strategy": "round_robin", "team_id": team["id"]});
    let route_by = admin.post("/api/v1/automation/routing-rules", &route_by).await.expect(201);
    let call = json!({"direction": "outbound", "number": "+4930901820"});
    let call = admin.post("/api/v1/calls", &call).await.expect(201);
    let source = admin.post("/api/v1/call-sources", &json!({"name": "pbx"})).await.expect(201);
    // Nobody listens there, and of what it is told nothing happens here.
    let hook = json!({"name": "h", "url": "http://127.0.0.1:47011/", "types": ["scoring_model.published"]});
    let hook = admin.post("/api/v1/communication/webhooks", &hook).await.expect(201);
    let told = format!("/api/v1/communication/webhooks/{}/test", hook["id"].as_str().expect("an id"));
    let told = admin.post(&told, &json!({})).await.expect(202);
    let wish = json!({"channel": "email", "to": "never@example.com", "scope": "all"});
    let wish = admin.post("/api/v1/communication/suppressions", &wish).await.expect(201);
    let sequence = json!({"name": "s", "definition": {"steps": [{
        "template_id": message["template_id"], "provider_id": message["provider_id"], "delay": {"minutes": 60},
    }]}});
    let sequence = admin.post("/api/v1/sequences", &sequence).await.expect(201);
    let path = format!("/api/v1/sequences/{}", sequence["id"].as_str().expect("an id"));
    admin.post(&format!("{path}/publish"), &json!({})).await.expect(200);
    let entered =
        admin.post(&format!("{path}/enrolments"), &json!({"lead_id": lead["id"]})).await.expect(201);
    let campaign =
        admin.post("/api/v1/campaigns", &campaign(None, &message["template_id"])).await.expect(201);
    // So that it has a run with progress.
    let start = format!("/api/v1/campaigns/{}/start", campaign["id"].as_str().expect("an id"));
    admin.post(&start, &json!({})).await.expect(202);
    // Over when this returns, for a tenant has one at a time.
    let rotation = admin.post("/api/v1/compliance/keys/rotate", &json!({"what": "kek"})).await;
    let rotated = rotation.body["id"].clone();
    admin.ended(rotation).await;
    let asked = json!({"lead_id": lead["id"]});
    let asked = admin.post("/api/v1/compliance/gdpr/access", &asked).await.expect(201);
    // Somebody else, who is held, restricted and corrected, and one who is erased by now.
    let person = admin.post("/api/v1/leads", &json!({"email": "p@example.com"})).await.expect(201);
    let hold = json!({"lead_id": person["id"], "reason": "claim", "law": "GDPR Art. 17(3)(e)"});
    let hold = admin.post("/api/v1/compliance/legal-holds", &hold).await.expect(201);
    let restriction = json!({"lead_id": person["id"], "reason": "checked"});
    let restriction = admin.post("/api/v1/compliance/gdpr/restriction", &restriction).await.expect(201);
    let rectification = json!({"lead_id": person["id"], "reason": "checked", "change": {"name": "P"}});
    let rectification = admin.post("/api/v1/compliance/gdpr/rectification", &rectification).await.expect(201);
    let consent = json!({"lead_id": person["id"], "channel": "email", "purpose": "marketing", "granted": true, "source": "s"});
    let consent = admin.post("/api/v1/compliance/gdpr/consent", &consent).await.expect(201);
    erasure::at_once(admin).await;
    let erased = admin.post("/api/v1/leads", &json!({"email": "e@example.com"})).await.expect(201);
    let erasure = erasure::ask(admin, &erased["id"]).await;
    erasure::comes_to(admin, &erasure, "done").await;
    let export = admin.post("/api/v1/analytics/export", &json!({"what": "leads"})).await;
    let exported = export.body["export_id"].clone();
    // So that there is a file to link to.
    admin.ended(export).await;
    let made = admin.post("/api/v1/analytics/reports", &json!({"kind": "lead"})).await;
    let made_id = made.body["id"].clone();
    admin.ended(made).await;
    let report = json!({"name": "r", "kind": "lead", "span": "last_week", "format": "csv"});
    let report = admin.post("/api/v1/analytics/saved-reports", &report).await.expect(201);
    let play = async |path: &str, body: Value| {
        admin.post(&format!("/api/v1/gamification-advanced/{path}"), &body).await.expect(201)["id"].clone()
    };
    let point_rule = play("rules", json!({"name": "r", "deed": "lead_created", "points": 1})).await;
    let tier = play("tiers", json!({"name": "t", "threshold": 1})).await;
    let badge = play("badges", json!({"name": "b"})).await;
    let challenge = json!({"name": "c", "period": "daily", "metric": "points", "target": 1});
    let challenge = play("challenges", challenge).await;
    let competition = play("competitions", json!({"name": "c", "metric": "points"})).await;
    let reward = play("rewards", json!({"name": "r", "price": 1})).await;
    let points = json!({"agent_id": agent["id"], "points": 50, "reason": "help"});
    let points = play("points", points).await;
    let redemption = play("redeem", json!({"reward_id": reward, "agent_id": agent["id"]})).await;
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    BTreeMap::from([
        ("/api/v1/gamification-advanced/rules", text(&point_rule)),
        ("/api/v1/gamification-advanced/tiers", text(&tier)),
        ("/api/v1/gamification-advanced/badges", text(&badge)),
        ("/api/v1/gamification-advanced/challenges", text(&challenge)),
        ("/api/v1/gamification-advanced/competitions", text(&competition)),
        ("/api/v1/gamification-advanced/rewards", text(&reward)),
        ("/api/v1/gamification-advanced/points", text(&points)),
        ("/api/v1/gamification-advanced/redemptions", text(&redemption)),
        ("/api/v1/compliance/keys/rotations", text(&rotated)),
        ("/api/v1/compliance/legal-holds", text(&hold["id"])),
        ("/api/v1/compliance/gdpr/restriction", text(&restriction["id"])),
        ("/api/v1/compliance/gdpr/rectification", text(&rectification["id"])),
        ("/api/v1/compliance/gdpr/consent", text(&consent["id"])),
        ("/api/v1/compliance/gdpr/deletion", text(&erasure["id"])),
        ("/api/v1/campaigns", text(&campaign["id"])),
        ("/api/v1/users", text(&me["id"])),
        ("/api/v1/api-keys", text(&key["id"])),
        ("/api/v1/compliance/roles", text(&role["id"])),
        ("/api/v1/compliance/gdpr/access", text(&asked["id"])),
        ("/api/v1/communication/providers", text(&message["provider_id"])),
        ("/api/v1/communication/templates", text(&message["template_id"])),
        ("/api/v1/communication/messages", text(&sent["id"])),
        ("/api/v1/communication/suppressions", text(&wish["id"])),
        ("/api/v1/teams", text(&team["id"])),
        ("/api/v1/agents", text(&agent["id"])),
        ("/api/v1/skills", text(&skill["id"])),
        ("/api/v1/leads", text(&lead["id"])),
        ("/api/v1/calls", text(&call["id"])),
        ("/api/v1/call-sources", text(&source["id"])),
        ("/api/v1/communication/webhooks", text(&hook["id"])),
        ("/api/v1/communication/webhooks/deliveries", text(&told["id"])),
        ("/api/v1/automation/routing-rules", text(&route_by["id"])),
        ("/api/v1/automation/queues", text(&team["id"])),
        ("/api/v1/leads/attributes", text(&attribute["id"])),
        ("/api/v1/leads/imports", text(&import["id"])),
        ("/api/v1/jobs", text(&job["id"])),
        ("/api/v1/operations", text(&job["id"])),
        ("/api/v1/automation/scoring-models", text(&model["id"])),
        ("/api/v1/schedules", text(&schedule["id"])),
        ("/api/v1/workflows", text(&run["id"])),
        ("/api/v1/analytics/exports", text(&exported)),
        ("/api/v1/analytics/reports", text(&made_id)),
        ("/api/v1/analytics/saved-reports", text(&report["id"])),
        ("/api/v1/sequences", text(&sequence["id"])),
        ("/api/v1/sequences/enrolments", text(&entered["id"])),
    ])
}

/// A campaign to nobody.
pub fn campaign(provider: Option<&Value>, template: &Value) -> Value {
    json!({
        "name": "c", "audience": {"filter": {"email": "nobody@example.com"}},
        "content": {
            "channels": [{"channel": "email", "provider_id": provider}],
            "variants": [{"name": "a", "messages": [{"channel": "email", "template_id": template}]}],
        },
    })
}
