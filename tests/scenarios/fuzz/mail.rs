//! What mail servers answer, line by line, and where they leave.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    messages::provider::{Account, Answer, Channel, Outgoing},
    types::{MessageId, ProviderId, SubjectId},
};
use proptest::{collection::vec, prelude::Strategy, strategy::ValueTree};
use serde_json::{Map, json};
use switchboard_tests::TestApp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{bytes, runner, share};
use crate::rights::admitted;

const REPLIES: [&str; 14] = [
    "220 mail.example.com ESMTP\r\n",
    "250-mail.example.com\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
    "250 2.1.0 Ok\r\n",
    "250 2.1.5 Ok\r\n",
    "354 go on\r\n",
    "250 2.0.0 queued as 1\r\n",
    "550 5.1.1 <ada@example.com>: no such user\r\n",
    "421 4.3.2 closing\r\n",
    "535 5.7.8 no\r\n",
    "250-never\r\n",
    "250",
    "999 9.9.9\r\n",
    "\r\n",
    "-1 \u{e9}\r\n",
];

type Script = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server that says what its script holds, one reply to each thing that it hears, and leaves at the end of it.
async fn server(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let replies = std::mem::take(&mut *script.lock().unwrap_or_else(PoisonError::into_inner));
            tokio::spawn(say(stream, replies));
        }
    });
    addr
}

async fn say(mut stream: TcpStream, replies: Vec<Vec<u8>>) {
    let mut heard = [0; 4096];
    for reply in replies {
        if stream.write_all(&reply).await.is_err() {
            return;
        }
        // Whoever waits for more of the reply says nothing.
        let _ = timeout(Duration::from_millis(10), stream.read(&mut heard)).await;
    }
}

#[tokio::test]
async fn whatever_a_mail_server_says_is_judged() {
    let app = TestApp::start().await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let script = Script::default();
    let addr = server(Arc::clone(&script)).await;
    let credentials = json!({
        "host": addr.ip().to_string(), "port": addr.port(), "tls": "none", "from": "a@example.com",
    });
    let account = Account {
        id: ProviderId(ctx.id()),
        channel: Channel::Email,
        credentials: credentials.to_string().into_bytes().into(),
        version: 1,
    };
    let adapter = app.process.app.platform.providers.get("smtp").expect("it is in the build");
    // Half of them go on as they should for a while.
    let good =
        |from: usize| REPLIES[..from].iter().map(|reply| reply.as_bytes().to_vec()).collect::<Vec<_>>();
    let scripts = (0..7_usize, vec(bytes(&REPLIES), 0..8))
        .prop_map(move |(from, more)| good(from).into_iter().chain(more).collect::<Vec<_>>());
    let (mut runner, times) = (runner(), share(20));
    for _ in 0..times {
        let replies = scripts.new_tree(&mut runner).expect("a script").current();
        *script.lock().unwrap_or_else(PoisonError::into_inner) = replies;
        let message = MessageId(ctx.id());
        let outgoing = Outgoing {
            message,
            subject_id: SubjectId(message.0),
            to: "ada@example.com".into(),
            subject: Some("Hi".into()),
            text: "Hello".into(),
            html: None,
            extra: Map::new(),
            unsubscribe_url: None,
            callback_url: None,
        };
        let answer = adapter.send(&ctx, &account, &outgoing).await;
        let said = format!("{answer:?}");
        assert!(!said.contains("ada@example.com"), "the server's prose is kept: {said}");
        if let Answer::Refused { code, .. } = &answer {
            assert!(code.len() <= 100 && !code.contains(char::is_control), "{said}");
        }
    }
    println!("security-cases {times}");
    app.process.stop().await;
}
