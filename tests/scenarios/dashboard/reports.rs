//! The dashboard's pages of reports: figures of the days that are asked for, trends, files and saved reports, by plain forms.

use std::sync::Arc;

use serde_json::json;
use switchboard_tests::{Browser, PASSWORD, Shown, TestApp};

use crate::{
    dashboard::house::{audited, between, logged, reader, stranger},
    dashboard::work::comes_to_say,
    message::sandbox,
    routing::rules::lead,
    sessions::ADMIN,
};

/// The reports that there are.
const KINDS: [&str; 7] = ["lead", "call", "campaign", "agent", "gamification", "message", "job"];

/// The tile of a name.
fn tile<'p>(page: &'p Shown, label: &str) -> &'p str {
    between(&page.text, &format!("<p class=\"tile-label\">{label}</p>"), "</div>")
}

#[tokio::test]
async fn each_report_has_its_figures_charts_tables_and_explanations() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let list = browser.get("/ops/reports").await.expect(200);
    for kind in KINDS {
        let path = format!("/ops/reports/{kind}");
        assert!(list.says(&format!("href=\"{path}\"")), "{}", list.text);
        let page = browser.get(&path).await.expect(200);
        assert!(
            page.says("How this is computed") && page.says("class=\"tile-note\""),
            "{kind}: {}",
            page.text
        );
        assert!(page.says("in UTC.") && page.says("<button class=\"button\">Export</button>"), "{kind}");
        assert!(page.says(&format!("/ops/reports/saved/new?kind={kind}")), "{kind}");
        assert!(page.says("<option value=\"pdf\">PDF, to print</option>"), "{kind}");
    }
    assert!(list.says("No report is saved."), "{}", list.text);
    browser.get("/ops/reports/weather").await.expect(404);
    // With nothing below the line there is no rate, and the page says why.
    let page = browser.get("/ops/reports/call").await.expect(200);
    let level = tile(&page, "Service level");
    assert!(level.contains("title=\"not to be told if none was offered\">–"), "{level}");
    app.process.stop().await;
}

#[tokio::test]
async fn days_stand_in_the_address_on_the_calendar_of_the_tenant() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/settings/general").await.expect(200);
    browser.post("/ops/settings/general", &[("zone", "Pacific/Kiritimati")]).await.expect(303);
    for name in ["Ada Lovelace", "Bob Low"] {
        lead(admin, &json!({"name": name, "source": "referral"})).await;
    }
    let counted = "<p class=\"tile-value\">2</p>";
    let page = comes_to_say(&mut browser, "/ops/reports/lead?range=today", &[counted]).await;
    assert!(
        page.says("in Pacific/Kiritimati.") && page.says("<td class=\"cut\">Referral</td>"),
        "{}",
        page.text
    );
    assert!(tile(&page, "Leads").contains("up from nothing") && tile(&page, "Leads").contains("0 before"));
    let ranges = [
        "today",
        "yesterday",
        "7d",
        "30d",
        "week",
        "last_week",
        "month",
        "last_month",
        "quarter",
        "last_quarter",
    ];
    for range in ranges {
        let page = browser.get(&format!("/ops/reports/lead?range={range}")).await.expect(200);
        assert!(page.says(&format!("range={range}\" aria-current=\"true\"")), "{range}: {}", page.text);
    }
    let page = browser.get("/ops/reports/lead?range=yesterday").await.expect(200);
    assert!(page.says("There is nothing in these days.") && !page.says(counted), "{}", page.text);
    let page = browser.get("/ops/reports/lead?from=2026-03-29&until=2026-03-29").await.expect(200);
    assert!(page.says("Sun 2026-03-29") && page.says("value=\"2026-03-29\""), "{}", page.text);
    for wrong in [
        "range=sometime",
        "from=2026-03-29&until=2026-03-28",
        "from=soon",
        "from=2020-01-01&until=2026-01-01",
    ] {
        browser.get(&format!("/ops/reports/lead?{wrong}")).await.expect(422);
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_trend_has_the_period_before_beside_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({"name": "Ada Lovelace", "source": "referral"})).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let trends = "/ops/reports/trends";
    let one = "<p class=\"tile-value\">1</p>";
    let page = comes_to_say(&mut browser, &format!("{trends}?measure=lead.count&range=7d"), &[one]).await;
    assert!(page.says("In the period before") && page.says("As a table"), "{}", page.text);
    assert!(!page.says(">By the month</a>") || page.says("by=month"), "{}", page.text);
    let page = browser
        .get(&format!("{trends}?measure=lead.count&range=today&by=hour&source=manual"))
        .await
        .expect(200);
    assert!(!page.says(one) && page.says("name=\"source\" value=\"manual\""), "{}", page.text);
    // Fields of another measure are left out, as the form sends them along.
    let page = browser
        .get(&format!("{trends}?measure=call.count&source=manual&direction=inbound"))
        .await
        .expect(200);
    assert!(
        page.says("<option value=\"inbound\" selected>") && !page.says("name=\"source\""),
        "{}",
        page.text
    );
    browser
        .get(&format!("{trends}?measure=message.delivery&channel=email&by=week&range=quarter"))
        .await
        .expect(200);
    for wrong in [
        "measure=call.aht",
        "measure=weather",
        "by=minute",
        "range=last_quarter&by=hour",
        "measure=call.count&team_id=x",
    ] {
        browser.get(&format!("{trends}?{wrong}")).await.expect(422);
    }
    app.process.stop().await;
}

