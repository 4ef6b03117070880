//! Tables for people, and one line of JSON for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    crowd::Heard,
    flat::{self, Verdict},
    gauge::{LIVE, Look},
    judge::Finding,
    record::Fault,
};

const MB: f64 = 1_048_576.0;
/// Tables that are shown.
const BIGGEST: usize = 12;

/// All that is known when it is over.
pub struct Told {
    pub looks: Vec<Look>,
    pub verdict: Verdict,
    pub finding: Finding,
    pub heard: Heard,
    pub faults: BTreeMap<&'static str, Fault>,
    pub requests: usize,
}

impl Told {
    pub fn errors(&self) -> usize {
        self.faults.values().map(|fault| fault.times).sum()
    }

    pub fn lost(&self) -> u64 {
        self.finding.lost as u64 + self.heard.lost
    }

    pub fn doubled(&self) -> u64 {
        self.finding.doubled as u64 + self.heard.doubled
    }

    /// Everything that did not hold.
    pub fn broken(&self) -> Vec<&String> {
        self.verdict.broken.iter().chain(&self.finding.broken).chain(&self.heard.broken).collect()
    }

    /// The tables.
    pub fn print(&self) {
        self.print_minutes();
        self.print_kinds();
        self.print_tables();
        let (Finding { messages, leads, calls, campaigns, unknown, drained_s, .. }, heard) =
            (&self.finding, &self.heard);
        println!(
            "\n{messages} messages ({unknown} of unknown fate), {leads} leads, {calls} calls, {campaigns} campaigns; {} sockets \
             with {} visits were told {} events; nothing was left {drained_s:.1} s after the last request",
            heard.sockets, heard.visits, heard.events
        );
        for (kind, Fault { times, first }) in &self.faults {
            println!("ERROR   {times} times {kind}: {first}");
        }
        for broken in self.broken() {
            println!("BROKEN  {broken}");
        }
        let (lost, doubled) = (self.lost(), self.doubled());
        println!("{} requests, {} errors, {lost} lost, {doubled} doubled", self.requests, self.errors());
    }

    /// What was seen at the end of each minute; memory, processors and the log as they were over it.
    fn print_minutes(&self) {
        println!("minute  p99 ms  backlog s  rss MB  cpu %  machine %  tables MB  dead rows  wal MB");
        let Some(first) = self.looks.first() else { return };
        let slow =
            self.verdict.pace.get(flat::ALL).map(|pace| pace.minutes_ms.as_slice()).unwrap_or_default();
        let (mut before, mut ends) = (first, 0.0);
        for (minute, p99) in (1..).zip(slow) {
            let begins = ends;
            ends += 60.0;
            let within = self.looks.iter().filter(|look| look.at_s > begins && look.at_s <= ends);
            let Some(last) = within.clone().next_back() else { continue };
            let backlog = within.map(|look| look.backlog_s).fold(0.0, f64::max);
            let (busy, ticks) = (last.machine.0 - before.machine.0, last.machine.1 - before.machine.1);
            println!(
                "{minute:>6} {:>7} {backlog:>10.2} {:>7.0} {:>6.0} {:>10.0} {:>10.1} {:>10} {:>7.1}",
                milliseconds(*p99),
                last.rss_mb,
                100.0 * (last.cpu_s - before.cpu_s) / (last.at_s - before.at_s).max(1.0),
                100.0 * busy / ticks.max(1.0),
                flat::float(last.bytes.values().sum()) / MB,
                last.dead_rows,
                (last.wal_bytes - before.wal_bytes) / MB,
            );
            before = last;
        }
    }

    fn print_kinds(&self) {
        println!(
            "\nrequest           times   p50 ms   p99 ms  2nd quarter  last quarter  p99 of each minute"
        );
        for (kind, pace) in &self.verdict.pace {
            let minutes: Vec<String> = pace.minutes_ms.iter().map(|ms| milliseconds(*ms)).collect();
            println!(
                "{kind:<16} {:>6} {:>8.1} {:>8.1} {:>12} {:>13}  {}",
                pace.requests,
                pace.p50_ms,
                pace.p99_ms,
                milliseconds(pace.second_ms),
                milliseconds(pace.last_ms),
                minutes.join(" "),
            );
        }
    }

    /// The biggest at the end, and what they have grown by; and what lives only while something goes on.
    fn print_tables(&self) {
        let (Some(first), Some(last)) = (self.looks.first(), self.looks.last()) else { return };
        let mut tables: Vec<(&String, i64)> = last.bytes.iter().map(|(name, bytes)| (name, *bytes)).collect();
        tables.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        println!("\ntable                        begun with MB    at the end");
        for (name, bytes) in tables.into_iter().take(BIGGEST) {
            let began = first.bytes.get(name).copied().unwrap_or_default();
            println!("{name:<28} {:>13.1} {:>13.1}", flat::float(began) / MB, flat::float(bytes) / MB);
        }
        let (before, after) = self.verdict.bytes_per_unit;
        println!("for each request: {before:.0} bytes in the second quarter, {after:.0} in the last");
        for ((name, _), rows) in LIVE.iter().zip(&last.live) {
            println!("{name:<28} {rows:>13} rows");
        }
    }

    /// The line for programs.
    pub fn json(&self) -> Value {
        let p99s: BTreeMap<&str, f64> =
            self.verdict.pace.iter().map(|(kind, pace)| (*kind, pace.p99_ms)).collect();
        let live: BTreeMap<&str, i64> = match self.looks.last() {
            Some(last) => LIVE.iter().map(|(name, _)| *name).zip(last.live.iter().copied()).collect(),
            None => BTreeMap::new(),
        };
        let (start, end) = self.verdict.rss_mb;
        let (before, after) = self.verdict.bytes_per_unit;
        json!({
            "requests": self.requests,
            "errors": self.errors(),
            "p99_ms_by_kind": p99s,
            "p99_last_vs_second": self.verdict.p99_last_vs_second,
            "rss_mb_start": start,
            "rss_mb_end": end,
            "rss_growth": end / start.max(1.0),
            "live_rows_end": live,
            "bytes_per_unit_growth": flat::growth(before, after),
            "lost": self.lost(),
            "doubled": self.doubled(),
            "broken": self.broken(),
        })
    }
}

/// A number of milliseconds, or that there is none.
fn milliseconds(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}"))
}
