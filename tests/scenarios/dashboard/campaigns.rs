//! The dashboard's pages of campaigns, sequences and sockets: what they show, and what can be done by them.

use std::time::Duration;

use serde_json::json;
use switchboard_tests::{Browser, PASSWORD, Shown, Socket, TestApp};

use crate::{
    campaigns::{by_mail, comes_to, draft, over, people, start},
    dashboard::house::audited,
    routing::rules::lead,
    sequences::{desk, entered, published, steps},
    sessions::ADMIN,
};

pub const STRANGER: &str = "admin@other.example.com";
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody of the tenant who may do this and nothing else.
pub async fn with(app: &TestApp, permissions: &[&str]) -> Browser {
    let admin = &app.acme.admin;
    let name = app.process.app.platform.chance.id().simple().to_string();
    let role = json!({"name": name, "permissions": permissions});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    in_role(app, &name, &name).await
}

async fn in_role(app: &TestApp, who: &str, role: &str) -> Browser {
    let email = format!("{who}@acme.example.com");
    let user = json!({"name": who, "email": email, "password": PASSWORD, "role": role});
    app.acme.admin.post("/api/v1/users", &user).await.expect(201);
    let mut browser = Browser::of(app, "acme", &email).await;
    browser.get("/ops").await;
    browser
}

/// Where the dashboard shows what the API has under a path: under the same name and id.
pub fn page(path: &str) -> String {
    path.replacen("/api/v1", "/ops", 1)
}

pub fn id(path: &str) -> &str {
    path.rsplit('/').next().expect("an id")
}

