//! Over raw connections, byte by byte where it matters.

use std::{io, sync::Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::lock;

/// Answers with what it heard, and does what the path says.
#[derive(Default)]
struct Echo {
    heard: Mutex<Vec<Request>>,
}

impl Handler for Echo {
    fn handle(&self, request: &Request) -> Reply {
        lock(&self.heard).push(request.clone());
        match request.path() {
            "/reset" => Reply::Reset,
            "/hang" => Reply::Hang,
            "/nothing" => Answer { status: 204, headers: Vec::new(), body: Vec::new() }.into(),
            path => {
                let body = String::from_utf8_lossy(&request.body);
                Answer::text(200, &format!("{} {path} {body}", request.method)).into()
            }
        }
    }
}

async fn start() -> (Server, std::sync::Arc<Echo>) {
    let echo = std::sync::Arc::new(Echo::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    (Server::start(listener, std::sync::Arc::clone(&echo)).expect("a server"), echo)
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.addr()).await.expect("a connection")
}

/// Reads one answer with a length.
async fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
            if body.len() >= length {
                assert_eq!(body.len(), length, "more than one answer: {text}");
                return (head.to_owned(), body.to_owned());
            }
        }
        assert!(stream.read_buf(&mut read).await.expect("bytes") > 0, "it ends within {text}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_over_requests_and_header_names_have_no_case() {
    let (server, echo) = start().await;
    let mut stream = connect(&server).await;
    for number in 0..3 {
        let request = format!(
            "POST /p{number}?a=%2B1&b HTTP/1.1\r\nHOST: x\r\ncOntent-lEngth: 5\r\nX-Y: Z\r\n\r\nhello"
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let (head, body) = answer(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("close"), "{head}");
        assert_eq!(body, format!("POST /p{number} hello"));
    }
    assert_eq!(server.connections(), 1);
    let heard = lock(&echo.heard)[0].clone();
    assert_eq!(heard.header("x-y"), Some("Z"));
    let query = [("a".to_owned(), "+1".to_owned()), ("b".to_owned(), String::new())];
    assert_eq!(heard.query(), query);
}

#[tokio::test]
async fn bodies_come_in_chunks_in_pieces_and_behind_each_other() {
    let (server, echo) = start().await;
    let mut stream = connect(&server).await;
    let request = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n\
                   GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n";
    for byte in request.bytes() {
        stream.write_all(&[byte]).await.expect("written");
    }
    let mut all = String::new();
    stream.read_to_string(&mut all).await.expect("it is closed at the end");
    assert!(
        all.contains("POST /c abc0123456789HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
        "{all}"
    );
    assert_eq!(lock(&echo.heard).len(), 2);
}

#[tokio::test]
async fn a_peer_that_asks_first_is_told_to_go_on() {
    let (server, _echo) = start().await;
    let mut stream = connect(&server).await;
    let head = "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    assert_eq!(answer(&mut stream).await.0, "HTTP/1.1 100 Continue");
    stream.write_all(b"hi").await.expect("written");
    assert_eq!(answer(&mut stream).await.1, "POST /e hi");
}

#[tokio::test]
async fn a_reset_comes_after_the_request_was_read_whole() {
    let (server, echo) = start().await;
    let mut stream = connect(&server).await;
    stream.write_all(b"POST /reset HTTP/1.1\r\nContent-Length: 4\r\n\r\nwhol").await.expect("written");
    let met = stream.read(&mut [0; 8]).await.expect_err("a reset");
    assert_eq!(met.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(lock(&echo.heard)[0].body, b"whol");
}

#[tokio::test]
async fn what_hangs_ends_when_the_peer_or_the_server_goes() {
    let (server, echo) = start().await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /hang HTTP/1.1\r\n\r\n").await.expect("written");
    stream.shutdown().await.expect("half closed");
    assert_eq!(stream.read(&mut [0; 8]).await.expect("closed without an answer"), 0);
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /hang HTTP/1.1\r\n\r\n").await.expect("written");
    drop(server);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or_default(), 0);
    assert!(!lock(&echo.heard).is_empty());
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let (server, echo) = start().await;
    for wrong in ["no request\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n"] {
        let mut stream = connect(&server).await;
        stream.write_all(wrong.as_bytes()).await.expect("written");
        assert!(answer(&mut stream).await.0.starts_with("HTTP/1.1 400 Bad Request"), "{wrong}");
    }
    assert!(lock(&echo.heard).is_empty());
}

#[test]
fn credentials_are_read_by_their_scheme() {
    let with =
        |value: &str| Request { headers: vec![("authorization".into(), value.into())], ..Request::default() };
    assert_eq!(with("bearer abc").bearer(), Some("abc"));
    assert_eq!(with("Basic dTpwOnE=").basic(), Some(("u".into(), "p:q".into())));
    assert_eq!((with("Basic dTpwOnE=").bearer(), with("Basic !").basic()), (None, None));
}

#[test]
fn a_form_is_an_object_and_comes_back_encoded() {
    let pairs = decoded(b"To=%2B49&m=a&m=b&m=c+d");
    assert_eq!(object(&pairs).to_string(), r#"{"To":"+49","m":["a","b","c d"]}"#);
    assert_eq!(encoded(&pairs), "To=%2B49&m=a&m=b&m=c+d");
}
