use reqwest::header::HeaderMap;

use super::*;
use crate::faults::Fault;

async fn start() -> Fake {
    Fake::start(Config { smallest_part: 4, page: 2, ..Config::default() }).await.expect("a fake")
}

async fn call(
    fake: &Fake,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, HeaderMap, String) {
    let to = (fake.url(), fake.config().account.clone());
    let (status, headers, body) =
        signature::send((&to.0, &to.1, "s3"), (method, target), headers, body).await;
    (status, headers, String::from_utf8(body).expect("text"))
}

#[tokio::test]
async fn an_object_is_written_read_in_parts_and_taken_away() {
    let fake = start().await;
    let at = "/fake-bucket/a%20b/%C3%BC.txt";
    let (status, headers, _) = call(&fake, "PUT", at, &[("content-type", "text/plain")], b"0123456789").await;
    assert_eq!(status, 200);
    let tag = headers["etag"].to_str().expect("text").to_owned();
    for (range, status, body, told) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-1", 206, "9", "bytes 9-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
    ] {
        let (got, headers, text) = call(&fake, "GET", at, &[("range", range)], b"").await;
        assert_eq!((got, headers["content-range"].to_str().expect("text")), (status, told), "{range}");
        assert!(got == 416 || text == body, "{range}: {text}");
    }
    let (status, headers, body) = call(&fake, "HEAD", at, &[], b"").await;
    assert_eq!(
        (status, body.as_str(), &headers["content-type"]),
        (200, "", &"text/plain".parse().expect("a value"))
    );
    assert_eq!(
        (&headers["content-length"], &headers["etag"]),
        (&"10".parse().expect("a value"), &tag.parse().expect("a value"))
    );
    assert_eq!(call(&fake, "PUT", at, &[("if-none-match", "*")], b"x").await.0, 412);
    assert_eq!(call(&fake, "PUT", at, &[("if-match", "\"other\"")], b"x").await.0, 412);
    assert_eq!(call(&fake, "PUT", at, &[("if-match", &tag)], b"y").await.0, 200);
    assert_eq!(
        call(&fake, "PUT", "/fake-bucket/c", &[("x-amz-copy-source", "fake-bucket/a%20b/%C3%BC.txt")], b"")
            .await
            .0,
        200
    );
    assert_eq!(fake.objects()["c"].bytes, b"y");
    for _ in 0..2 {
        assert_eq!(call(&fake, "DELETE", at, &[], b"").await.0, 204);
    }
    let (status, _, text) = call(&fake, "GET", at, &[], b"").await;
    assert!(status == 404 && text.contains("<Code>NoSuchKey</Code>"), "{text}");
    let done: Vec<_> =
        fake.ledger().by_key("a b/ü.txt").iter().map(|entry| entry.body["operation"].clone()).collect();
    assert_eq!(done, ["PutObject", "PutObject", "DeleteObject", "DeleteObject"]);
}

#[tokio::test]
async fn keys_come_in_pages_below_a_prefix_and_up_to_a_delimiter() {
    let fake = start().await;
    for key in ["a/1", "a/2", "a/b/1", "a/b/2", "a/c", "b"] {
        call(&fake, "PUT", &format!("/fake-bucket/{key}"), &[], b"x").await;
    }
    let (mut token, mut found) = (String::new(), Vec::new());
    loop {
        let target = format!("/fake-bucket?list-type=2&prefix=a%2F&delimiter=%2F{token}");
        let (status, _, text) = call(&fake, "GET", &target, &[], b"").await;
        assert_eq!(status, 200, "{text}");
        let items = text.split("<Contents>").skip(1);
        found
            .extend(items.flat_map(|item| xml::texts(item.split("</Contents>").next().expect("one"), "Key")));
        found.extend(
            xml::texts(&text, "CommonPrefixes").iter().flat_map(|common| xml::texts(common, "Prefix")),
        );
        let Some(next) = xml::texts(&text, "NextContinuationToken").pop() else { break };
        token = format!("&continuation-token={}", signature::encoded(next.as_bytes(), false));
    }
    assert_eq!(found, ["a/1", "a/2", "a/c", "a/b/"]);
    let body = b"<Delete><Object><Key>a/1</Key></Object><Object><Key>b</Key></Object></Delete>";
    let (status, _, text) = call(&fake, "POST", "/fake-bucket?delete", &[("content-md5", "-")], body).await;
    assert!(status == 200 && xml::texts(&text, "Key") == ["a/1", "b"], "{text}");
    assert_eq!(fake.objects().len(), 4);
}

