//! A file of leads from the command line.

use std::{env, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use serde_json::json;
use switchboard_tests::{TestApp, switchboard};
use uuid::Uuid;

/// A file of its own, removed at the end.
pub struct File(PathBuf);

impl File {
    pub fn of(text: &str) -> Self {
        let path = env::temp_dir().join(format!("sb-{}", Uuid::now_v7().simple()));
        fs::write(&path, text).expect("it is written");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A file that is left behind harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_file_is_looked_at_imported_and_reported_on() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let rows: String = (0..1_200)
        .map(|at| format!("Person {at},person-{at}@example.com\n"))
        .fold("name,email\n".to_owned(), |file, row| file + &row);
    let (file, report) = (File::of(&(rows + "Eve,nobody\n")), File::of(""));
    let import = async |more: &[&str]| {
        let words = ["leads", "import", "--tenant", "acme", file.path(), "-o", "json"];
        switchboard(&app.database, &[&words[..], more].concat()).await
    };
    let looked = import(&["--dry-run"]).await.expect(0).json();
    let counts = |view: &serde_json::Value| json!([view["dry_run"], view["created"], view["rejected"]]);
    assert_eq!(counts(&looked), json!([true, 1_200, 1]));
    assert!(admin.all("/api/v1/leads").await.is_empty(), "a dry run makes no leads");

    let imported = import(&["--report", report.path()]).await.expect(0).json();
    assert_eq!((&imported["status"], counts(&imported)), (&json!("finished"), json!([false, 1_200, 1])));
    assert_eq!(admin.all("/api/v1/leads").await.len(), 1_200);
    assert!(app.other.admin.all("/api/v1/leads").await.is_empty());
    let told = fs::read_to_string(&report.0).expect("a report");
    assert!(told.lines().count() == 1_202 && told.contains("rejected"), "{}", told.len());

    let lost = import(&["--dry-run", "--report", "/nowhere/report.csv"]).await.expect(1);
    assert_eq!(lost.json()["dry_run"], true, "what was found is told all the same");
    assert!(lost.err.contains("/nowhere/report.csv"), "{lost:#?}");
    fs::remove_file(&report.0).expect("it goes");
    import(&["--dry-run", "--report", report.path()]).await.ends(0);
    let mode = fs::metadata(&report.0).expect("a report").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "people are named in it");

    let again = import(&["--on-duplicate", "skip"]).await.expect(0).json();
    assert_eq!((&again["created"], &again["duplicates"]), (&json!(0), &json!(1_200)));
    let entries = ["audit", "list", "--tenant", "acme", "--action", "import", "-o", "ndjson"];
    let entries = switchboard(&app.database, &entries).await.expect(0).lines();
    assert!(entries.len() == 5 && entries.iter().all(|one| one["actor_kind"] == "system"), "{entries:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_before_anything_is_written() {
    let app = TestApp::start().await;
    let wrong = File::of("shoe,size\n1,2\n");
    let asked: [(&str, &[&str], &str); 4] = [
        ("/nowhere/leads.csv", &[], "nowhere"),
        (wrong.path(), &[], "header"),
        (wrong.path(), &["--map", "email"], "name=value"),
        (wrong.path(), &["--on-duplicate", "perhaps"], "perhaps"),
    ];
    for (file, more, said) in asked {
        let words = [&["leads", "import", "--tenant", "acme", file][..], more].concat();
        let ran = switchboard(&app.database, &words).await.expect(2);
        assert!(ran.err.contains(said), "{ran:#?}");
    }
    assert!(app.acme.admin.all("/api/v1/leads/imports").await.is_empty());
    app.process.stop().await;
}
