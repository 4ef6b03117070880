//! The record of processing as one page of HTML, which a browser shows and prints without anything else. Pure.

use chrono::{DateTime, Utc};

use super::{
    known::KnownActivity,
    record::{Activity, Party, ProcessingRecord},
};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
    <title>Record of processing activities</title><style>\
    body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}\
    h2{margin-top:2em;border-bottom:1px solid}dt{font-weight:bold;margin-top:.5em}dd{margin:0 0 0 1em;white-space:pre-line}\
    </style></head><body>\n<h1>Record of processing activities</h1>\n";

/// The page, as of a moment.
#[must_use]
pub fn html(record: &ProcessingRecord, at: DateTime<Utc>) -> String {
    let mut page = Page { text: HEAD.to_owned() };
    page.paragraph(&format!(
        "GDPR, Article 30. As of {}, version {}.",
        at.format("%Y-%m-%d %H:%M UTC"),
        record.version
    ));
    let added = &record.added;
    page.heading("Who answers for it");
    page.list(|page| {
        page.entry("Controllers", added.controllers.iter().map(party));
        page.entry("Representative", added.representative.iter().map(party));
        page.entry("Data protection officer", added.data_protection_officer.iter().map(party));
    });
    for activity in &added.activities {
        page.activity(activity);
    }
    for known in &record.known {
        page.known(known);
    }
    page.heading("Who gets messages to carry them");
    page.list(|page| {
        let carriers =
            record.carriers.iter().map(|carrier| format!("{} ({})", carrier.kind, carrier.channel));
        page.entry("Providers", carriers);
        page.entry("Servers that are told by webhooks", [record.webhooks.to_string()]);
    });
    page.heading("What protects it");
    page.list(|page| {
        page.entry("By the product", owned(record.known_measures));
        page.entry("By the company", added.measures.iter().cloned());
    });
    page.text.push_str("</body></html>\n");
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn element(&mut self, name: &str, text: &str) {
        self.text.extend(["<", name, ">", &escaped(text), "</", name, ">\n"]);
    }

    fn heading(&mut self, text: &str) {
        self.element("h2", text);
    }

    fn paragraph(&mut self, text: &str) {
        self.element("p", text);
    }

    fn list(&mut self, inside: impl FnOnce(&mut Self)) {
        self.text.push_str("<dl>\n");
        inside(self);
        self.text.push_str("</dl>\n");
    }

    /// A name and what is said of it; that nothing is said is seen as well.
    fn entry(&mut self, name: &str, said: impl IntoIterator<Item = String>) {
        self.element("dt", name);
        let mut said = said.into_iter().peekable();
        if said.peek().is_none() {
            self.element("dd", "nothing is said");
        }
        said.for_each(|one| self.element("dd", &one));
    }

    fn activity(&mut self, activity: &Activity) {
        self.heading(&activity.name);
        self.list(|page| {
            page.entry("Purposes", activity.purposes.iter().cloned());
            page.entry("Legal basis", activity.legal_basis.iter().cloned());
            page.entry("People", activity.people.iter().cloned());
            page.entry("Data", activity.data.iter().cloned());
            page.entry("Recipients", activity.recipients.iter().cloned());
            let transfers = activity.transfers.iter();
            page.entry(
                "Transfers",
                transfers.map(|transfer| format!("{}: {}", transfer.to, transfer.safeguard)),
            );
            page.entry("Kept", activity.kept.iter().cloned());
            page.entry("Protected by", activity.measures.iter().cloned());
        });
    }

    fn known(&mut self, known: &KnownActivity) {
        self.heading(known.purpose);
        self.list(|page| {
            page.entry("People", owned(&known.people));
            let data = known
                .data
                .iter()
                .map(|data| format!("{}: {} ({})", data.name, data.about, data.holds.join(", ")));
            page.entry("Data", data);
            page.entry("Sources", owned(&known.sources));
            page.entry("Recipients", owned(&known.recipients));
            page.entry("Kept", owned(&known.kept));
        });
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn party(party: &Party) -> String {
    let lines = [Some(&party.name), party.address.as_ref(), party.contact.as_ref()];
    lines.into_iter().flatten().cloned().collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{known, record::ProcessingAdded},
        *,
    };

    #[test]
    fn a_page_shows_all_that_is_said_and_runs_nothing_of_it() {
        let added = serde_json::json!({
            "controllers": [{"name": "Acme <b>GmbH</b>", "contact": "privacy@acme.example.com"}],
            "activities": [{"name": "Call backs", "purposes": ["<script>alert(1)</script>"],
                "transfers": [{"to": "Norway", "safeguard": "EEA"}]}],
        });
        let record = ProcessingRecord {
            added: serde_json::from_value::<ProcessingAdded>(added).expect("in form"),
            known: known::activities(),
            carriers: Vec::new(),
            webhooks: 3,
            known_measures: known::MEASURES,
            version: 7,
            updated_at: None,
        };
        let page = html(&record, DateTime::UNIX_EPOCH);
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        for shown in
            ["Acme &lt;b&gt;GmbH", "&lt;script&gt;", "Norway: EEA", "version 7", "leads: ", "nothing is said"]
        {
            assert!(page.contains(shown), "{shown}");
        }
    }
}
