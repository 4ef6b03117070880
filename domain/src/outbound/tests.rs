use std::collections::HashSet;

use super::{
    forms::{ALLOWED_URLS, BLOCKED_URLS, LOOPBACK_HOSTS, blocked_hosts},
    *,
};

const SHUT: OutboundPolicy = OutboundPolicy { loopback: false, relays: Vec::new() };
const OPEN: OutboundPolicy = OutboundPolicy { loopback: true, relays: Vec::new() };

#[test]
fn what_is_near_is_refused_however_it_is_written() {
    let mut seen = HashSet::new();
    for host in blocked_hosts() {
        assert!(seen.insert(host), "{host} stands there twice");
        for url in
            [format!("https://{host}/hook"), format!("https://{host}:8443/hook"), format!("http://{host}/")]
        {
            assert!(SHUT.check(&url).is_err(), "{url:?} was taken");
        }
    }
    for &url in BLOCKED_URLS {
        assert!(seen.insert(url), "{url} stands there twice");
        assert!(SHUT.check(url).is_err(), "{url:?} was taken");
    }
    assert!(seen.len() >= 220, "only {} forms", seen.len());
    println!("security-cases {}", seen.len());
}

#[test]
fn strangers_servers_are_taken_as_they_will_be_called() {
    for &(given, called) in ALLOWED_URLS {
        assert_eq!(SHUT.check(given).map(String::from).as_deref(), Ok(called), "{given:?}");
        assert_eq!(SHUT.check(called).map(String::from).as_deref(), Ok(called), "{called:?} is not stable");
    }
}

#[test]
fn development_opens_this_machine_and_nothing_else() {
    for url in [
        "http://127.0.0.1:4010/",
        "https://127.0.0.1:4010/",
        "http://127.255.1.2/",
        "http://0x7f000001/",
        "http://localhost:4010/hook",
        "https://LOCALHOST/",
        "http://[::1]:4010/",
    ] {
        assert!(OPEN.check(url).is_ok(), "{url} was refused");
        assert!(SHUT.check(url).is_err(), "{url} was taken");
    }
    let this_machine: HashSet<&str> = LOOPBACK_HOSTS.split_whitespace().collect();
    for host in blocked_hosts().filter(|host| !this_machine.contains(host)) {
        for url in [format!("https://{host}:8443/hook"), format!("http://{host}/")] {
            assert!(OPEN.check(&url).is_err(), "{url:?} was taken");
        }
    }
    for url in [
        "http://hooks.example.com/",
        "http://8.8.8.8/",
        "ftp://127.0.0.1/",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1:22/",
    ] {
        assert!(OPEN.check(url).is_err(), "{url} was taken");
    }
}

#[test]
fn addresses_that_names_stand_for_are_judged_alike() {
    for (ip, public) in [
        ("8.8.8.8", true),
        ("127.0.0.1", false),
        ("10.0.0.1", false),
        ("169.254.169.254", false),
        ("2606:4700::1111", true),
        ("::1", false),
        ("::ffff:8.8.8.8", false),
        ("::ffff:127.0.0.1", false),
        ("64:ff9b::808:808", true),
        ("64:ff9b::a00:1", false),
        ("fd00::1", false),
        ("fe80::1", false),
    ] {
        let ip: IpAddr = ip.parse().expect("an address");
        assert_eq!(SHUT.is_allowed(ip), public, "{ip}");
        assert_eq!(OPEN.is_allowed(ip), public || ip.is_loopback(), "{ip}");
    }
}

#[test]
fn long_urls_are_refused_also_if_only_what_is_called_is_long() {
    let of = |len: usize, with: &str| format!("https://hooks.example.com/{}", with.repeat(len));
    assert!(SHUT.check(&of(MAX_LEN - 26, "a")).is_ok());
    assert!(SHUT.check(&of(MAX_LEN - 25, "a")).is_err());
    assert!(SHUT.check(&of(700, "é")).is_err(), "each é is called as %C3%A9");
}

#[test]
fn other_protocols_keep_their_ports() {
    assert!(BAD_PORTS.is_sorted());
    for port in BAD_PORTS {
        assert!(SHUT.check(&format!("https://hooks.example.com:{port}/")).is_err(), "{port}");
    }
}

#[test]
fn refusals_repeat_nothing_of_what_was_entered() {
    for url in
        ["http://s3cret.example.com/", "https://u:s3cret@example.com/", "https://s3cret.local/", "s3cret"]
    {
        let why = SHUT.check(url).expect_err("it is refused");
        assert!(!why.contains("s3cret"), "{why}");
    }
}
