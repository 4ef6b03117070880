//! The description of the API as a page.

use switchboard_tests::{Browser, TestApp};

#[tokio::test]
async fn the_description_is_a_page_that_needs_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let mut nobody = Browser::new(&app);
    let page = nobody.get("/docs").await.expect(200);
    assert!(page.headers["content-type"].to_str().expect("text").starts_with("text/html"));
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(policy.contains("connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.says("<script>") && !page.says("<style") && !page.says(" style="), "nothing inline");
    assert!(!page.says("://") && !page.says("\"//"), "{}", page.text);

    let addresses = page.text.split("\"/ops/assets/").skip(1).filter_map(|rest| rest.split('"').next());
    let mut files = 0;
    for address in addresses {
        let kept = nobody.get(&format!("/ops/assets/{address}")).await.expect(200);
        assert!(kept.headers["cache-control"].to_str().expect("text").contains("immutable"), "{address}");
        files += 1;
    }
    assert_eq!(files, 5, "{}", page.text);
    let script = nobody.get("/ops/assets/docs.js").await.expect(200);
    assert!(script.says("validatorUrl: null") && !script.says("://"), "{}", script.text);
    nobody.get("/api/v1/openapi.json").await.expect(200);

    nobody.get("/docs/nowhere").await.expect(404);
    nobody.get("/ops/assets/swagger-ui.js").await.expect(404);
    app.process.stop().await;
}
