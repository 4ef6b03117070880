//! Mails that come back: delivery status notifications of RFC 3464, in a `multipart/report` of RFC 6522. Pure, bounded, and
//! patient with what mail servers write.

use super::verp;
use crate::types::MessageId;

/// What is read of a mail, and of how many recipients.
const LONGEST: usize = 256 * 1024;
const MOST_RECIPIENTS: usize = 100;

/// What became of a mail to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It will not be delivered.
    Failed,
    /// The server tries on: no failure.
    Delayed,
    Delivered,
    /// It was handed on to where nothing more is heard of it.
    Relayed,
}

/// One recipient of a report.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    pub fate: Fate,
    /// The enhanced code (RFC 3463), as `5.1.1`.
    pub status: String,
    /// The message whose return path or `Message-ID` the report holds.
    pub message: Option<MessageId>,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Report({:?} {} of {:?})", self.fate, self.status, self.message)
    }
}

/// Reads a mail as it came over the wire.
///
/// # Errors
/// What kind of mail is wanted instead.
pub fn read(mail: &[u8]) -> Result<Vec<Report>, &'static str> {
    const WANTED: &str =
        "post the bounce as it came: a mail of type multipart/report, report-type=delivery-status";
    let text = String::from_utf8_lossy(&mail[..mail.len().min(LONGEST)]).replace("\r\n", "\n");
    let (head, body) = split(&text);
    let kind = field(&head, "content-type").ok_or(WANTED)?;
    if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/report") {
        return Err(WANTED);
    }
    let boundary = parameter(kind, "boundary").ok_or(WANTED)?;
    let parts: Vec<(Vec<Field>, &str)> = parts(body, &boundary).map(split).collect();
    let of_kind = |wanted: &str| {
        parts.iter().find(|(head, _)| {
            field(head, "content-type")
                .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(wanted))
        })
    };
    let (_, status) = of_kind("message/delivery-status").ok_or(WANTED)?;
    let message = message_of(&head).or_else(|| {
        let (_, original) = of_kind("message/rfc822").or_else(|| of_kind("text/rfc822-headers"))?;
        message_of(&fields(original.split("\n\n").next().unwrap_or_default()))
    });
    // The first group is about the mail, the others each about a recipient.
    let groups = status.split("\n\n").filter(|group| !group.trim().is_empty()).map(fields);
    Ok(groups.filter_map(|group| report(&group, message)).take(MOST_RECIPIENTS).collect())
}

type Field = (String, String);

/// Where the status and the action say different things, the status is right.
fn report(group: &[Field], message: Option<MessageId>) -> Option<Report> {
    let action = field(group, "action")?.trim().to_ascii_lowercase();
    let status = field(group, "status").and_then(code).unwrap_or_default();
    let fate = match (action.as_str(), status.as_bytes().first()) {
        ("delivered" | "relayed" | "expanded" | "delayed", Some(b'5'))
        | ("failed", Some(b'4' | b'5') | None) => Fate::Failed,
        ("failed" | "delayed", Some(b'2')) | ("delivered", _) => Fate::Delivered,
        ("delayed", _) => Fate::Delayed,
        ("relayed" | "expanded", _) => Fate::Relayed,
        _ => return None,
    };
    Some(Report { fate, status, message })
}

/// The first three numbers that are divided by dots.
fn code(text: &str) -> Option<String> {
    let form = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let is_number =
            |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3 && ["2", "4", "5"].contains(&parts[0]) && parts.iter().all(is_number)
    };
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find(form).map(ToOwned::to_owned)
}

/// The message that a head speaks of: by whom it came back to, or by the id that it was sent under.
fn message_of(head: &[Field]) -> Option<MessageId> {
    let to = ["x-original-to", "delivered-to", "to", "return-path"];
    let by_path = to.iter().filter_map(|name| field(head, name)).find_map(verp::message_of);
    by_path.or_else(|| {
        let id = field(head, "message-id")?.trim().trim_start_matches('<');
        uuid::Uuid::try_parse(id.split('@').next()?).ok().map(MessageId)
    })
}

/// The fields of a head, folded lines made one.
fn fields(head: &str) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    for line in head.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

