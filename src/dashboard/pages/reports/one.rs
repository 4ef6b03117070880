//! A report: its figures beside those of the period before, charts, tables, and how each measure is computed.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Error,
    access::permission::Permission,
    analytics::{document::ReportKind, export::FileFormat, measures, shown},
};

use super::{
    about,
    days::{Days, last, words},
    drawn,
    figures::{Kpi, Shown},
    format_word, tabs,
};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::extract::{Caller, Path, Query},
};

/// How a measure is computed.
struct Note {
    label: &'static str,
    sentence: String,
}

#[derive(Template)]
#[template(path = "reports/one.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    kind: &'static str,
    title: String,
    tenant: String,
    zone: String,
    days: String,
    counted_until: DateTime<Utc>,
    ranges: Vec<ui::Tab>,
    from: NaiveDate,
    until: NaiveDate,
    tiles: Vec<Kpi>,
    charts: Vec<ui::Plot>,
    tables: Vec<Shown>,
    notes: Vec<Note>,
    /// Forms of a file; none for whoever may have none.
    formats: Vec<(FileFormat, &'static str)>,
    /// Where it is saved, for whoever may.
    save: Option<String>,
}

/// The report of this kind, made now of what is kept.
pub async fn show_report(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(kind): Path<String>,
    Query(asked): Query<Days>,
) -> Answer {
    let kind = ReportKind::named(&kind).ok_or(Error::NotFound("report"))?;
    let ground = shown::ground(&ctx).await?;
    let dates = asked.dates(ground.today)?;
    let report = shown::report(&ctx, kind, dates).await?;
    let (name, _) = about(kind);
    let page = viewer.page(name);
    let exports = viewer.may_of_all(Permission::AnalyticsExport);
    let written = FileFormat::ALL.into_iter().filter(|_| exports);
    let save = viewer.may_of_all(Permission::SavedReportsWrite).then(|| {
        let mut said = vec![("kind", kind.as_str())];
        said.extend(asked.pairs());
        link::to("/ops/reports/saved/new", &said)
    });
    let notes = report.measures.into_iter().map(|note| Note {
        label: measures::named(&note.name).map_or("", |measure| measure.label),
        sentence: note.sentence,
    });
    show(&One {
        tabs: tabs(&viewer, "Reports"),
        kind: kind.as_str(),
        title: report.title,
        tenant: report.tenant,
        zone: report.zone,
        days: words(dates),
        counted_until: report.counted_until,
        ranges: asked.choices(&page.here),
        from: dates.from,
        until: last(dates),
        tiles: report.tiles.iter().map(Kpi::of).collect(),
        charts: report.charts.iter().map(drawn::chart).collect(),
        tables: report.tables.iter().map(Shown::of).collect(),
        notes: notes.collect(),
        formats: written.map(|format| (format, format_word(format))).collect(),
        save,
        page,
    })
}
