//! Calls to servers that tenants name, over real sockets: what is near is not connected to, nothing is sent twice, and
//! what is known of a call that failed is right.
//!
//! That no proxy is taken from the environment is not shown here: the environment belongs to all tests together.

mod peer;

use std::{
    collections::VecDeque,
    future::ready,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::outbound::{OutboundPolicy, forms};
use futures::FutureExt;
use reqwest::{Method, Url};
use tokio::net::TcpListener;
use workers::rim::{
    Lookup,
    outbound::{Limits, Outbound, OutboundAnswer, OutboundError, OutboundRequest},
};

use self::peer::{Does, Peer};

/// Enough where an answer comes, and not long where none does.
const SHORT: Limits =
    Limits { connect: Duration::from_millis(400), total: Duration::from_millis(800), body: 64 * 1024 };

/// Of the space that nobody was given (`2000::/3` is open as a whole), so that no stranger is called.
const NOBODY: &str = "3ffe::1";

fn policy(loopback: bool) -> Arc<OutboundPolicy> {
    Arc::new(OutboundPolicy { loopback, relays: Vec::new() })
}

/// Answers one list of addresses after the other, whatever the name.
fn turns(lists: &[&[&str]]) -> Lookup {
    let parse =
        |list: &&[&str]| list.iter().map(|ip| ip.parse().expect("an address")).collect::<Vec<IpAddr>>();
    let lists: Mutex<VecDeque<_>> = Mutex::new(lists.iter().map(parse).collect());
    Arc::new(move |_: String| {
        let next = lists.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        ready(io::Result::Ok(next.unwrap_or_default())).boxed()
    })
}

fn open() -> Outbound {
    Outbound::with_resolver(policy(true), turns(&[]), SHORT).expect("a client")
}

fn post(url: &str) -> OutboundRequest {
    let url = Url::parse(url).expect("a URL");
    OutboundRequest { method: Method::POST, url, headers: Vec::new(), body: b"s3cret".to_vec() }
}

fn hook(addr: SocketAddr) -> OutboundRequest {
    post(&format!("http://{addr}/hook?token=s3cret"))
}

/// Why there was no answer; the words say nothing of where it went.
fn failure(ended: Result<OutboundAnswer, OutboundError>) -> OutboundError {
    let error = ended.err().expect("a failure");
    let (OutboundError::Blocked(why)
    | OutboundError::Unwritable(why)
    | OutboundError::Busy(why)
    | OutboundError::NotSent(why)
    | OutboundError::Ambiguous(why)) = &error;
    assert!(!why.contains("s3cret") && !why.contains("127.0.0.1") && !why.contains("example.com"), "{why}");
    error
}

#[tokio::test]
async fn nothing_near_is_connected_to_in_whatever_form_it_is_written() {
    let peer = Peer::start(vec![Does::answer("200 OK", "", "ok")]).await;
    let shut = Outbound::new(policy(false)).expect("a client");
    let port = peer.addr.port();
    let of_host = |host: &str| [format!("https://{host}:{port}/hook"), format!("http://{host}:{port}/hook")];
    let hosts = forms::blocked_hosts().flat_map(of_host);
    let (mut all, mut sent) = (0, 0);
    for form in hosts.chain(forms::BLOCKED_URLS.iter().map(|&url| url.to_owned())) {
        all += 1;
        assert!(shut.policy().check(&form).is_err(), "{form:?}");
        // What is no URL cannot even be asked for.
        if let Ok(url) = Url::parse(&form) {
            sent += 1;
            let request = OutboundRequest { url, ..post("https://hooks.example.com/") };
            let ended = shut.send(request).await;
            assert!(matches!(ended, Err(OutboundError::Blocked(_))), "{form:?}");
        }
    }
    assert!(all >= 220 && sent >= 200, "{sent} of {all} forms");
    println!("security-cases {all}");
    assert_eq!(peer.connections_before_now().await, 0, "somebody came");
    assert_eq!(open().send(hook(peer.addr)).await.expect("an answer").body, b"ok", "it can be reached");
}

#[tokio::test]
async fn names_that_stand_for_what_is_near_are_not_connected_to() {
    let peer = Peer::start(vec![Does::answer("200 OK", "", "ok")]).await;
    let url = |name: &str| format!("https://{name}:{}/", peer.addr.port());
    for near in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00::1"],
        &["10.0.0.1", "127.0.0.1", "::1"],
    ] {
        let shut = Outbound::with_resolver(policy(false), turns(&[near]), SHORT).expect("a client");
        let error = failure(shut.send(post(&url("127-0-0-1.example.com"))).await);
        assert!(matches!(error, OutboundError::Blocked(_)), "{near:?}: {error:?}");
    }
    // A name that changes what it stands for, and one that stands for both at once.
    let changing = turns(&[&[NOBODY], &["127.0.0.1"], &[NOBODY, "127.0.0.1"], &["127.0.0.1", NOBODY]]);
    let shut = Outbound::with_resolver(policy(false), changing, SHORT).expect("a client");
    for blocked in [false, true, false, false] {
        let error = failure(shut.send(post(&url("rebind.example.com"))).await);
        assert_eq!(matches!(error, OutboundError::Blocked(_)), blocked, "{error:?}");
        assert!(blocked || matches!(error, OutboundError::NotSent(_)), "{error:?}");
    }
    assert_eq!(peer.connections_before_now().await, 0, "somebody came");
    // The same name, where this machine is open: the connection goes to what the resolver said.
    let lookup = turns(&[&["127.0.0.1"]]);
    let open = Outbound::with_resolver(policy(true), lookup, SHORT).expect("a client");
    failure(open.send(post(&url("rebind.example.com"))).await);
    assert_eq!(peer.connections_before_now().await, 2, "one was for counting");
    println!("security-cases 11");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let target = Peer::start(vec![Does::answer("200 OK", "", "followed")]).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("location: http://{}/\r\n", target.addr);
        let peer = Peer::start(vec![Does::answer(status, &location, "")]).await;
        let answer = open().send(hook(peer.addr)).await.expect("an answer");
        assert!(status.starts_with(&answer.status.to_string()), "{status}: {}", answer.status);
        assert!(answer.headers.contains_key("location"));
        assert_eq!(peer.requests().len(), 1);
    }
    assert_eq!(target.connections_before_now().await, 0, "somebody followed");
    println!("security-cases 5");
}