/// Looks at a page again and again, until it says something.
pub async fn comes(browser: &mut Browser, path: &str, text: &str) -> Shown {
    let mut last = None;
    let reached = async {
        loop {
            let page = browser.get(path).await.expect(200);
            if page.says(text) {
                return page;
            }
            last = Some(page.text);
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("{path} does not say {text}: {}", last.unwrap_or_default()))
}

#[tokio::test]
async fn what_came_of_a_campaign_is_shown_with_the_lists_behind_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut content = by_mail(admin).await;
    content["channels"][0]["cost_micros"] = json!(10_000_000);
    people(admin, 55).await;
    let nina = lead(admin, &json!({"email": null, "phone": "+4930901820", "name": "Nina"})).await;
    let path = draft(admin, &content, &json!({"limits": {"budget_cents": 100_000}})).await;
    let campaign = page(&path);
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let shown = browser.get(&campaign).await.expect(200);
    assert!(shown.says("It has not been sent yet.") && shown.says("Start now"), "{}", shown.text);
    assert!(browser.get("/ops/campaigns").await.expect(200).says("none yet"));
    browser.get(&format!("{campaign}/recipients")).await.expect(404);
    browser.get(&campaign).await.expect(200);
    assert_eq!(browser.post(&format!("{campaign}/start"), &[("once", "1")]).await.leads(), campaign);
    assert_eq!(browser.post(&format!("{campaign}/start"), &[("once", "1")]).await.leads(), campaign);
    over(admin, &path).await;
    assert!(audited(admin, "start", "campaign", id(&path)).await);

    let list = comes(&mut browser, "/ops/campaigns?status=finished", "100 % of 56").await;
    assert!(list.says("News") && list.says(&campaign), "{}", list.text);
    let none = browser.get("/ops/campaigns?status=draft").await.expect(200);
    assert!(none.says("No campaign is in this state.") && !none.says(&campaign), "{}", none.text);
    browser.get("/ops/campaigns?status=lost").await.expect(422);
    assert!(
        browser.get(&format!("{campaign}/bar")).await.expect(200).text.starts_with("<span class=\"bar\">")
    );

    let shown = browser.get(&campaign).await.expect(200);
    let run = admin.get(&format!("{path}/progress")).await.expect(200)["run_id"].clone();
    let run = run.as_str().expect("an id");
    for said in [
        "100 % of <span class=\"num\" title=\"56\">56</span> are settled",
        ">planned</span>",
        "98 % of planned",
        "0 % of sent",
        ">no_address</a>",
        "5.50 of 1,000.00",
        &format!("recipients?run={run}&#38;group=sent\" title=\"55\">55</a>"),
        &format!("recipients?run={run}&#38;status=skipped&#38;reason=no_address"),
        &format!("/ops/workflows/{run}"),
    ] {
        assert!(shown.says(said), "{said}: {}", shown.text);
    }
    assert!(
        !shown.says("estimate") && !shown.says("hx-trigger"),
        "all was counted, and is over: {}",
        shown.text
    );
    assert!(browser.get(&format!("{campaign}?run={run}")).await.expect(200).says("98 % of planned"));
    assert!(browser.get(&format!("{campaign}/runs")).await.expect(200).says(run));

    let recipients = format!("{campaign}/recipients");
    let nina = nina.as_str().expect("an id");
    let skipped = browser.get(&format!("{recipients}?status=skipped")).await.expect(200);
    assert!(
        skipped.says(&format!("/ops/leads/{nina}")) && skipped.text.matches("<tr>").count() == 2,
        "{}",
        skipped.text
    );
    let by_reason = browser.get(&format!("{recipients}?reason=duplicate")).await.expect(200);
    assert!(by_reason.says("No recipient fits these filters."), "{}", by_reason.text);
    browser.get(&format!("{recipients}?status=lost")).await.expect(422);
    browser.get(&format!("{recipients}?group=lost")).await.expect(422);
    browser.get(&format!("{recipients}?variant=b")).await.expect(422);
    let first = browser.get(&format!("{recipients}?group=sent&variant=a")).await.expect(200);
    assert!(!first.says(nina) && first.text.matches("<tr>").count() == 51, "{}", first.text);
    let next = first.text.split_once("rel=\"next\"").expect("a next page").0;
    let next = next.rsplit_once("href=\"").expect("its address").1.trim_end_matches(['"', ' ']);
    let second = browser.get(&next.replace("&#38;", "&")).await.expect(200);
    assert!(second.text.matches("<tr>").count() == 6 && !second.says("rel=\"next\""), "{}", second.text);
    for page in [&first, &second] {
        assert!(!page.says("example.com\""), "there is nothing personal: {}", page.text);
    }
    let file = browser.get(&format!("{campaign}/recipients/file?group=sent")).await.expect(200);
    assert!(file.headers["content-disposition"].to_str().expect("text").contains("attachment"));
    assert!(file.text.starts_with("lead_id,") && file.text.lines().count() == 56, "{}", file.text);
    let exported = "/api/v1/compliance/audit-logs?action=export&resource=campaign_recipients";
    assert_eq!(admin.all(exported).await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn a_campaign_is_held_up_and_stopped_by_whoever_may() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 5).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    let path = draft(admin, &content, &json!({})).await;
    start(admin, &path).await;
    comes_to(admin, &path, |progress| progress["statuses"]["queued"] == 5).await;
    let campaign = page(&path);
    let verb = |verb: &str| format!("{campaign}/{verb}");
    let state = || async { admin.get(&path).await.expect(200)["status"].clone() };

    let mut reader = with(&app, &["campaigns:read"]).await;
    let shown = reader.get(&campaign).await.expect(200);
    assert!(!shown.says("method=\"post\" action=\"/ops/campaigns"), "{}", shown.text);
    for one in ["schedule", "start", "pause", "resume", "cancel", "approve", "reject"] {
        let needed = if ["approve", "reject"].contains(&one) { "campaigns:approve" } else { "campaigns:run" };
        assert!(reader.post(&verb(one), &[("confirm", "News")]).await.expect(403).says(needed), "{one}");
    }
    let mut stranger = Browser::of(&app, "other", STRANGER).await;
    for path in [&campaign, &verb("bar"), &verb("runs"), &verb("recipients")] {
        stranger.get(path).await.expect(404);
    }
    assert!(!stranger.get("/ops/campaigns").await.expect(200).says(id(&path)));
    for one in ["pause", "resume", "cancel", "approve"] {
        stranger.post(&verb(one), &[("confirm", "News")]).await.expect(404);
    }
    assert_eq!(state().await, "running");

    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let shown = browser.get(&campaign).await.expect(200);
    assert!(shown.says("hx-trigger=\"every 3s\"") && shown.says("0 % of"), "it is live: {}", shown.text);
    assert!(shown.says("<code>News</code>"), "what has to be typed: {}", shown.text);
    assert_eq!(browser.post(&verb("pause"), &[]).await.leads(), campaign);
    let shown = browser.get(&campaign).await.expect(200);
    assert!(
        shown.says("The campaign is paused now.") && shown.says("somebody has paused it"),
        "{}",
        shown.text
    );
    assert!(audited(admin, "pause", "campaign", id(&path)).await);
    browser.post(&verb("pause"), &[]).await.expect(409);
    assert_eq!(browser.post(&verb("resume"), &[]).await.leads(), campaign);
    assert!(audited(admin, "resume", "campaign", id(&path)).await);
    for wrong in ["news", ""] {
        browser.post(&verb("cancel"), &[("confirm", wrong)]).await.expect(422);
    }
    assert_eq!(state().await, "running", "nothing was changed");
    assert_eq!(browser.post(&verb("cancel"), &[("confirm", "News")]).await.leads(), campaign);
    assert!(audited(admin, "cancel", "campaign", id(&path)).await);
    over(admin, &path).await;
    let shown = browser.get(&campaign).await.expect(200);
    assert!(shown.says("campaign_cancelled") && !shown.says("/cancel\""), "{}", shown.text);
    assert!(browser.post(&verb("resume"), &[]).await.expect(409).says("make a new one"));
    app.process.stop().await;
}

