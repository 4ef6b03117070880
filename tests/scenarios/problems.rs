//! Kinds of problems: each has an address that says what it means.

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
        assert_eq!(&nobody.get(&format!("/problems/{name}")).await.expect(200), kind);
    }
    assert_eq!(nobody.get("/problems/nowhere").await.problem(404), "not-found");
    app.process.stop().await;
}

/// What is made of no problem any more is not explained for ever.
#[test]
fn each_kind_is_made_somewhere() {
    let mut source = String::new();
    for folder in ["../src", "../domain/src", "../workers/src"] {
        read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut source);
    }
    for kind in problems::all() {
        let made = source.contains(&format!("\"{}\"", kind.name));
        assert!(made, "no problem is of the kind {}", kind.name);
    }
}

fn read(folder: std::path::PathBuf, source: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("problems") {
            read(path, source);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            source.push_str(&std::fs::read_to_string(path).expect("text"));
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