#[tokio::test]
async fn parts_make_an_object_only_when_they_are_put_together() {
    let fake = start().await;
    let begin = async || {
        let (_, _, text) = call(&fake, "POST", "/fake-bucket/big?uploads", &[], b"").await;
        xml::texts(&text, "UploadId").pop().expect("an id")
    };
    let part = async |id: &str, number: u32, bytes: &[u8]| {
        let target = format!("/fake-bucket/big?partNumber={number}&uploadId={id}");
        let (status, headers, _) = call(&fake, "PUT", &target, &[], bytes).await;
        assert_eq!(status, 200);
        headers["etag"].to_str().expect("text").to_owned()
    };
    let complete = async |id: &str, parts: &[(u32, &str)]| {
        let parts: Vec<String> = parts
            .iter()
            .map(|(number, tag)| {
                let tag = xml::escaped(tag);
                format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
            })
            .collect();
        let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat());
        let (status, _, text) =
            call(&fake, "POST", &format!("/fake-bucket/big?uploadId={id}"), &[], body.as_bytes()).await;
        (status, xml::texts(&text, "Code").pop().unwrap_or_default())
    };
    let id = begin().await;
    let (two, one) = (part(&id, 2, b"56").await, part(&id, 1, b"1234").await);
    assert!(fake.objects().is_empty());
    assert_eq!(complete(&id, &[(2, &two), (1, &one)]).await, (400, "InvalidPartOrder".into()));
    assert_eq!(complete(&id, &[(1, &two)]).await, (400, "InvalidPart".into()));
    assert_eq!(complete(&id, &[(1, &one), (2, &two)]).await, (200, String::new()));
    assert_eq!(fake.objects()["big"].bytes, b"123456");
    assert_eq!(complete(&id, &[(1, &one)]).await, (404, "NoSuchUpload".into()));

    let id = begin().await;
    let (one, two) = (part(&id, 1, b"123").await, part(&id, 2, b"4").await);
    assert_eq!(complete(&id, &[(1, &one), (2, &two)]).await, (400, "EntityTooSmall".into()));
    assert_eq!(fake.open_uploads(), 1);
    assert_eq!(call(&fake, "DELETE", &format!("/fake-bucket/big?uploadId={id}"), &[], b"").await.0, 204);
    assert_eq!((fake.open_uploads(), fake.objects()["big"].bytes.len()), (0, 6));
}

#[tokio::test]
async fn it_fails_as_storage_does_and_believes_only_what_is_signed() {
    let fake = start().await;
    call(&fake, "PUT", "/fake-bucket/a", &[], b"0123456789").await;
    fake.faults().next(Fault::RateLimited { retry_after_s: 1 });
    let (status, _, text) = call(&fake, "PUT", "/fake-bucket/a", &[], b"x").await;
    assert!(status == 503 && text.contains("<Code>SlowDown</Code>"), "{text}");
    fake.cut(1);
    let url = format!("{}/fake-bucket/a", fake.url());
    assert_eq!(crate::client().get(&url).send().await.expect("an answer").status().as_u16(), 403);
    let stranger = Account { secret_key: "other".into(), ..fake.config().account.clone() };
    let (status, _, body) =
        signature::send((&fake.url(), &stranger, "s3"), ("GET", "/fake-bucket/a"), &[], b"").await;
    assert!(status == 403 && String::from_utf8_lossy(&body).contains("SignatureDoesNotMatch"));
    let cut = tokio::spawn(async move { call(&fake, "GET", "/fake-bucket/a", &[], b"").await });
    assert!(cut.await.is_err(), "the body breaks off");
}
