//! Files of leads: what is taken, what is left out, and what breaks off.

use futures::channel::mpsc;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    import_duplicates::{IMPORTS, import_so},
    leads::import,
};

/// The lines of an import that were left out, with the fields that are to blame.
async fn rejections(client: &Client, import: &Value) -> Vec<(i64, Option<String>)> {
    let path = format!("{IMPORTS}/{}/rows?outcome=rejected", import["id"].as_str().expect("an id"));
    let line = |row: &Value| {
        assert!(!row["reason"].as_str().expect("a reason").is_empty());
        (row["line"].as_i64().expect("a line"), row["field"].as_str().map(ToOwned::to_owned))
    };
    client.all(&path).await.iter().map(line).collect()
}

#[tokio::test]
async fn an_import_keeps_the_good_rows_and_names_the_bad_ones() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut file = b"\xEF\xBB\xBFname;email;phone;age\r\n".to_vec();
    file.extend("Ada;ada@example.com;;36\r\n".as_bytes());
    file.extend(b"Andr\xe9;andre@example.com;;40\r\n");
    file.extend("\"Smith; \"\"Jo\"\"\nJr\";jo@example.com;+14155550101;41\r\n".as_bytes());
    file.extend("Eve;nobody;;1\r\n".as_bytes());
    file.extend("Bob;bob@example.com\r\n".as_bytes());
    file.extend("Mute;;;1\r\n".as_bytes());
    file.extend("日本 太郎;taro@example.com;+81312345678;50\r\n".as_bytes());
    file.extend("\"Open;open@example.com;;1\r\nLast;last@example.com;;2".as_bytes());
    let report = import(admin, file).await.expect(201);
    assert_eq!(
        (&report["status"], &report["created"], &report["rejected"]),
        (&json!("finished"), &json!(2), &json!(6))
    );
    let named = |line, column: &str| (line, Some(column.to_owned()));
    assert_eq!(
        rejections(admin, &report).await,
        [
            (3, None),
            (4, Some("name".to_owned())),
            named(6, "email"),
            (7, None),
            named(8, "phone"),
            (10, None)
        ]
    );
    let leads = admin.all("/api/v1/leads").await;
    assert_eq!(leads.len(), 2);
    assert_eq!(leads[0]["name"], "日本 太郎");
    assert_eq!(leads[0]["attributes"], json!({"age": "50"}));
    app.process.stop().await;
}