#[tokio::test]
async fn a_campaign_is_agreed_to_by_somebody_else_who_may_let_it_spend_more() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut content = by_mail(admin).await;
    content["channels"][0]["cost_micros"] = json!(10_000_000);
    people(admin, 4).await;
    let path = draft(admin, &content, &json!({"needs_approval": true, "limits": {"budget_cents": 20}})).await;
    let campaign = page(&path);
    let verb = |verb: &str| format!("{campaign}/{verb}");
    let mut writer = Browser::of(&app, "acme", ADMIN).await;
    let mut other = in_role(&app, "other", "Manager").await;
    let shown = writer.get(&campaign).await.expect(200);
    assert!(shown.says("Ask for approval") && !shown.says("Start now"), "{}", shown.text);
    assert_eq!(writer.post(&verb("schedule"), &[]).await.leads(), campaign);
    let shown = writer.get(&campaign).await.expect(200);
    assert!(shown.says("somebody else must agree") && !shown.says("/approve\""), "{}", shown.text);
    writer.post(&verb("approve"), &[]).await.expect(409);
    assert!(other.get(&campaign).await.expect(200).says("/approve\""));
    assert_eq!(other.post(&verb("reject"), &[]).await.leads(), campaign);
    writer.post(&verb("schedule"), &[]).await.expect(303);
    assert_eq!(other.post(&verb("approve"), &[]).await.leads(), campaign);
    assert!(audited(admin, "approve", "campaign", id(&path)).await);
    other.post(&verb("start"), &[]).await.expect(303);
    comes_to(admin, &path, |progress| progress["pause_code"] == "budget").await;
    // It shows where to say more to whoever may, and to nobody else.
    assert!(!writer.get(&campaign).await.expect(200).says("name=\"budget\""));
    assert!(other.get(&campaign).await.expect(200).says("name=\"budget\""));
    other.post(&verb("resume"), &[("budget", "0,30")]).await.expect(422);
    assert_eq!(other.post(&verb("resume"), &[("budget", "0.40")]).await.leads(), campaign);
    let progress = over(admin, &path).await;
    assert_eq!((&progress["statuses"], &progress["cost_cents"]), (&json!({"sent": 4}), &json!(40)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_sequence_says_who_is_on_their_way() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["one", "two"]).await;
    let sequence = published(admin, "Drip", &steps(&[("one", 60), ("two", 60)])).await;
    let sequence = sequence.as_str().expect("an id").to_owned();
    let ways = entered(admin, &json!(sequence), 2).await;
    let (path, way) = (format!("/ops/sequences/{sequence}"), page(&ways[0]));
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert!(browser.get("/ops/sequences?state=active").await.expect(200).says(&path));
    assert!(!browser.get("/ops/sequences?state=draft").await.expect(200).says(&path));
    browser.get("/ops/sequences?state=lost").await.expect(422);
    let shown = browser.get(&path).await.expect(200);
    assert!(shown.says("Drip") && ways.iter().all(|way| shown.says(&page(way))), "{}", shown.text);
    assert!(shown.says("?state=waiting\" title=\"2\">2</a>"), "{}", shown.text);
    assert!(browser.get(&way).await.expect(200).says("The next step is due"));

    let mut reader = with(&app, &["sequences:read"]).await;
    let seen = reader.get(&path).await.expect(200);
    assert!(!seen.says("/leave\"") && !seen.says("/pause\"") && !seen.says("/archive\""), "{}", seen.text);
    for verb in [format!("{path}/pause"), format!("{path}/archive"), format!("{way}/leave")] {
        reader.post(&verb, &[("confirm", "Drip")]).await.expect(403);
    }
    let mut stranger = Browser::of(&app, "other", STRANGER).await;
    for path in [&path, &way] {
        stranger.get(path).await.expect(404);
    }
    stranger.post(&format!("{path}/pause"), &[]).await.expect(404);

    browser.get(&path).await.expect(200);
    assert_eq!(browser.post(&format!("{way}/leave"), &[]).await.leads(), path);
    let left = browser.get(&format!("{path}?state=left")).await.expect(200);
    assert!(left.says(&way) && left.says("by_hand") && !left.says(&page(&ways[1])), "{}", left.text);
    assert_eq!(browser.post(&format!("{path}/pause"), &[]).await.leads(), path);
    assert!(audited(admin, "pause", "sequence", &sequence).await);
    assert_eq!(browser.post(&format!("{path}/resume"), &[]).await.leads(), path);
    browser.post(&format!("{path}/archive"), &[("confirm", "drip")]).await.expect(422);
    assert_eq!(browser.post(&format!("{path}/archive"), &[("confirm", "Drip")]).await.leads(), path);
    let state = admin.get(&format!("/api/v1/sequences/{sequence}")).await.expect(200)["state"].clone();
    assert_eq!(state, "archived");
    app.process.stop().await;
}

