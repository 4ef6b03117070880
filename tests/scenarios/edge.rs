//! What stands between the network and the routes.

use std::num::NonZeroU32;

use reqwest::Method;
use switchboard_tests::{Answer, PASSWORD, TestApp};

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

fn rate(per_s: u32) -> NonZeroU32 {
    NonZeroU32::new(per_s).expect("positive")
}

#[tokio::test]
async fn every_answer_says_how_it_is_to_be_treated() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for answer in [
        admin.get("/api/v1/me").await,
        admin.get("/api/v1/nothing").await,
        admin.anonymous().get("/api/v1/me").await,
        admin.anonymous().get("/livez").await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(header(&answer, name), value, "{name} of {}", answer.asked);
        }
        for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(header(&answer, "content-security-policy").contains(directive), "{directive}");
        }
    }
    let traced = admin.send(admin.request(Method::TRACE, "/api/v1/me")).await;
    assert_eq!(traced.status, 405, "nobody is shown what they sent");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_how_long_to_wait_and_the_others_go_on() {
    let app = TestApp::with(|plan| {
        plan.rates.per_caller = rate(1);
        plan.rates.per_address = rate(1);
    })
    .await;
    let admin = &app.acme.admin;
    let first = admin.get("/api/v1/me").await;
    assert_eq!(header(&first, "ratelimit-policy"), "\"caller\";q=10;w=10");
    assert_eq!(header(&first, "ratelimit"), "\"caller\";r=9;t=1");
    let mut refused = admin.get("/api/v1/me").await;
    for _ in 0..20 {
        refused = admin.get("/api/v1/me").await;
    }
    let wait: u64 = header(&refused, "retry-after").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(refused.problem(429), "too-many-requests");
    app.other.admin.get("/api/v1/me").await.expect(200);

    let stranger = admin.with_bearer("sb_live_x");
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(stranger.get("/api/v1/me").await.status);
    }
    assert_eq!((statuses[0], statuses[19]), (401, 429), "{statuses:?}");
    let login = async |password| stranger.try_login("acme", "admin@acme.example.com", password).await;
    assert_eq!(login("wrong horse battery").await.problem(429), "too-many-requests");
    for file in ["/files/x", "/exports/x"] {
        assert_eq!(stranger.get(file).await.problem(429), "too-many-requests", "{file}");
    }
    // Behind one address there may be an office: what succeeds is neither counted nor refused.
    login(PASSWORD).await.expect(200);
    stranger.get("/livez").await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_is_bounded_as_a_whole() {
    let app = TestApp::with(|plan| plan.rates.per_tenant = rate(1)).await;
    let second = app.user(&app.acme, "Agent").await;
    for _ in 0..20 {
        app.acme.admin.get("/api/v1/me").await;
    }
    assert_eq!(second.get("/api/v1/me").await.problem(429), "too-many-requests");
    app.other.admin.get("/api/v1/me").await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_well_is_turned_away_at_once() {
    let app = TestApp::with(|plan| plan.max_requests = 1).await;
    let admin = &app.acme.admin;
    let place = app.process.app.places.try_acquire().expect("nobody asks");
    let refused = admin.get("/api/v1/me").await;
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(refused.problem(503), "overloaded");
    admin.get("/livez").await.expect(200);
    drop(place);
    admin.get("/api/v1/me").await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_no_others() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let preflight = async |origin: &str| {
        let request = admin
            .anonymous()
            .request(Method::OPTIONS, "/api/v1/leads")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,idempotency-key");
        admin.send(request).await
    };
    let allowed = preflight("https://ops.example.com").await;
    assert_eq!(header(&allowed, "access-control-allow-origin"), "https://ops.example.com");
    assert!(header(&allowed, "access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(header(&allowed, "access-control-allow-credentials"), "");
    let other = preflight("https://elsewhere.example.com").await;
    assert_eq!(header(&other, "access-control-allow-origin"), "");
    let request = admin.request(Method::GET, "/api/v1/me").header("origin", "https://ops.example.com");
    let answer = admin.send(request).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "https://ops.example.com");
    app.process.stop().await;
}

#[tokio::test]
async fn plain_http_is_sent_away_where_it_is_not_wanted() {
    let app = TestApp::with(|plan| plan.only_https = true).await;
    let admin = &app.acme.admin;
    let send = async |method: Method, path: &str, scheme: &str| {
        admin.send(admin.request(method, path).header("x-forwarded-proto", scheme)).await
    };
    let led = send(Method::GET, "/ops/login?x=1", "http").await;
    assert_eq!(led.status, 308);
    assert!(header(&led, "location").starts_with("https://127.0.0.1"), "{:?}", led.headers);
    assert!(header(&led, "location").ends_with("/ops/login?x=1"));
    for method in [Method::GET, Method::POST] {
        assert_eq!(send(method, "/api/v1/me", "http").await.problem(403), "https-only");
    }
    assert_eq!(send(Method::POST, "/ops/login", "http").await.problem(403), "https-only");
    let good = send(Method::GET, "/api/v1/me", "https").await;
    assert!(header(&good, "strict-transport-security").contains("max-age=31536000; includeSubDomains"));
    good.expect(200);
    app.process.stop().await;
}
