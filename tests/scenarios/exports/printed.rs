//! Reports as PDF: fetched, and sent by mail.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Error, Result,
    analytics::{document::Report, export::printer::Printer},
};
use fakes::smtp::{Nature, Server};
use reqwest::header::HeaderMap;
use serde_json::json;
use switchboard::process::Roles;
use switchboard_tests::TestApp;

use super::{
    EXPORT, at, fetched_bytes, link, made,
    saved::{self, REPORTS, linked, open, weekly},
};
use crate::smtp::account;

fn is_printed(headers: &HeaderMap, bytes: &[u8]) {
    assert_eq!(headers["content-type"], "application/pdf");
    let name = headers["content-disposition"].to_str().expect("text");
    assert!(name.starts_with("attachment; filename=\"report-") && name.ends_with(".pdf\""), "{name}");
    assert_eq!(headers["content-length"], bytes.len().to_string().as_str());
    assert!(bytes.starts_with(b"%PDF-") && bytes.trim_ascii_end().ends_with(b"%%EOF"), "all of it");
    // With the letters that it needs, and no more of the fonts.
    assert!((5_000..1_000_000).contains(&bytes.len()), "{} bytes", bytes.len());
}

#[tokio::test]
async fn each_report_is_a_pdf_and_rows_are_none() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for kind in ["lead", "call", "campaign", "agent", "gamification", "message", "job"] {
        let report = json!({"kind": kind, "from": "2026-03-01", "to": "2026-04-01", "zone": "Europe/Berlin"});
        let export = made(admin, &json!({"what": "report", "format": "pdf", "report": report})).await;
        let (headers, bytes) = fetched_bytes(admin, &link(admin, &export).await).await;
        is_printed(&headers, &bytes);
        assert_eq!((&export["format"], &export["size"]), (&json!("pdf"), &json!(bytes.len())), "{kind}");
    }
    for what in ["leads", "calls", "messages"] {
        let refused = admin.post(EXPORT, &json!({"what": what, "format": "pdf"})).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/format", "{}", refused.body);
        assert_eq!(refused.problem(422), "invalid", "rows are not printed: {what}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_saved_report_comes_by_mail_with_a_link_to_its_pdf() {
    let app = open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    account(admin, &server, &json!({})).await;
    let mut report = weekly(&["a@example.com"]);
    report["format"] = json!("pdf");
    let report = admin.post(REPORTS, &report).await.expect(201);
    assert_eq!(report["format"], "pdf");
    let sent = admin.post(&format!("{}/send", saved::at(&report)), &json!({})).await;
    let operation = admin.ended(sent).await;
    assert_eq!(operation["status"], "succeeded", "{operation:#}");
    let ledger = server.ledger();
    assert_eq!(ledger.len(), 1);
    let (headers, bytes) = fetched_bytes(admin, &linked(&ledger[0].data)).await;
    is_printed(&headers, &bytes);
    app.process.stop().await;
}

/// Prints nothing.
struct Jammed;

#[async_trait]
impl Printer for Jammed {
    async fn print(&self, _: Report) -> Result<Vec<u8>> {
        Err(Error::conflict("not-printed", "the paper is stuck"))
    }
}

#[tokio::test]
async fn what_cannot_be_printed_fails_and_says_why() {
    let app = TestApp::with_platform(|_| {}, |platform| platform.printer = Arc::new(Jammed)).await;
    let admin = &app.acme.admin;
    let report = json!({"kind": "call", "from": "2026-03-01", "to": "2026-04-01"});
    let asked = admin.post(EXPORT, &json!({"what": "report", "format": "pdf", "report": report})).await;
    let id = asked.body["export_id"].clone();
    let ended = admin.ended(asked).await;
    assert_eq!(ended["status"], "failed", "{ended:#}");
    let job = format!("/api/v1/jobs/{}", ended["id"].as_str().expect("an id"));
    let job = admin.get(&job).await.expect(200);
    assert!(job.to_string().contains("the paper is stuck"), "{job:#}");
    // It is given up by the time that something else is asked for.
    let report = json!({"what": "report", "format": "csv", "report": report});
    made(admin, &report).await;
    assert_eq!(admin.get(&at(&id)).await.expect(200)["gone_why"], "failed");
    app.process.stop().await;
}
