//! The short form of `./x bench faults`: each fault by the very same command, judged by what it found.
//! How long recovery took is the bench's to judge, not a test's.

use std::process::Command;

use serde_json::Value;

fn holds(fault: &str) {
    let run = Command::new(env!("CARGO_BIN_EXE_switchboard-bench"))
        .args(["faults", "--json", "--only", fault])
        .output()
        .expect("the bench starts");
    let (said, complaint) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let last = said.lines().last().unwrap_or_default();
    let all: Value =
        serde_json::from_str(last).unwrap_or_else(|_| panic!("no findings: {said}\n{complaint}"));
    let finding = &all[fault];
    for count in ["lost", "doubled", "early"] {
        assert_eq!(finding[count], 0, "{count}: {all}");
    }
    assert!(finding["runs"].as_u64() > Some(0) && finding["jobs"].as_u64() > Some(0), "{all}");
    assert_eq!(finding["broken"], Value::Null, "{all}");
}

#[test]
fn worker_processes_are_killed_at_random() {
    holds("kill");
}

#[test]
fn a_process_stands_still_and_goes_on() {
    holds("stop");
}

#[test]
fn postgres_restarts_without_a_farewell() {
    holds("restart");
}

#[test]
fn connections_are_terminated() {
    holds("terminate");
}

#[test]
fn a_job_brings_its_process_down() {
    holds("abort");
}

#[test]
fn processes_are_told_to_end_under_load() {
    holds("drain");
}

#[test]
fn clocks_are_wrong() {
    holds("clock");
}

#[test]
fn workers_are_killed_while_leads_are_onboarded() {
    holds("onboard");
}

#[test]
fn workers_are_killed_while_providers_fail() {
    holds("sends");
}

#[test]
fn workers_are_killed_and_postgres_restarts_under_a_campaign() {
    holds("campaign");
}

#[test]
fn workers_are_killed_while_keys_are_replaced() {
    holds("rotation");
}

#[test]
fn notifiers_are_killed_under_clients_that_come_back() {
    holds("live");
}
