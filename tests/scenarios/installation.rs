//! The installation: the demo, the private Postgres, the commands of docker-compose.yml.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use switchboard_tests::Database;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use uuid::Uuid;

/// A folder of its own, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        Self(env::temp_dir().join(format!("sb-{}", Uuid::now_v7().simple())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that is left behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command on an installation of its own, whose data lies there.
pub fn switchboard(arguments: &[&str], data: &Path) -> Command {
    let binary = env::var("TEST_BINARY").expect("TEST_BINARY is missing: run the tests by `./x test`");
    let mut command = Command::new(binary);
    command.args(arguments).arg("--data-dir").arg(data).env_remove("DATABASE_URL");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_demo_adds_up_and_a_second_start_finds_its_data() {
    let data = Folder::new();
    let demo = ["demo", "--once", "--leads", "120", "--agents", "7"];
    for (words, again) in
        [("the sandbox delivered 120 mails", false), ("Found the data of an earlier demo", true)]
    {
        let run = switchboard(&demo, &data.0).output().await.expect("the binary starts");
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
        assert!(said.contains(words), "{said}");
        assert_eq!(said.contains("import      120/120"), !again, "{said}");
    }
    let key = std::fs::metadata(data.0.join("key")).expect("a key file");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
}

/// Starts `up` and waits until it answers; the line says where.
async fn up(data: &Path) -> (tokio::process::Child, String) {
    begun(switchboard(&["up", "--listen", "127.0.0.1:0"], data), "listening on ").await
}

/// Starts a command and waits until it says where it answers, after these words.
async fn begun(mut command: Command, words: &str) -> (tokio::process::Child, String) {
    let mut child = command.stderr(Stdio::piped()).env("NO_COLOR", "1").spawn().expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a voice")).lines();
    while let Some(line) = lines.next_line().await.expect("a line") {
        if let Some((_, base)) = line.split_once(words) {
            let base = base.trim().to_owned();
            // It must be able to go on speaking.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, base);
        }
    }
    panic!("it ended before it listened");
}

/// Has a process end in order.
pub async fn end(mut child: tokio::process::Child) {
    let id = child.id().expect("it runs").to_string();
    let told = std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
    assert!(told.success());
    assert!(child.wait().await.expect("an end").success(), "SIGTERM ends it in order");
}

#[tokio::test]
async fn a_killed_up_leaves_no_postgres_behind_and_loses_nothing() {
    let data = Folder::new();
    let (mut first, base) = up(&data.0).await;
    let ready = reqwest::get(format!("{base}/readyz")).await.expect("an answer");
    assert!(ready.status().is_success());
    first.kill().await.expect("it can be killed");
    // The guard holds the folder until its server has ended; the second start waits for it.
    let (second, base) = up(&data.0).await;
    let ready = reqwest::get(format!("{base}/readyz")).await.expect("an answer");
    assert!(ready.status().is_success());
    end(second).await;
}

#[tokio::test]
async fn a_worker_says_how_it_is_at_an_address_of_its_own() {
    let (database, data) = (Database::create().await, Folder::new());
    let mut command = switchboard(&["serve", "--role", "worker"], &data.0);
    command.env("DATABASE_URL", sqlx::ConnectOptions::to_url_lossy(&database.owner).as_str());
    command.env("SWITCHBOARD_OPS_LISTEN", "127.0.0.1:0");
    let (worker, base) = begun(command, "saying how it is on ").await;
    let ask = async |path: &str| {
        let answer = reqwest::get(format!("{base}{path}")).await.expect("an answer");
        assert!(answer.status().is_success(), "{path}");
        answer.text().await.expect("text")
    };
    ask("/livez").await;
    ask("/readyz").await;
    let told = ask("/metrics").await;
    assert!(told.contains("engine_attempts_total{queue=\"messages\",verdict=\"completed\"} 0"), "{told}");
    end(worker).await;
}

#[tokio::test]
async fn the_commands_of_the_compose_file_run() {
    let compose = include_str!("../../docker-compose.yml");
    let commands: Vec<Vec<String>> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("command: "))
        .filter(|list| list.contains("migrate") || list.contains("serve"))
        .map(|list| serde_json::from_str(list).expect("a list of words"))
        .collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    let (database, data) = (Database::create().await, Folder::new());
    for words in commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = switchboard(&words, &data.0);
        command.env("DATABASE_URL", sqlx::ConnectOptions::to_url_lossy(&database.owner).as_str());
        command.env("SWITCHBOARD_LISTEN", "127.0.0.1:0").env("SWITCHBOARD_OPS_LISTEN", "127.0.0.1:0");
        let mut child = command.spawn().expect("the binary starts");
        if words[0] == "migrate" {
            assert!(child.wait().await.expect("an end").success());
            continue;
        }
        let roles = words.last().expect("roles").split(',').collect::<Vec<_>>();
        let mut system = database.connect_as("switchboard_system").await;
        // The node is registered once all that it needs was there.
        loop {
            let nodes: i64 = sqlx::query_scalar("select count(*) from engine.nodes where roles = $1")
                .bind(&roles)
                .fetch_one(&mut system)
                .await
                .expect("an answer");
            assert!(child.try_wait().expect("a state").is_none(), "{words:?} ended");
            if nodes == 1 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        child.kill().await.expect("it can be killed");
    }
}

#[tokio::test]
async fn an_operator_is_made_by_hand_and_revoked() {
    let (database, data) = (Database::create().await, Folder::new());
    let url = sqlx::ConnectOptions::to_url_lossy(&database.owner).to_string();
    let operators = async |words: &[&str]| {
        let mut command = switchboard(&[&["operators"][..], words].concat(), &data.0);
        let run = command.env("DATABASE_URL", &url).output().await.expect("the binary starts");
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).expect("text")
    };
    let made = operators(&["create", "Olga", "--days", "7"]).await;
    assert!(made.lines().last().is_some_and(|key| key.starts_with("sbo_live_")), "{made}");
    let id = made.split(' ').next().expect("an id");
    let listed = operators(&["list"]).await;
    assert!(listed.contains("Olga") && listed.contains("GOOD UNTIL") && !listed.contains("sbo_"), "{listed}");
    operators(&["revoke", id]).await;
    let listed = operators(&["list", "-o", "json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    assert!(listed[0]["revoked_at"].is_string(), "{listed}");
}

#[tokio::test]
async fn a_tenant_is_made_by_hand_and_the_doctor_finds_what_is_needed() {
    let (database, data) = (Database::create().await, Folder::new());
    let url = sqlx::ConnectOptions::to_url_lossy(&database.owner).to_string();
    let create = |password: &'static str| {
        let mut command = switchboard(&["tenants", "create", "acme", "--email", "you@example.com"], &data.0);
        command.env("DATABASE_URL", &url).env("ADMIN_PASSWORD", password);
        command
    };
    let weak = create("short").output().await.expect("the binary starts");
    assert!(!weak.status.success());
    assert!(String::from_utf8_lossy(&weak.stderr).contains("12"), "{weak:?}");
    let made = create("correct horse battery").output().await.expect("the binary starts");
    assert!(made.status.success(), "{made:?}");
    let again = create("correct horse battery").output().await.expect("the binary starts");
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("slug"), "{again:?}");
    let doctor = switchboard(&["doctor"], &data.0).output().await.expect("the binary starts");
    assert!(doctor.status.success(), "{doctor:?}");
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("using"), "{doctor:?}");
}
