use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::faults::Fault;

/// Says all at once, and hears all until the server closes.
async fn talk(server: &Server, said: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server.addr).await?;
    stream.write_all(said.replace('\n', "\r\n").as_bytes()).await?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await?;
    Ok(heard)
}

fn mail(to: &str) -> String {
    format!(
        "EHLO me\nMAIL FROM:<b+1@acme.example> BODY=8BITMIME\nRCPT TO:<{to}>\nDATA\n\
         Message-ID:\n <m1@acme.example>\nSubject: Grüße\n\nHello\n..a dot\n.\n"
    )
}

fn codes(heard: &str) -> Vec<&str> {
    heard
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .filter_map(|line| line.get(..3))
        .collect()
}

#[tokio::test]
async fn commands_that_come_all_at_once_are_answered_in_order() {
    let server = Server::start(Nature::default()).await.expect("a server");
    let two = mail("a@example.com").replace("DATA\n", "RCPT TO:<b@example.com>\nDATA\n");
    let heard = talk(&server, &format!("{two}DATA\n{}NOOP\nQUIT\n", mail("refuse-550-5.1.1@example.com")))
        .await
        .expect("a conversation");
    let expected = ["220", "250", "250", "250", "250", "354", "250", "503", "250", "250", "550", "503"];
    assert_eq!(codes(&heard)[..12], expected, "{heard}");
    assert!(heard.ends_with("250 2.0.0 still here\r\n221 2.0.0 bye\r\n"), "{heard}");
    let ledger = server.ledger();
    let to: Vec<_> = ledger.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["a@example.com", "b@example.com"]);
    assert!(ledger[0].data.ends_with("\n\nHello\n.a dot\n"), "{}", ledger[0].data);
    assert_eq!(ledger[0].header("message-id").as_deref(), Some("<m1@acme.example>"));
}

#[tokio::test]
async fn both_ways_to_log_in_are_taken_and_wrong_passwords_are_not() {
    let nature = Nature { login: Some(("u".into(), "p".into())), ..Nature::default() };
    let server = Server::start(nature).await.expect("a server");
    for (login, code) in [
        ("AUTH PLAIN AHUAcA==\n", "235"),
        ("AUTH PLAIN\nAHUAcA==\n", "235"),
        ("AUTH LOGIN\ndQ==\ncA==\n", "235"),
        ("AUTH LOGIN dQ==\ncA==\n", "235"),
        ("AUTH PLAIN AHUAcQ==\n", "535"),
        ("AUTH LOGIN\ndQ==\n!\n", "535"),
    ] {
        let heard =
            talk(&server, &format!("EHLO me\n{login}MAIL FROM:<a@b.example>\nQUIT\n")).await.expect("words");
        let codes = codes(&heard);
        let mail = if code == "235" { "250" } else { "530" };
        assert_eq!(codes[codes.len() - 3..], [code, mail, "221"], "{login}: {heard}");
    }
}

#[tokio::test]
async fn faults_are_met_at_the_final_dot() {
    let server = Server::start(Nature::default()).await.expect("a server");
    let faults = &server.world().faults;
    server.accepted().keyed_by(message_id);
    faults.next(Fault::ResetBeforeAccept);
    let met = talk(&server, &mail("a@example.com")).await.expect_err("a reset");
    assert_eq!((met.kind(), server.accepted().count()), (io::ErrorKind::ConnectionReset, 0));
    faults.next(Fault::AcceptThenReset);
    talk(&server, &mail("a@example.com")).await.expect_err("a reset");
    assert_eq!(server.accepted().count(), 1);
    faults.next(Fault::Answer(reply(554, "5.7.1 no")));
    faults.next(Fault::RateLimited { retry_after_s: 1 });
    let twice = format!("{}{}QUIT\n", mail("a@example.com"), mail("a@example.com"));
    let heard = talk(&server, &twice).await.expect("a conversation");
    assert!(heard.contains("554 5.7.1 no\r\n") && heard.contains("451 4.7.1 "), "{heard}");
    talk(&server, &format!("{}QUIT\n", mail("a@example.com"))).await.expect("a conversation");
    assert_eq!(server.accepted().duplicates(), ["<m1@acme.example>"]);
    assert_eq!(faults.injected().sends(), 4);
}

#[tokio::test]
async fn a_report_goes_to_the_return_path_and_names_the_recipient() {
    let server = Server::start(Nature::default()).await.expect("a server");
    talk(&server, &format!("{}QUIT\n", mail("a@example.com"))).await.expect("a conversation");
    let entry = server.accepted().entries().pop().expect("a mail");
    let report = dsn(&entry, "failed", "5.1.1", "550 5.1.1 nobody here");
    assert!(!report.replace("\r\n", "").contains(['\r', '\n']), "{report}");
    for part in [
        "\r\nTo: b+1@acme.example\r\n",
        "multipart/report; report-type=delivery-status;\r\n boundary=\"report-1/fake.example\"\r\n\r\n",
        "\r\nFinal-Recipient: rfc822; a@example.com\r\n",
        "\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        "\r\nDiagnostic-Code: smtp; 550 5.1.1 nobody here\r\n\r\n--report-1/fake.example\r\n",
        "\r\n\r\nMessage-ID:\r\n <m1@acme.example>\r\nSubject: Grüße\r\n\r\n--report-1/fake.example--\r\n",
    ] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
}
