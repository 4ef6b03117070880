//! `docs/recipes.md`, done by a shell: whoever copies a recipe gets what it promises.

use std::{fmt::Write as _, fs};

use fakes::receiver;
use switchboard_tests::{PASSWORD, TestApp};
use tokio::process::Command;

use crate::installation::Folder;

const PAGE: &str = include_str!("../../docs/recipes.md");
/// Characters of what a shell did last that are shown if it fails.
const SHOWN: usize = 6_000;

/// The recipes: what each is called and what it has a shell do.
fn recipes() -> Vec<(&'static str, String)> {
    let parts = PAGE.split("\n## ").skip(1);
    parts
        .map(|part| {
            let blocks = part.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
            (part.lines().next().unwrap_or_default(), blocks.collect())
        })
        .collect()
}

/// The end of a text.
fn end_of(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().skip(text.chars().count().saturating_sub(SHOWN)).collect()
}

#[test]
fn there_are_ten_recipes_and_each_looks_what_it_came_to() {
    let recipes = recipes();
    assert!(recipes.len() >= 10, "{}", recipes.len());
    for (name, commands) in recipes {
        assert!(
            commands.contains("curl") || commands.contains("api ") || commands.contains("send "),
            "{name}"
        );
        let last = commands.lines().last().unwrap_or_default();
        assert!(last.starts_with("test "), "{name} ends without a look: {last}");
    }
}

#[tokio::test]
async fn every_recipe_comes_to_what_it_promises() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let receiver = receiver::Fake::start(receiver::Config::default()).await.expect("a port");
    let mut script =
        String::from("trap 'code=$?; [ $code = 0 ] || echo \"this recipe failed: $RECIPE\" >&2' EXIT\n");
    for (name, commands) in recipes() {
        assert!(!name.contains('\''), "{name} cannot be quoted");
        write!(script, "RECIPE='{name}'\n{commands}").expect("a text grows");
    }
    fs::create_dir_all(&folder.0).expect("a folder");
    fs::write(folder.0.join("recipes.sh"), script).expect("it is written");
    let addr = app.process.addr.expect("an address");
    let ran = Command::new("bash")
        .args(["-x", "recipes.sh"])
        .current_dir(&folder.0)
        .env("SWITCHBOARD", format!("http://{addr}"))
        .env("TENANT", app.acme.slug)
        .env("EMAIL", "admin@acme.example.com")
        .env("PASSWORD", PASSWORD)
        .env("RECEIVER", format!("{}/told", receiver.url()))
        .env("no_proxy", "127.0.0.1")
        .kill_on_drop(true)
        .output()
        .await
        .expect("bash is there");
    let (said, did) = (end_of(&ran.stdout), end_of(&ran.stderr));
    assert!(ran.status.success(), "{did}\nand said:\n{said}");
    let told = receiver.ledger().entries();
    assert!(told.iter().any(|one| one.body["type"] == "switchboard.webhook.test.v1"), "{told:?}");
    app.process.stop().await;
}