#[tokio::test]
async fn a_bad_header_writes_nothing_and_says_what_to_change() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for file in
        ["", "\n\n", "name#email\nx#y\n", "name,age\nAda,36\n", "email,email\n", "\"email\n", "email,\n"]
    {
        let answer = import(admin, file).await;
        assert!(
            answer.body["errors"][0]["pointer"].as_str().is_some_and(|at| at.starts_with("/header")),
            "{file}"
        );
        assert_eq!(answer.problem(422), "invalid", "{file}");
    }
    assert_eq!(import(admin, b"\xe9mail,email\n".to_vec()).await.problem(422), "invalid");
    assert_eq!(admin.post("/api/v1/leads/imports", &json!({})).await.problem(415), "not-csv");
    let mut system = app.database.connect_as("switchboard_system").await;
    let written: i64 =
        sqlx::query_scalar("select (select count(*) from imports) + (select count(*) from leads)")
            .fetch_one(&mut system)
            .await
            .expect("an answer");
    assert_eq!(written, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_huge_line_streams_past_and_a_broken_file_keeps_what_was_whole() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    // 64 MiB without a line end, in pieces: it is told as one bad line and held nowhere.
    let piece = || Ok::<_, std::io::Error>(vec![b'x'; 1 << 20]);
    let pieces = std::iter::once(Ok(b"email\na@example.com\n".to_vec()))
        .chain((0..64).map(move |_| piece()))
        .chain([Ok(b"\nb@example.com\n".to_vec())]);
    let report = import(admin, reqwest::Body::wrap_stream(futures::stream::iter(pieces))).await.expect(201);
    assert_eq!((&report["created"], &report["rejected"]), (&json!(2), &json!(1)));
    assert_eq!(rejections(admin, &report).await, [(3, None)]);

    let mut socket = Socket::open(admin, Some(0)).await;
    socket.until("import.finished").await;
    let mut wire = TcpStream::connect(app.process.addr.expect("an address")).await.expect("a connection");
    let request = format!(
        "POST /api/v1/leads/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\nemail\nc@example.com\nd@exam",
        admin.bearer.as_deref().expect("a token")
    );
    wire.write_all(request.as_bytes()).await.expect("it is taken");
    drop(wire);
    let told = socket.until("import.finished").await.pop().expect("an event");
    assert_eq!((&told["data"]["status"], &told["data"]["created"]), (&json!("interrupted"), &json!(1)));
    assert_eq!(admin.all("/api/v1/leads").await.len(), 3);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_may_not_import_any_longer_is_stopped_on_the_way() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let new = json!({"name": "importer", "permissions": ["leads:import", "imports:read"]});
    let key = admin.post("/api/v1/api-keys", &new).await.expect(201);
    let importer = admin.with_bearer(key["key"].as_str().expect("a key"));
    let (pieces, file) = mpsc::unbounded();
    let send =
        |piece: &'static str| pieces.unbounded_send(Ok::<_, std::io::Error>(piece)).expect("it is read");
    send("email\na@example.com\n");
    let (importer, revoker) = (importer.clone(), admin.clone());
    let importing = tokio::spawn(async move { import(&importer, reqwest::Body::wrap_stream(file)).await });
    let begun = "/api/v1/compliance/audit-logs?action=import";
    while revoker.get(begun).await.expect(200)["items"].as_array().expect("a list").is_empty() {
        tokio::task::yield_now().await;
    }
    revoker.delete(&format!("/api/v1/api-keys/{}", key["id"].as_str().expect("an id"))).await.expect(204);
    send("b@example.com\n");
    assert_eq!(importing.await.expect("an answer").problem(401), "unauthenticated");
    let mut socket = Socket::open(admin, Some(0)).await;
    let told = socket.until("import.finished").await.pop().expect("an event");
    assert_eq!((&told["data"]["status"], &told["data"]["created"]), (&json!("interrupted"), &json!(0)));
    assert!(admin.all("/api/v1/leads").await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_sent_twice_under_one_key_is_imported_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let send = |file: &'static str| {
        let request = admin.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
        admin.send(request.header("idempotency-key", "file-1").body(file))
    };
    send("email\na@example.com\n").await.expect(201);
    let again = send("email\na@example.com\n").await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let path = again.location().expect("a Location").to_owned();
    assert_eq!(admin.get(&path).await.expect(200)["created"], 1);
    assert_eq!(send("email\nlonger@example.com\n").await.problem(422), "idempotency-key-reused");
    assert_eq!(admin.all("/api/v1/leads").await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn columns_are_what_the_sender_says_whatever_they_are_called() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let size = json!({"name": "size", "type": "number", "personal": false});
    admin.post("/api/v1/leads/attributes", &size).await.expect(201);
    let file = "\u{feff}\"E-Mail; \"\"privat\"\"\";Te\u{301}le\u{301}phone;Stufe;Stufe;;Größe;Merkmale;=Name\r\n\
                ada@example.com;+14155550100;1;2;x;36;\"vip;neu\";Ada\r\n\
                bob@example.com;;1;2;x;gross;;Bob\r\n\
                ;;1;2;x;1;;Cy\r\n\
                dan@example.com;;1;2;x;;;\r\n";
    let email = "map.email=E-Mail%3B%20%22privat%22";
    let query = format!(
        "delimiter=semicolon&{email}&map.phone=T%C3%89L%C3%89PHONE&map.attr.size=gr%C3%B6%C3%9Fe&map.tags=Merkmale\
         &map.name=%3DName&default.source=campaign&default.attr.plan=gold&default.attr.size=7"
    );
    let report = import_so(admin, &query, file).await.expect(201);
    assert_eq!((&report["created"], &report["rejected"]), (&json!(2), &json!(2)));
    let named = |line, field: &str| (line, Some(field.to_owned()));
    assert_eq!(rejections(admin, &report).await, [named(3, "attr.size"), named(4, "phone")]);
    let leads = admin.all("/api/v1/leads").await;
    let (dan, ada) = (&leads[0], &leads[1]);
    assert_eq!(ada["attributes"], json!({"size": 36, "plan": "gold"}), "what is not named is left out");
    assert_eq!((&ada["name"], &ada["phone"]), (&json!("Ada"), &json!("+14155550100")));
    assert_eq!((&ada["tags"], &ada["source"]), (&json!(["vip", "neu"]), &json!("campaign")));
    assert_eq!((&dan["attributes"], &dan["name"]), (&json!({"size": 7, "plan": "gold"}), &Value::Null));

    for (query, pointer) in [
        ("map.email=Nobody".to_owned(), "?map.email"),
        (format!("{email}&map.mail=Stufe"), "?map.mail"),
        (format!("{email}&map.name=Stufe"), "?map.name"),
        (format!("{email}&{email}"), "?map.email"),
        (format!("{email}&map.attr.email=Merkmale"), "?map.attr.email"),
        ("map.name=Merkmale".to_owned(), "?map"),
        (format!("{email}&default.phone=%2B14155550100"), "?default.phone"),
        (format!("{email}&default.attr.size=gross"), "?default.attr.size"),
        (format!("{email}&default.status=odd"), "?default.status"),
        (format!("{email}&on_duplicate=odd"), "?"),
        (format!("{email}&mapping=x"), "?"),
    ] {
        let refused = import_so(admin, &format!("delimiter=semicolon&{query}"), file).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{query}");
        assert_eq!(refused.problem(422), "invalid", "{query}");
    }
    assert_eq!(admin.all(IMPORTS).await.len(), 1, "nothing is written of a file that cannot be read");
    app.process.stop().await;
}

#[tokio::test]
async fn a_report_is_read_by_pages_and_taken_out_as_a_file() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    // The second row begins two lines further down, and one field is more than a lead holds.
    let huge = "x".repeat(40 * 1024);
    let file = format!(
        "email,note\na@example.com,\"two\nlines\"\nb@example.com,{huge}\nc@example.com,c\n,\nd@example.com,d\n"
    );
    let report = import(admin, file).await.expect(201);
    let sum: i64 = ["created", "updated", "duplicates", "rejected"]
        .iter()
        .map(|count| report[count].as_i64().expect("a count"))
        .sum();
    let path = format!("{IMPORTS}/{}/rows", report["id"].as_str().expect("an id"));
    let first = admin.get(&format!("{path}?limit=2")).await.expect(200);
    let next = first["next_cursor"].as_str().expect("a cursor");
    let rest = admin.get(&format!("{path}?limit=3&cursor={next}")).await.expect(200);
    assert_eq!(rest["next_cursor"], Value::Null);
    let pages = [&first["items"], &rest["items"]].map(|page| page.as_array().expect("items").clone());
    let all = pages.concat();
    let lines: Vec<i64> = all.iter().map(|row| row["line"].as_i64().expect("a line")).collect();
    assert_eq!((lines.as_slice(), sum), ([2, 4, 5, 6, 7].as_slice(), 5));
    assert_eq!(
        rejections(admin, &report).await,
        [(4, Some("attributes".to_owned())), (6, Some("phone".to_owned()))]
    );
    assert_eq!(admin.all(&format!("{path}?outcome=created")).await.len(), 3);
    assert!(admin.all(&format!("{path}?outcome=updated")).await.is_empty());
    assert_eq!(admin.get(&format!("{path}?outcome=odd")).await.problem(422), "invalid");
    for row in &all {
        let lead = row["lead_id"].as_str().map(|lead| format!("/api/v1/leads/{lead}"));
        if let Some(lead) = &lead {
            admin.get(lead).await.expect(200);
        }
        assert_eq!(lead.is_some(), row["outcome"] == "created");
    }

    for (query, length) in [("", 6), ("?outcome=rejected", 3), ("?outcome=duplicate", 1)] {
        let request = admin.request(Method::GET, &format!("{path}/export{query}"));
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8; header=present");
        let text = response.text().await.expect("text");
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!((rows[0], rows.len()), ("line,outcome,lead_id,field,reason", length), "{text}");
        assert!(!text.contains("example.com") && !text.contains("xxx"), "nothing of the file: {text}");
    }
    app.process.stop().await;
}