#[tokio::test]
async fn requests_arrive_whole_and_answers_are_cut_at_their_limit() {
    let long = "x".repeat(200 * 1024);
    let peer = Peer::start(vec![
        Does::answer("418 Teapot", "retry-after: 7\r\n", "no"),
        Does::answer("200 OK", "", &long),
    ])
    .await;
    let open = open();
    let headers = vec![("X-Note".to_owned(), "grüße".to_owned()), ("x-note".to_owned(), "two".to_owned())];
    let answer = open.send(OutboundRequest { headers, ..hook(peer.addr) }).await.expect("an answer");
    assert_eq!((answer.status, &answer.body[..]), (418, &b"no"[..]));
    assert_eq!(answer.headers["retry-after"], "7");
    let request = peer.requests().remove(0);
    assert!(
        request.starts_with("POST /hook?token=s3cret HTTP/1.1\r\n") && request.ends_with("\r\n\r\ns3cret")
    );
    for line in ["x-note: grüße\r\n", "x-note: two\r\n", "user-agent: Switchboard/", "content-length: 6\r\n"]
    {
        assert!(request.contains(line), "{request}");
    }
    let cut = open.send(hook(peer.addr)).await.expect("an answer");
    assert_eq!((cut.status, cut.body.len()), (200, 64 * 1024));
}