#[tokio::test]
async fn sockets_are_counted_for_a_tenant_and_for_whoever_runs_the_installation() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert!(browser.get("/ops/sockets").await.expect(200).says("No process has had a socket"));
    let open = [Socket::open(&app.acme.admin, None).await, Socket::open(&app.acme.admin, None).await];
    let shown = comes(&mut browser, "/ops/sockets", "<p class=\"tile-value\">2</p>").await;
    assert!(shown.says("Lag") && shown.says("Dropped"), "{}", shown.text);
    let mut stranger = Browser::of(&app, "other", STRANGER).await;
    let theirs = stranger.get("/ops/sockets").await.expect(200);
    assert!(theirs.says("<p class=\"tile-value\">0</p>"), "another tenant's: {}", theirs.text);
    browser.get("/ops/sockets/tenants").await.expect(403);
    with(&app, &["jobs:read"]).await.get("/ops/sockets").await.expect(403);

    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut operator = Browser::new(&app);
    operator.post("/ops/login/operator", &[("key", &key)]).await.expect(303);
    let all = operator.get("/ops/sockets/tenants").await.expect(200);
    let row = all.text.split_once("<td class=\"cut\">acme</td>").expect("the tenant").1;
    assert!(row.starts_with("<td class=\"right\"><span class=\"num\" title=\"2\">2</span>"), "{}", all.text);
    drop(open);
    app.process.stop().await;
}