fn split(text: &str) -> (Vec<Field>, &str) {
    let text = text.trim_start_matches('\n');
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    (fields(head), body)
}

fn field<'f>(fields: &'f [Field], name: &str) -> Option<&'f str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A parameter of a field, with or without quotes.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (known, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (known.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// What stands between the lines of a boundary.
fn parts<'t>(body: &'t str, boundary: &str) -> impl Iterator<Item = &'t str> {
    let line = format!("--{boundary}");
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for text in body.split_inclusive('\n') {
        if text.starts_with(&line) {
            starts.push((at, at + text.len()));
        }
        at += text.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([body.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|((_, from), to)| body.get(from..to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0192e4a05b7c7d5e9f003a6b8c9d0e1f";

    fn mail(to: &str, status: &str, original: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example.com\r\nTo: {to}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report;\r\n report-type=delivery-status;\r\n boundary=\"=_b;1\"\r\n\r\n\
             This is a MIME message.\r\n\r\n--=_b;1\r\nContent-Type: text/plain\r\n\r\nIt came back.\r\n\r\n\
             --=_b;1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n\
             {status}\r\n\r\n--=_b;1\r\nContent-Type: message/rfc822\r\n\r\n{original}\r\n\r\nHi\r\n--=_b;1--\r\n"
        )
        .replace("=_b;1", "=_b1")
    }

    fn status(action: &str, code: &str) -> String {
        format!(
            "Final-Recipient: rfc822; ada@example.com\r\nAction: {action}\r\nStatus: {code}\r\n\
                 Diagnostic-Code: smtp; 550 5.1.1 no such\r\n user"
        )
    }

    #[test]
    fn a_status_is_believed_and_a_delay_is_no_failure() {
        let to = format!("bounces+{ID}@bounces.example.com");
        for (action, code, fate) in [
            ("failed", "5.1.1", Fate::Failed),
            ("Failed", "4.4.7 (delivery time expired)", Fate::Failed),
            ("delayed", "4.4.1", Fate::Delayed),
            ("delayed", "5.2.1", Fate::Failed),
            ("delivered", "2.0.0", Fate::Delivered),
            ("failed", "2.0.0", Fate::Delivered),
            ("relayed", "2.0.0", Fate::Relayed),
            ("expanded", "2.0.0", Fate::Relayed),
        ] {
            let reports = read(mail(&to, &status(action, code), "Subject: Hi").as_bytes()).expect("a report");
            assert_eq!(reports.len(), 1, "{action} {code}");
            assert_eq!(reports[0].fate, fate, "{action} {code}");
            assert_eq!(reports[0].status, code[..5], "{action} {code}");
            assert_eq!(reports[0].message.map(|id| id.0.simple().to_string()).as_deref(), Some(ID));
        }
    }

    #[test]
    fn the_message_is_found_by_the_id_that_it_was_sent_under() {
        let original =
            format!("Message-ID: <{}@example.com>\r\nSubject: Hi", uuid::Uuid::parse_str(ID).expect("an id"));
        let two = format!("{}\r\n\r\n{}", status("failed", "5.1.1"), status("delayed", "4.4.1"));
        let reports = read(mail("postmaster@example.com", &two, &original).as_bytes()).expect("a report");
        assert_eq!(reports.len(), 2, "one for each recipient");
        assert!(reports.iter().all(|report| report.message.is_some()), "{reports:?}");
        let nobodys = read(mail("x@example.com", &status("failed", "5.0.0"), "Subject: Hi").as_bytes());
        assert_eq!(nobodys.expect("a report")[0].message, None);
    }

    #[test]
    fn another_mail_is_refused_with_what_is_wanted() {
        for other in
            ["", "Subject: Hi\r\n\r\nHello", "Content-Type: multipart/report\r\n\r\n--x\r\n", "\r\n\r\n"]
        {
            assert!(read(other.as_bytes()).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_posted_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = read(&bytes);
            let whole = mail("x@example.com", &String::from_utf8_lossy(&bytes), "Subject: Hi");
            let _ = read(whole.as_bytes());
            let _ = read(&whole.as_bytes()[..whole.len() / 2]);
        }
    }
}
