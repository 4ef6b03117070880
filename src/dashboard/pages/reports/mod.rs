//! What the work comes to: reports with charts, the course of one measure, reports that are saved and sent, and the files that
//! were taken out.
//!
//! All figures come from sums that are kept (`domain::analytics`), so what is read grows with the range and with what is told
//! apart, and not with calls, leads or messages.
//!
//! - [`list`] the reports there are, and those that are saved; [`one`] a report
//! - [`trends`] a measure over time; `days` the days that an address says
//! - [`saved`] a saved report; [`draft`] saving and changing one
//! - [`files`] a report as a file, and what was taken out
//! - `figures` numbers as people read them; `drawn` their charts

mod days;
pub mod draft;
mod drawn;
mod figures;
pub mod files;
pub mod list;
pub mod one;
pub mod saved;
pub mod trends;

use domain::{
    access::permission::Permission as P,
    analytics::{document::ReportKind, export::FileFormat},
};

use crate::dashboard::{ui, viewer::Viewer};

/// The pages that belong together, as far as somebody may open them.
fn tabs(viewer: &Viewer, current: &str) -> Vec<ui::Tab> {
    let all = [
        ("Reports", "/ops/reports", P::AnalyticsRead),
        ("Trends", "/ops/reports/trends", P::AnalyticsRead),
        ("Files", "/ops/reports/files", P::AnalyticsExport),
    ];
    let open = all.into_iter().filter(|(.., needs)| viewer.may_of_all(*needs));
    open.map(|(word, href, _)| ui::Tab::new(word, href, word == current)).collect()
}

/// What a report is called, and what it tells in a sentence.
fn about(kind: ReportKind) -> (&'static str, &'static str) {
    match kind {
        ReportKind::Lead => {
            ("Leads", "What came in, from where, how far it has come, and what it cost and brought.")
        }
        ReportKind::Call => (
            "Calls",
            "How many there were, how soon they were answered, how long they took and what they came to.",
        ),
        ReportKind::Campaign => {
            ("Campaigns", "What each campaign and each of its variants cost and brought.")
        }
        ReportKind::Agent => (
            "Agents",
            "What each agent did: calls, conversions, satisfaction, how busy they were and their shifts.",
        ),
        ReportKind::Gamification => {
            ("Games", "Who earned how many points, which challenges were met, and which badges were given.")
        }
        ReportKind::Message => {
            ("Messages", "What was sent by which channel and account, and whether it arrived.")
        }
        ReportKind::Job => ("Jobs", "What ended, how, of which kind, and how often it was tried again."),
    }
}

/// A form of a file, as people call it.
fn format_word(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Csv => "CSV, for spreadsheets",
        FileFormat::Json => "JSON",
        FileFormat::Ndjson => "NDJSON, a line each",
        FileFormat::Pdf => "PDF, to print",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_report_says_in_one_sentence_what_it_tells() {
        for kind in ReportKind::ALL {
            let (name, sentence) = about(kind);
            assert!(!name.is_empty() && sentence.ends_with('.') && !sentence.contains(". "), "{name}");
        }
    }
}
