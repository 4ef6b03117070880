//! What comes back later: a report on a mail that was taken (RFC 3464).

use super::Mail;
use crate::ledger::Entry;

/// A report to the mail's return path. `action` is failed, delayed or delivered; `status` an enhanced code as
/// `5.1.1`; `diagnostic` what the last server said, as `550 5.1.1 nobody here`. Lines end in CR LF.
#[must_use]
pub fn dsn(entry: &Entry, action: &str, status: &str, diagnostic: &str) -> String {
    let mail = Mail::of(entry);
    let (return_path, to, id) = (&mail.from, &entry.to, &entry.provider_message_id);
    let date = entry.at.to_rfc2822();
    let boundary = format!("report-{id}/fake.example");
    let subject = match action {
        "failed" => "Undelivered Mail Returned to Sender",
        "delayed" => "Delayed Mail (still being retried)",
        _ => "Successful Mail Delivery Report",
    };
    let head = mail.data.split("\n\n").next().unwrap_or_default();
    let lines = format!(
        "Return-Path: <>\n\
         Date: {date}\n\
         From: Mail Delivery System <MAILER-DAEMON@fake.example>\n\
         To: {return_path}\n\
         Subject: {subject}\n\
         Message-ID: <report-{id}-{action}@fake.example>\n\
         Auto-Submitted: auto-replied\n\
         MIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n \
         boundary=\"{boundary}\"\n\
         \n\
         This is a MIME-encapsulated message.\n\
         \n\
         --{boundary}\n\
         Content-Type: text/plain; charset=us-ascii\n\
         \n\
         About your mail to <{to}>: {diagnostic}\n\
         \n\
         --{boundary}\n\
         Content-Type: message/delivery-status\n\
         \n\
         Reporting-MTA: dns; fake.example\n\
         Arrival-Date: {date}\n\
         \n\
         Final-Recipient: rfc822; {to}\n\
         Original-Recipient: rfc822;{to}\n\
         Action: {action}\n\
         Status: {status}\n\
         Remote-MTA: dns; mx.elsewhere.example\n\
         Diagnostic-Code: smtp; {diagnostic}\n\
         \n\
         --{boundary}\n\
         Content-Type: text/rfc822-headers\n\
         \n\
         {head}\n\
         \n\
         --{boundary}--\n"
    );
    lines.replace('\n', "\r\n")
}
