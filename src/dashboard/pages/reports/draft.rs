//! The form by which a report is saved or changed.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    analytics::{
        document::ReportKind,
        export::FileFormat,
        saved::{
            self,
            change::{self, SavedReportDraft},
            span::Span,
        },
        shown,
    },
    types::{EmailAddress, ProviderId, SavedReportId, TemplateId},
};
use serde::Deserialize;

use super::{about, format_word, saved::span_word, tabs};
use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        problem::Problem,
    },
};

/// A value that can be chosen.
struct Choice {
    value: &'static str,
    word: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "reports/draft.html")]
struct Form {
    page: Page,
    tabs: Vec<ui::Tab>,
    /// Where it is sent, and where whoever changes their mind is led.
    action: String,
    back: String,
    name: String,
    kinds: Vec<Choice>,
    spans: Vec<Choice>,
    formats: Vec<Choice>,
    recipients: String,
    crontab: String,
    zone: String,
    /// The tenant's own.
    usual_zone: String,
    provider: String,
    template: String,
    version: Option<i64>,
    /// The viewer may have mails sent, and files given out by them.
    mails: bool,
    /// The viewer does not see whom it is sent to, and so cannot say it again.
    masked: bool,
}

/// What a new one begins with: what was looked at.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    kind: Option<String>,
    range: Option<String>,
}

/// The form of a new one.
pub async fn form(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let usual_zone = shown::ground(&ctx).await?.zone;
    let kind = asked::text(asked.kind.as_deref()).and_then(ReportKind::named).unwrap_or(ReportKind::Lead);
    let span = span_of(asked::text(asked.range.as_deref()).unwrap_or_default());
    show(&Form {
        page: viewer.page("Save a report"),
        tabs: tabs(&viewer, "Reports"),
        action: "/ops/reports/saved".into(),
        back: "/ops/reports".into(),
        name: String::new(),
        kinds: kinds(kind),
        spans: spans(span),
        formats: forms(FileFormat::Pdf),
        recipients: String::new(),
        crontab: String::new(),
        zone: String::new(),
        usual_zone,
        provider: String::new(),
        template: String::new(),
        version: None,
        mails: mails(&viewer),
        masked: false,
    })
}

/// The form of one that there is.
pub async fn edit(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<SavedReportId>) -> Answer {
    let usual_zone = shown::ground(&ctx).await?.zone;
    let report = saved::get(&ctx, id).await?;
    let masked = !viewer.may(Permission::PersonalRead) && !report.recipients.is_empty();
    let said = |id: Option<String>| id.unwrap_or_default();
    show(&Form {
        page: viewer.page(&format!("Change {}", report.name)),
        tabs: tabs(&viewer, "Reports"),
        action: format!("/ops/reports/saved/{id}"),
        back: format!("/ops/reports/saved/{id}"),
        kinds: kinds(report.kind),
        spans: spans(report.span),
        formats: forms(report.format),
        recipients: report.recipients.join("\n"),
        crontab: said(report.crontab),
        zone: said(report.zone),
        usual_zone,
        provider: said(report.provider_id.map(|id| id.to_string())),
        template: said(report.template_id.map(|id| id.to_string())),
        version: Some(report.version),
        mails: mails(&viewer),
        masked,
        name: report.name,
    })
}

/// Saves a new one.
pub async fn make(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let made = change::create(&ctx, read(&fields)?).await?;
    let id = made.answer.location.rsplit('/').next().unwrap_or_default();
    Ok(done(&format!("/ops/reports/saved/{id}"), "The report is saved."))
}

/// Puts another in its place.
pub async fn replace(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
    fields: Fields,
) -> Result<Response, Problem> {
    // Of what is not there nobody is told what else is wrong.
    saved::get(&ctx, id).await?;
    change::replace(&fields.of_version(&ctx), id, read(&fields)?).await?;
    Ok(done(&format!("/ops/reports/saved/{id}"), "The report is changed."))
}

/// What the form says.
fn read(fields: &Fields) -> Result<SavedReportDraft, Problem> {
    let said = |name: &str| fields.text(name).map(ToOwned::to_owned);
    let wrong = |name: &str| Problem::field(format!("/{name}"), "choose one of those that there are");
    let id = |name: &str| asked::id(&format!("/{name}"), said(name).as_deref());
    let recipients = fields.get("recipients").unwrap_or_default();
    let recipients = recipients.split([',', ';', ' ', '\t', '\r', '\n']).filter(|text| !text.is_empty());
    let address = |text: &str| {
        let read: Result<EmailAddress, _> = text.parse();
        read.map_err(|why| Problem::field("/recipients", format!("{text}: {why}")))
    };
    Ok(SavedReportDraft {
        name: asked::needed(fields, "name")?,
        kind: fields.text("kind").and_then(ReportKind::named).ok_or_else(|| wrong("kind"))?,
        span: fields.text("span").and_then(Span::named).ok_or_else(|| wrong("span"))?,
        format: fields.text("format").and_then(FileFormat::named).ok_or_else(|| wrong("format"))?,
        zone: asked::formed("/zone", said("zone").as_deref())?,
        recipients: recipients.map(address).collect::<Result<_, _>>()?,
        crontab: said("crontab"),
        provider_id: id("provider_id")?.map(ProviderId),
        template_id: id("template_id")?.map(TemplateId),
    })
}

/// The days that are meant by those of a page, seen from the day on which a report is made.
fn span_of(range: &str) -> Span {
    match range {
        "7d" => Span::SevenDays,
        "30d" | "" => Span::ThirtyDays,
        "week" | "last_week" => Span::Week,
        "month" => Span::MonthToDate,
        "last_month" => Span::Month,
        "quarter" | "last_quarter" => Span::Quarter,
        _ => Span::Yesterday,
    }
}

/// Whether the viewer may have mails sent, and files given out by them.
fn mails(viewer: &Viewer) -> bool {
    viewer.may_of_all(Permission::AnalyticsExport) && viewer.may(Permission::MessagesSend)
}

fn kinds(chosen: ReportKind) -> Vec<Choice> {
    let choice =
        |kind: ReportKind| Choice { value: kind.as_str(), word: about(kind).0, chosen: kind == chosen };
    ReportKind::ALL.into_iter().map(choice).collect()
}

fn spans(chosen: Span) -> Vec<Choice> {
    let choice = |span: Span| Choice { value: span.as_str(), word: span_word(span), chosen: span == chosen };
    Span::ALL.into_iter().map(choice).collect()
}

fn forms(chosen: FileFormat) -> Vec<Choice> {
    let choice = |format: FileFormat| Choice {
        value: format.as_str(),
        word: format_word(format),
        chosen: format == chosen,
    };
    FileFormat::ALL.into_iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::days::RANGES, *};

    #[test]
    fn what_is_looked_at_is_what_is_saved() {
        for (range, _) in RANGES {
            let (span, words) = (span_of(range), range.trim_start_matches("last_").trim_end_matches('d'));
            assert!(
                span_word(span).contains(words) || range.ends_with("day"),
                "{range}: {}",
                span_word(span)
            );
        }
        assert_eq!(span_of("today"), Span::Yesterday);
        assert!(spans(Span::Week).iter().filter(|choice| choice.chosen).count() == 1);
    }
}