#[tokio::test]
async fn pages_of_reports_are_for_whoever_may_see_all_of_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    // Who sees only some leads sees no figures of all of them, whatever else they may.
    let role =
        json!({"name": "Narrow", "permissions": ["analytics:read", "analytics:export"], "scope": "own"});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let email = "narrow@acme.example.com";
    let user = json!({"name": "Nora Narrow", "email": email, "password": PASSWORD, "role": "Narrow"});
    admin.post("/api/v1/users", &user).await.expect(201);
    let mut narrow = Browser::of(&app, "acme", email).await;
    assert!(!narrow.get("/ops/account").await.expect(200).says("href=\"/ops/reports\""));
    for path in ["/ops/reports", "/ops/reports/lead", "/ops/reports/trends", "/ops/reports/files"] {
        narrow.get(path).await.expect(403);
    }
    let mut operator = Browser::new(&app);
    let key = app.operator("Olga").await.bearer.expect("a key");
    operator.post("/ops/login/operator", &[("key", &key)]).await.expect(303);
    operator.get("/ops/reports").await.expect(409);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_only_reads_is_offered_nothing_else() {
    let app = TestApp::start().await;
    let mut reader = reader(&app, &["analytics:read"]).await;
    let list = reader.get("/ops/reports").await.expect(200);
    assert!(!list.says("Save a report") && !list.says("/ops/reports/files"), "{}", list.text);
    let page = reader.get("/ops/reports/agent").await.expect(200);
    assert!(!page.says("Export</button>") && !page.says("Save report"), "{}", page.text);
    let days = [("from", "2026-03-01"), ("until", "2026-03-31"), ("format", "csv")];
    reader.post("/ops/reports/agent/file", &days).await.expect(403);
    reader.get("/ops/reports/saved/new").await.expect(403);
    app.process.stop().await;
}

#[tokio::test]
async fn a_report_is_taken_out_as_a_file_by_forms() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/reports/lead").await.expect(200);
    let days = [("from", "2026-03-01"), ("until", "2026-03-31")];
    let write = "/ops/reports/lead/file";
    browser.post(write, &[days[0], days[1], ("format", "parchment")]).await.expect(422);
    let turned = [("from", "2026-03-31"), ("until", "2026-03-01"), ("format", "csv")];
    browser.post(write, &turned).await.expect(422);
    // Twice the same form is one file.
    let form = [days[0], days[1], ("format", "csv"), ("once", "export-1")];
    let file = browser.post(write, &form).await.leads();
    assert_eq!(browser.post(write, &form).await.leads(), "/ops/reports/files");
    let id = file.rsplit('/').next().expect("an id").to_owned();
    assert!(audited(&app.acme.admin, "export", "analytics_export", &id).await);
    let page = comes_to_say(&mut browser, &file, &["A link to download it"]).await;
    assert!(page.says("ready") && page.says("csv") && !page.says("hx-get"), "{}", page.text);
    assert!(browser.get("/ops/reports/files").await.expect(200).says(&file));

    let page = browser.post(&format!("{file}/link"), &[]).await.expect(200);
    let url = between(&page.text, "readonly value=\"", "\"").to_owned();
    let mut nobody = Browser::new(&app);
    let path = url.find("/files/").map(|at| url[at..].to_owned()).expect("a link");
    let csv = nobody.get(&path).await.expect(200);
    assert!(csv.says("By source"), "{}", csv.text);
    assert!(!browser.get(&file).await.expect(200).says("readonly"), "it is shown once");

    let mut stranger = stranger(&app).await;
    stranger.get(&file).await.expect(404);
    stranger.post(&format!("{file}/link"), &[]).await.expect(404);
    let short = id.replace('-', "")[24..].to_owned();
    browser.post(&format!("{file}/delete"), &[("confirm", "it")]).await.expect(422);
    browser.post(&format!("{file}/delete"), &[("confirm", &short)]).await.expect(303);
    assert!(browser.get(&file).await.expect(200).says("taken away"));
    nobody.get(&path).await.expect(404);
    app.process.stop().await;
}

