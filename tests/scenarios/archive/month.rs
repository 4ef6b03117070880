//! A month goes to the archive, wherever the work is cut off.

use serde_json::{Value, json};
use switchboard_tests::{TestApp, app::platform};

use super::{ARCHIVE, ARCHIVES, LOGS, VERIFY, api_only, archive, dies, long_ago, sealer, verdict};
use crate::onboarding::until;

#[tokio::test]
async fn a_month_leaves_when_all_tenants_have_archived_theirs_and_can_be_looked_into_and_brought_back() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    long_ago(&app, &app.acme, 2_500).await;
    long_ago(&app, &app.other, 30).await;
    let told = admin.post(ARCHIVE, &json!({"dry_run": true})).await.expect(200);
    assert_eq!((&told["run_id"], told["due"].as_array().map(Vec::len)), (&Value::Null, Some(1)), "{told}");
    assert_eq!((&told["due"][0]["rows"], &told["due"][0]["open"]), (&json!(2_500), &json!(0)));
    assert!(admin.all(ARCHIVES).await.is_empty(), "a dry run does nothing");
    let agent = app.user(&app.acme, "Manager").await;
    assert_eq!(agent.post(ARCHIVE, &json!({})).await.problem(403), "permission-missing");

    let begun = admin.post(ARCHIVE, &json!({})).await.expect(202);
    assert_eq!(
        (begun["due"].as_array().map(Vec::len), &begun["due"][0]["rows"]),
        (Some(1), &Value::Null),
        "{begun}"
    );
    let run = format!("/api/v1/workflows/{}", begun["run_id"].as_str().expect("a run"));
    until(admin, &run, |run| !run["finished_at"].is_null()).await;
    let mine = admin.all(ARCHIVES).await;
    assert_eq!((mine.len(), &mine[0]["state"], &mine[0]["rows"]), (1, &json!("verified"), &json!(2_500)));
    let range = format!(
        "from={}&to={}",
        mine[0]["first_at"].as_str().expect("a time").replace('+', "%2B"),
        mine[0]["last_at"].as_str().expect("a time").replace('+', "%2B")
    );
    let of_then = format!("{LOGS}?resource=lead&{range}");
    assert_eq!(admin.all(&of_then).await.len(), 2_499, "the other tenant's lie in the same month");
    let begun = other.post(ARCHIVE, &json!({})).await.expect(202);
    let run = format!("/api/v1/workflows/{}", begun["run_id"].as_str().expect("a run"));
    until(other, &run, |run| !run["finished_at"].is_null()).await;
    let id = mine[0]["id"].as_str().expect("an id").to_owned();
    let whole = admin.get(&format!("{ARCHIVES}/{id}")).await.expect(200);
    assert_eq!((&whole["state"], &whole["manifest"]["rows"]), (&json!("dropped"), &json!(2_500)), "{whole}");
    assert!(admin.all(&of_then).await.is_empty());

    for files in ["false", "true"] {
        let verified = admin.get(&format!("{VERIFY}?archive={files}")).await.expect(200);
        assert_eq!((&verified["whole"], &verified["archived"]), (&json!(true), &json!(2_500)), "{verified}");
        assert_eq!(verified["read_in_files"], if files == "true" { json!(2_500) } else { Value::Null });
    }
    let path = format!("{ARCHIVES}/{id}/entries?action=update&security=true");
    let found = admin.all(&path).await;
    assert_eq!(found.len(), 2_500 / 30, "every thirtieth");
    assert!(found.iter().all(|entry| entry["action"] == "update" && entry["severity"] == "notice"));
    let seqs: Vec<i64> = found.iter().map(|entry| entry["seq"].as_i64().expect("a place")).collect();
    assert!(seqs.is_sorted_by(|one, next| one < next), "no entry comes twice: {seqs:?}");
    let short = admin.get(&format!("{path}&limit=20")).await.expect(200);
    let cursor = short["next_cursor"].as_str().expect("it goes on");
    let next = admin.get(&format!("{path}&limit=20&cursor={cursor}")).await.expect(200);
    assert_eq!((&short["items"][19]["id"], &next["items"][0]["id"]), (&found[19]["id"], &found[20]["id"]));
    for way in ["", "/entries", "/file"] {
        assert_eq!(other.get(&format!("{ARCHIVES}/{id}{way}")).await.problem(404), "not-found");
    }

    let restore = format!("{ARCHIVES}/{id}/restore");
    assert_eq!(other.post(&restore, &json!({})).await.problem(404), "not-found");
    let done = admin.post(&restore, &json!({})).await;
    assert_eq!(admin.ended(done).await["status"], "succeeded");
    assert!(admin.all(&of_then).await.is_empty(), "only whoever asks for them sees them");
    let back = admin.all(&format!("{of_then}&archived=true")).await;
    assert_eq!((back.len(), &back[0]["detail"]["x"]), (2_499, &json!(1.50)));
    assert!(other.all(&format!("{of_then}&archived=true")).await.is_empty(), "not those of others");
    admin.delete(&restore).await.expect(204);
    admin.delete(&restore).await.expect(204);
    assert!(admin.all(&format!("{of_then}&archived=true")).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn wherever_it_dies_no_row_is_lost_and_the_next_run_goes_on() {
    let app = TestApp::with_roles(api_only()).await;
    long_ago(&app, &app.acme, 1_200).await;
    long_ago(&app, &app.other, 7).await;
    let platform = platform(&app.database).await;
    let sealer = sealer(&app).await;
    let before = verdict(&sealer, app.acme.id).await;
    assert_eq!(before.broken, None);
    let mut deaths = 0;
    let ended = loop {
        match dies(archive(&platform, None), deaths).await {
            Some(Ok(ended)) => break ended,
            // A detaching that goes on in the database without us holds its lock for a moment.
            Some(Err(error)) => println!("after {deaths}: {error}"),
            None => {}
        }
        deaths += 1;
        let verdict = verdict(&sealer, app.acme.id).await;
        assert_eq!((verdict.broken, verdict.rows), (None, before.rows), "after {deaths} waits");
        assert!(deaths < 2_000, "it does not end");
    };
    // How often depends on the machine: what is there already is not waited for.
    assert!(deaths > 10, "it died {deaths} times only");
    println!("died {deaths} times; {ended:?}");
    let with_files = sealer.verify_with_files(app.acme.id).await.expect("an answer");
    assert_eq!(
        (with_files.broken, with_files.archived, with_files.read_in_files),
        (None, 1_200, Some(1_200))
    );
    assert_eq!(with_files.rows, before.rows);
    for tenant in [&app.acme, &app.other] {
        let listed = tenant.admin.all(ARCHIVES).await;
        assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("dropped")), "{listed:?}");
    }
    app.process.stop().await;
}
