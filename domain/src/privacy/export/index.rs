//! The page that explains an export to whoever it is about, with what GDPR Art. 15(1) and (2) have them told. Pure: plain
//! HTML, which loads and runs nothing.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::privacy::manifest::{Column, Export, Table, Who};

/// What the page tells besides the manifest.
pub(super) struct Told<'t> {
    /// Who holds the data.
    pub tenant: &'t str,
    pub request: String,
    pub at: DateTime<Utc>,
    /// Whether it is somebody who works there.
    pub staff: bool,
    /// Whether a number or an address of theirs is another lead's too.
    pub shares: bool,
    /// Kinds of providers, and their channels.
    pub recipients: &'t [(String, String)],
    /// How many rows each table has.
    pub counts: &'t [(&'static Table, u64)],
}

/// The page.
pub(super) fn page(told: &Told<'_>) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Your data</title><style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
         table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}\
         </style></head><body><main>\n",
    );
    let records: u64 = told.counts.iter().map(|count| count.1).sum();
    let _ = writeln!(
        html,
        "<h1>Your data at {}</h1>\n<p>This is all that is held of you, as of {} (UTC), in answer to your request {}. It is \
         {records} records. Each kind is here twice: as a table that spreadsheets open (.csv), and as JSON, which other \
         programs read. Times are in UTC.</p>",
        escaped(told.tenant),
        told.at.format("%Y-%m-%d %H:%M"),
        escaped(&told.request),
    );
    rights(&mut html);
    recipients(&mut html, told.recipients);
    html.push_str("<h2>What is here</h2>\n");
    for (table, count) in told.counts {
        section(&mut html, table, *count);
    }
    left_out(&mut html, told);
    html.push_str("</main></body></html>\n");
    html
}

fn rights(html: &mut String) {
    html.push_str(
        "<h2>Your rights</h2>\n<p>You may ask for what is wrong to be corrected (GDPR Art. 16), for your data to be erased \
         (Art. 17), for nothing to be done with it but to keep it (Art. 18), to get it in a form that you can take elsewhere \
         (Art. 20: the JSON here is one), and object to what is done with it, to advertising at any time (Art. 21). You may \
         complain to a supervisory authority for data protection, for example that of the place where you live (Art. \
         77).</p>\n<p>Scores are worked out by machine to tell which enquiries are answered first; what is decided about you \
         beyond that is decided by people (Art. 22). What a score is made of is told where it is held, below.</p>\n",
    );
}

fn recipients(html: &mut String, recipients: &[(String, String)]) {
    html.push_str("<h2>Who else gets it</h2>\n");
    if recipients.is_empty() {
        html.push_str("<p>The company has set up nobody who carries its messages.</p>\n");
        return;
    }
    html.push_str("<p>What is sent to you goes by these services; some of them are outside of the European Union, and the company tells you on request by which safeguards (Art. 15(2)).</p>\n<ul>");
    for (kind, channel) in recipients {
        let _ = write!(html, "<li>{} ({})</li>", escaped(kind), escaped(channel));
    }
    html.push_str("</ul>\n");
}

fn section(html: &mut String, table: &'static Table, count: u64) {
    let file = table.file();
    let _ = writeln!(html, "<h3 id=\"{file}\">{file}</h3>\n<p>{}</p>", escaped(table.about));
    if count == 0 {
        html.push_str("<p>There is nothing of this kind.</p>\n");
    } else {
        let _ = writeln!(
            html,
            "<p>{count} records: <a href=\"{file}.csv\">{file}.csv</a>, <a href=\"{file}.json\">{file}.json</a></p>"
        );
    }
    let story = table.story;
    let _ = write!(
        html,
        "<p>What for: {}.<br>From: {}.<br>Goes to: {}.<br>Kept: {}.</p>\n<table><tr><th>Column</th><th>What it is</th></tr>",
        escaped(story.purpose),
        escaped(story.source),
        escaped(story.recipients),
        escaped(story.kept)
    );
    for (_, name, what) in table.exported() {
        let _ = write!(html, "<tr><td>{}</td><td>{}</td></tr>", escaped(name), escaped(what));
    }
    html.push_str("</table>\n");
}

/// What is held and not here, with the reason.
fn left_out(html: &mut String, told: &Told<'_>) {
    html.push_str("<h2>What is not here</h2>\n");
    if told.shares {
        html.push_str(
            "<p>Somebody else is known by a phone number or an e-mail address of yours too. Messages and calls that name nobody \
             and are known by that number or address alone are not here: nobody can tell whether they are yours.</p>\n",
        );
    }
    html.push_str(
        "<details><summary>Columns that are left out, and why</summary><table><tr><th>Where</th>\
         <th>Why</th></tr>",
    );
    for table in super::tables_of(told.staff, false) {
        for Column { name, export, .. } in table.columns {
            if let Export::No(why) = export {
                let _ = write!(html, "<tr><td>{}.{name}</td><td>{}</td></tr>", table.file(), escaped(why));
            }
        }
    }
    html.push_str(
        "<tr><td>attempts of sending in the archive</td><td>They lie in signed files of whole months that are not taken apart \
         for one person. Your messages and what became of them are here; ask whoever holds this data for the attempts of a \
         time that you name.</td></tr>",
    );
    html.push_str("</table></details>\n");
}

/// Whether rows of a table go to somebody.
pub(super) fn concerns(who: Who, staff: bool) -> bool {
    match who {
        Who::Both => true,
        Who::Staff => staff,
        Who::Contacts => !staff,
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            sign => safe.push(sign),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::manifest;

    #[test]
    fn the_page_explains_each_exported_column_runs_nothing_and_tells_why_others_are_missing() {
        let leads = manifest::table("leads").expect("leads");
        let told = Told {
            tenant: "<script>alert(1)</script> & Co",
            request: "r".into(),
            at: DateTime::UNIX_EPOCH,
            staff: false,
            shares: false,
            recipients: &[("twilio".into(), "sms".into())],
            counts: &[(leads, 1)],
        };
        let html = page(&told);
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co"));
        assert!(html.contains("leads.csv") && html.contains("twilio (sms)"));
        for (_, name, what) in leads.exported() {
            assert!(html.contains(&format!("<td>{name}</td><td>{}</td>", escaped(what))), "{name}");
        }
        assert!(html.contains("<td>leads.owner_id</td>") && !html.contains("<td>users."));
    }
}