#[tokio::test]
async fn a_report_is_saved_changed_sent_and_deleted_by_forms() {
    let app = TestApp::with_platform(
        |_| {},
        |platform| platform.public_url = Some(Arc::from("https://calls.example.com")),
    )
    .await;
    sandbox(&app.acme.admin).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let form = browser.get("/ops/reports/saved/new?kind=call&range=last_week").await.expect(200);
    assert!(form.says("<option value=\"call\" selected>"), "{}", form.text);
    assert!(form.says("<option value=\"last_week\" selected>"), "{}", form.text);
    let saved = "/ops/reports/saved";
    let fields = |name: &'static str, crontab: &'static str, recipients: &'static str| {
        [
            ("name", name),
            ("kind", "call"),
            ("span", "last_week"),
            ("format", "csv"),
            ("recipients", recipients),
            ("crontab", crontab),
            ("zone", ""),
        ]
    };
    let two = "ada@example.com\r\nbob@example.com";
    browser.post(saved, &fields("", "", "")).await.expect(422);
    browser.post(saved, &fields("Calls of the week", "30 7 * * 1", "")).await.expect(422);
    browser.post(saved, &fields("Calls of the week", "30 7 * * 1", "nobody")).await.expect(422);
    browser.post(saved, &fields("Calls of the week", "whenever", two)).await.expect(422);
    let report = browser.post(saved, &fields("Calls of the week", "30 7 * * 1", two)).await.leads();
    browser.post(saved, &fields("Calls of the week", "30 7 * * 1", two)).await.expect(409);
    let id = report.rsplit('/').next().expect("an id").to_owned();
    assert!(audited(&app.acme.admin, "create", "saved_report", &id).await);
    let page = browser.get(&report).await.expect(200);
    assert!(
        page.says("ada@example.com, bob@example.com") && page.says("<code>30 7 * * 1</code>"),
        "{}",
        page.text
    );
    assert!(page.says("It was not sent yet.") && page.says("Deliver now"), "{}", page.text);
    let list = browser.get("/ops/reports").await.expect(200);
    assert!(list.says("Calls of the week") && list.says("the week before"), "{}", list.text);

    let form = browser.get(&format!("{report}/edit")).await.expect(200);
    assert!(form.says("ada@example.com\nbob@example.com</textarea>"), "{}", form.text);
    let change = |version: &'static str| {
        let [name, kind, span, format, _, crontab, zone] = fields("Calls, weekly", "0 8 * * 1", "");
        [name, kind, span, format, ("recipients", "ada@example.com"), crontab, zone, ("version", version)]
    };
    browser.post(&report, &change("7")).await.expect(412);
    browser.post(&report, &change("1")).await.expect(303);
    let page = browser.get(&report).await.expect(200);
    assert!(page.says("Calls, weekly") && !page.says("bob@example.com"), "{}", page.text);

    let send = format!("{report}/send");
    browser.post(&send, &[("once", "send-1")]).await.expect(303);
    browser.post(&send, &[("once", "send-1")]).await.expect(303);
    let page = comes_to_say(&mut browser, &report, &["<span class=\"mark mark-good\">sent</span>"]).await;
    assert_eq!(page.text.matches("/ops/reports/files/").count(), 1, "once, however often it was clicked");
    assert!(browser.get("/ops/reports").await.expect(200).says("<span class=\"mark mark-good\">sent</span>"));

    let mut stranger = stranger(&app).await;
    stranger.get(&report).await.expect(404);
    stranger.post(&send, &[]).await.expect(404);
    let mut reader = reader(&app, &["analytics:read"]).await;
    let page = reader.get(&report).await.expect(200);
    assert!(!page.says("ada@example.com") && !page.says("Deliver now"), "masked: {}", page.text);
    assert!(!page.says("/edit\"") && !page.says("data-confirm"), "{}", page.text);
    reader.post(&format!("{report}/delete"), &[("confirm", "Calls, weekly")]).await.expect(403);

    browser.post(&format!("{report}/delete"), &[("confirm", "calls")]).await.expect(422);
    browser.post(&format!("{report}/delete"), &[("confirm", "Calls, weekly")]).await.expect(303);
    browser.get(&report).await.expect(404);
    let steps = logged(&app, &format!("resource=saved_report&resource_id={id}")).await;
    let steps: Vec<&str> = steps.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(steps, ["delete", "send", "update", "create"]);
    app.process.stop().await;
}