#[tokio::test]
async fn headers_of_the_connection_and_line_breaks_are_not_sent() {
    let peer = Peer::start(vec![Does::answer("200 OK", "", "ok")]).await;
    for (name, value) in [
        ("Host", "other.example.com"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("X-Note", "a\r\nHost: other.example.com"),
        ("X-Note", "a\nb"),
        ("X-Note", "a\0b"),
        ("X Note", "a"),
        ("", "a"),
    ] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let error = failure(open().send(OutboundRequest { headers, ..hook(peer.addr) }).await);
        assert!(matches!(error, OutboundError::Unwritable(_)), "{name:?} {value:?}: {error:?}");
    }
    assert_eq!(peer.connections_before_now().await, 0, "somebody came");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let peer = Peer::start(vec![Does::answer("200 OK", "", "ok")]).await;
    let speechless = format!("https://{}/", peer.addr);
    let nameless = "https://nowhere.example.com/";
    for request in [hook(free), post(&speechless), post(nameless)] {
        let to = request.url.clone();
        let error = failure(open().send(request).await);
        assert!(matches!(error, OutboundError::NotSent(_)), "{to}: {error:?}");
    }
    assert!(peer.requests().is_empty(), "it never spoke TLS");
}

#[tokio::test]
async fn what_is_not_answered_whole_is_uncertain_and_sent_once() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    for (how, does) in [
        ("no answer", Does::Hold),
        ("no answer and a closed connection", Does::SayAndLeave(String::new())),
        ("half a head", Does::SayAndLeave("HTTP/1.1 200 OK\r\ncont".into())),
        ("half a body", Does::SayAndLeave(format!("{head}half"))),
        ("half a body and no more", Does::Say(format!("{head}half"))),
        ("no HTTP", Does::SayAndLeave("220 mail.example.com ESMTP\r\n\r\n".into())),
    ] {
        let peer = Peer::start(vec![does]).await;
        let error = failure(open().send(hook(peer.addr)).await);
        assert!(matches!(error, OutboundError::Ambiguous(_)), "{how}: {error:?}");
        assert_eq!(peer.requests().len(), 1, "{how}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_breaks_under_a_request_does_not_repeat_it() {
    let ok = Does::answer("200 OK", "", "ok");
    let peer = Peer::start(vec![ok.clone(), Does::SayAndLeave(String::new()), ok]).await;
    let open = open();
    open.send(hook(peer.addr)).await.expect("an answer");
    let error = failure(open.send(hook(peer.addr)).await);
    assert!(matches!(error, OutboundError::Ambiguous(_)), "{error:?}");
    assert_eq!(peer.requests().len(), 2, "the second request came once");
    open.send(hook(peer.addr)).await.expect("an answer");
    assert_eq!(peer.requests().len(), 3);
}

/// Nobody is to try out what else listens on a server that they name for their mail.
#[tokio::test]
async fn mail_goes_to_the_ports_of_mail_servers_and_to_no_others() {
    let policy = Arc::new(OutboundPolicy { loopback: false, relays: vec!["relay.internal".into()] });
    let near = "10.0.0.9";
    for port in [25, 465, 587, 2525] {
        let lookup = turns(&[&[NOBODY], &[near], &[near]]);
        let outbound = Outbound::with_resolver(Arc::clone(&policy), lookup, SHORT).expect("a client");
        let addr = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), port);
        let far = outbound.mail_server("smtp.example.com", port).await.expect("it may be reached");
        assert_eq!(far, [addr(NOBODY)]);
        let own = outbound.mail_server("Relay.internal", port).await.expect("it is the installation's own");
        assert_eq!(own, [addr(near)]);
        let other = outbound.mail_server("other.internal", port).await.expect_err("it is near");
        assert!(matches!(other, OutboundError::Blocked(_)), "{other:?}");
    }
    for port in [0, 22, 26, 80, 443, 2526, 5432] {
        let lookup = turns(&[&[NOBODY], &[near]]);
        let outbound = Outbound::with_resolver(Arc::clone(&policy), lookup, SHORT).expect("a client");
        for host in ["smtp.example.com", "relay.internal", NOBODY] {
            let refused = outbound.mail_server(host, port).await.expect_err("it is no port of mail");
            let is_told = matches!(&refused, OutboundError::Blocked(why) if why.contains("2525"));
            assert!(is_told, "{host} {port}: {refused:?}");
        }
    }
}
