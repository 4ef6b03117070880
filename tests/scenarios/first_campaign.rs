//! What the README begins with: five commands, from the sources to a campaign that is delivered into the sandbox.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use switchboard_tests::Client;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::installation::{Folder, end, switchboard};

const PAGE: &str = include_str!("../../docs/first-campaign.md");
const README: &str = include_str!("../../README.md");

/// The commands of the page by their words, without what is said of each.
fn commands() -> Vec<Vec<&'static str>> {
    let block = PAGE.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let lines = block.expect("a block of commands").lines();
    lines.map(|line| line.split(" #").next().unwrap_or(line).split_whitespace().collect()).collect()
}

#[test]
fn the_readme_has_the_same_commands() {
    let commands = commands();
    assert_eq!(commands.len(), 5, "{commands:?}");
    assert_eq!((&commands[0][..2], &commands[1][..]), (&["git", "clone"][..], &["cd", "switchboard"][..]));
    for command in &commands[1..] {
        let command = command.join(" ");
        assert!(README.contains(&command), "README.md has no `{command}`");
    }
}

#[tokio::test]
async fn five_commands_deliver_a_campaign_into_the_sandbox() {
    let (commands, folder) = (commands(), Folder::new());
    assert_eq!(commands[2], ["./x", "demo"]);
    let fewer = ["demo", "--leads", "80", "--agents", "4", "--listen", "127.0.0.1:0"];
    let mut demo = switchboard(&fewer, &folder.0);
    let mut demo = demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let mut lines = BufReader::new(demo.stdout.take().expect("a voice")).lines();
    let (mut base, last) = (String::new(), commands[4].join(" "));
    loop {
        let line = lines.next_line().await.expect("a line").expect("the demo goes on");
        if let Some(place) = line.strip_prefix("Up at ") {
            place.trim_end_matches("/ops").clone_into(&mut base);
        }
        // It says itself what to do next.
        if line.trim() == last {
            break;
        }
    }
    // It must be able to go on speaking.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    let seen = run(&folder, &commands[3], &["-o", "json"]).await;
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    assert!(seen["matched"].as_i64().is_some_and(|matched| matched >= 10), "{seen:#}");
    assert_eq!(
        (&seen["unreachable"], &seen["messages"][0]["problem"]),
        (&json!(0), &Value::Null),
        "{seen:#}"
    );

    let known = std::fs::read(folder.0.join("demo.json")).expect("what the demo remembers");
    let known: Value = serde_json::from_slice(&known).expect("JSON");
    let known = |name: &str| known[name].as_str().expect("text").to_owned();
    let client = Client::new(&base).login(&known("slug"), &known("email"), &known("password")).await;
    let ours = async || {
        let all = client.all("/api/v1/campaigns").await;
        all.into_iter().find(|one| one["name"] == "Guten Tag")
    };
    assert_eq!(ours().await, None, "a dry run writes nothing");

    let ended = run(&folder, &commands[4], &[]).await;
    assert!(ended.contains(" is finished: ") && ended.contains(" sent"), "{ended}");
    let campaign = ours().await.expect("the campaign");
    let id = campaign["id"].as_str().expect("an id");
    let sent = client.all(&format!("/api/v1/campaigns/{id}/recipients?status=sent")).await;
    assert!(sent.len() >= 10, "{sent:#?}");
    for one in &sent {
        let message = one["message_id"].as_str().expect("an id");
        let outbox = format!("/api/v1/communication/sandbox/outbox?message_id={message}");
        assert_eq!(client.all(&outbox).await.len(), 1, "{one}");
    }
    end(demo).await;
}

/// Gives a command of the page, and answers what it printed.
async fn run(folder: &Folder, command: &[&str], more: &[&str]) -> String {
    assert_eq!(command[..2], ["./x", "run"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is a member of the workspace");
    let mut ran = switchboard(&[&command[2..], more].concat(), &folder.0);
    let ran = ran.current_dir(root).output().await.expect("the binary starts");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{command:?}: {said}\n{}", String::from_utf8_lossy(&ran.stderr));
    said
}
