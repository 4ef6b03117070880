//! Kinds of problems: each has an address that says what it means.

use reqwest::Method;
use serde_json::Value;
use switchboard::http::problems;
use switchboard_tests::{Browser, TestApp};

#[tokio::test]
async fn the_type_of_a_refusal_is_an_address_that_explains_it() {
    let app = TestApp::start().await;
    let nobody = app.acme.admin.anonymous();
    let refused = nobody.get("/api/v1/leads").await;
    assert_eq!(refused.status, 401);
    let address = refused.body["type"].as_str().expect("a type").to_owned();

    let told = nobody.get(&address).await.expect(200);
    assert_eq!(told["name"], "unauthenticated");
    assert_eq!(told["status"], 401);
    let mut browser = Browser::new(&app);
    let page = browser.get(&address).await.expect(200);
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/html"));
    assert!(page.says(told["remedy"].as_str().expect("a remedy")), "{}", page.text);
    assert!(!page.says("<script") && !page.says(" style="), "{}", page.text);

    let all = nobody.get("/problems").await.expect(200);
    let list = browser.get("/problems").await.expect(200);
    for kind in all.as_array().expect("kinds") {
        let name = kind["name"].as_str().expect("a name");
        assert!(list.says(&format!("href=\"/problems/{name}\"")), "{name}");
        let address = format!("/problems/{name}");
        assert_eq!(&nobody.get(&address).await.expect(200), kind);
        assert!(browser.get(&address).await.expect(200).says(&format!("<h1>{name}</h1>")), "{name}");
    }
    assert_eq!(nobody.get("/problems/nowhere").await.problem(404), "not-found");
    let elsewhere = browser.get("/problems/nowhere").await;
    assert_eq!(elsewhere.expect(404).headers["cache-control"], "no-store");
    app.process.stop().await;
}

/// Each form has a tag of its own, for both stand at one address.
#[tokio::test]
async fn what_a_kind_means_is_not_sent_twice() {
    let app = TestApp::start().await;
    let nobody = app.acme.admin.anonymous();
    let mut tags = Vec::new();
    for form in ["application/json", "text/html"] {
        let ask = || nobody.request(Method::GET, "/problems/not-found").header("accept", form);
        let first = nobody.send(ask()).await;
        assert_eq!(first.status, 200, "{form}");
        assert_eq!(first.headers["cache-control"], "public, max-age=3600", "{form}");
        let varies = first.headers.get_all("vary").iter().any(|on| on == "accept");
        assert!(varies && first.headers["content-type"].to_str().expect("text").starts_with(form));
        let tag = first.headers["etag"].clone();
        let again = nobody.send(ask().header("if-none-match", tag.clone())).await;
        assert_eq!(again.status, 304, "{form}");
        tags.push(tag);
    }
    assert_ne!(tags[0], tags[1]);
    app.process.stop().await;
}

/// What is made of no problem any more is not explained for ever.
#[test]
fn each_kind_is_made_somewhere() {
    let source = sources();
    for kind in problems::all() {
        let made = source.contains(&format!("\"{}\"", kind.name));
        assert!(made, "no problem is of the kind {}", kind.name);
    }
}

/// A kind that is written where a problem is made, whether or not a scenario comes by.
#[test]
fn each_kind_that_is_made_is_explained() {
    let source = sources();
    let conflicts = source.split("conflict(").chain(source.split("Conflict { kind:")).filter_map(first_text);
    let others = source.split("StatusCode::").filter_map(|rest| {
        let (status, rest) = rest.split_once(',')?;
        let bare = status.bytes().all(|letter| letter.is_ascii_uppercase() || letter == b'_');
        first_text(rest).filter(|text| bare && is_name(text))
    });
    let mut looked_at = 0;
    for name in conflicts.chain(others) {
        assert!(problems::find(name).is_some(), "say in `http::problems` what `{name}` means");
        looked_at += 1;
    }
    assert!(looked_at > 150, "{looked_at}");
}

/// The text that stands at the beginning, if one does.
fn first_text(rest: &str) -> Option<&str> {
    Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'-')
}

fn sources() -> String {
    let mut source = String::new();
    for folder in ["../src", "../domain/src", "../workers/src", "../workflows/src"] {
        read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut source);
    }
    source
}

fn read(folder: std::path::PathBuf, source: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("problems") {
            read(path, source);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(path).expect("text");
            // Tests of a unit stand at the end of its file, and make problems of no kind.
            source.push_str(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        }
    }
}

/// The pages are for programs as well, and the description of the API says so.
#[test]
fn both_forms_are_described() {
    let api: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    for path in ["/problems", "/problems/{kind}"] {
        let forms = api["paths"][path]["get"]["responses"]["200"]["content"].as_object().expect("forms");
        assert_eq!(forms.keys().collect::<Vec<_>>(), ["application/json", "text/html"], "{path}");
    }
}
