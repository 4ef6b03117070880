//! A report as a file: a spreadsheet with its tables one below the other, JSON, a JSON object for each line of a table, or
//! pages.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    FileFormat,
    sheet::{Cell, line},
};
use crate::{
    Ctx,
    access::permission::{Permission, PermissionSet},
    analytics::{
        calendar::{Dates, LONGEST},
        document::{self, Figure, Report, ReportKind},
        make::{self, MakeReport, ReportRequest},
    },
    audit::{Entry, record},
    error::{Error, Result},
    types::Zone,
};

/// A report of some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportToExport)]
pub struct ReportDays {
    pub kind: ReportKind,
    /// The first day.
    pub from: NaiveDate,
    /// The first day that is not in it.
    pub to: NaiveDate,
    /// Of its days: a name of the IANA database; the tenant's own if not said.
    #[schema(example = "Europe/Berlin")]
    pub zone: Option<String>,
}

impl ReportDays {
    /// Refuses what is no range of days, or what the caller may not see.
    ///
    /// # Errors
    /// With the place of what is wrong, below `at`.
    pub(super) fn check(&self, ctx: &Ctx, at: &str) -> Result<()> {
        ctx.require(Permission::AnalyticsRead)?;
        Dates::asked(Some(self.from), Some(self.to), self.from, LONGEST).map_err(|wrong| wrong.below(at))?;
        if let Some(zone) = &self.zone {
            let known: Result<Zone, _> = zone.parse();
            known.map_err(|why| Error::invalid(format!("{at}/zone"), why.0))?;
        }
        Ok(())
    }
}

/// A report in a form at once, for whoever waits for it; it is kept nowhere. That it is taken out is written down by then.
///
/// # Errors
/// If a permission is missing, the caller sees only some leads, the days do not fit, or the database does not answer in time.
pub async fn at_once(ctx: &Ctx, request: &ReportRequest, format: FileFormat) -> Result<Vec<u8>> {
    super::require(ctx)?;
    ctx.require(Permission::AnalyticsRead)?;
    let mut tx = ctx.begin().await?;
    let dates = make::dates(ctx, &mut tx, request).await?;
    drop(tx);
    let (id, full) = (ctx.id(), ctx.grants.contains(Permission::PersonalRead));
    let asked = ReportDays { kind: request.kind, from: dates.from, to: dates.to, zone: None };
    let detail = json!({ "format": format, "personal": full, "of": asked });
    record(ctx, Entry::new("export", "report", id).detail(detail)).await?;
    let made = made(ctx, id, &asked, full).await?;
    Ok(file(ctx, made, format).await?.0)
}

/// Makes the report, with the names of agents in full or masked.
///
/// # Errors
/// If the database does not answer in time.
pub(super) async fn made(ctx: &Ctx, id: Uuid, asked: &ReportDays, full: bool) -> Result<Report> {
    let make = MakeReport { kind: asked.kind, dates: Dates { from: asked.from, to: asked.to } };
    let mut report = make::report_in(ctx, id, &make, asked.zone.as_deref()).await?;
    let seen = |one: &Permission| ctx.grants.contains(*one) && (full || *one != Permission::PersonalRead);
    let grants: PermissionSet = Permission::ALL.iter().copied().filter(seen).collect();
    let reader = Ctx { grants, ..ctx.clone() };
    let mut tx = reader.begin().await?;
    make::fill_names(&reader, &mut tx, &mut report).await?;
    Ok(report)
}

/// A report in a form, and how many rows its tables have.
///
/// # Errors
/// If it cannot be printed.
pub(super) async fn file(ctx: &Ctx, report: Report, format: FileFormat) -> Result<(Vec<u8>, u64)> {
    let rows = report.tables.iter().map(|table| table.rows.len() as u64).sum();
    let bytes = match format {
        FileFormat::Csv => spreadsheet(&report).into_bytes(),
        FileFormat::Json => serde_json::to_vec_pretty(&report).map_err(Error::internal)?,
        FileFormat::Ndjson => lines(&report)?,
        FileFormat::Pdf => ctx.platform.printer.print(report).await?,
    };
    Ok((bytes, rows))
}

fn spreadsheet(report: &Report) -> String {
    let mut text = String::new();
    let range = report.range;
    line(
        &[report.title.as_str().into(), range.from.into(), range.to.into(), report.zone.as_str().into()],
        &mut text,
    );
    line(&[], &mut text);
    line(&["label", "value", "previous", "unit"].map(Cell::from), &mut text);
    for tile in &report.tiles {
        let cells: [Cell; 4] =
            [tile.label.as_str().into(), tile.value.into(), tile.previous.into(), tile.unit.as_str().into()];
        line(&cells, &mut text);
    }
    for table in &report.tables {
        line(&[], &mut text);
        line(&[table.title.as_str().into()], &mut text);
        let names: Vec<Cell> = table.columns.iter().map(|column| column.name.as_str().into()).collect();
        line(&names, &mut text);
        for row in table.rows.iter().chain(&table.totals) {
            let cells: Vec<Cell> = row.iter().map(|cell| cell.clone().into()).collect();
            line(&cells, &mut text);
        }
    }
    text
}

/// Each row of each table as an object that names its table.
fn lines(report: &Report) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for table in &report.tables {
        for row in &table.rows {
            let mut object = Map::new();
            object.insert("table".into(), json!(table.title));
            for (column, cell) in table.columns.iter().zip(row) {
                object.insert(column.name.clone(), json!(cell));
            }
            serde_json::to_writer(&mut bytes, &Value::Object(object)).map_err(Error::internal)?;
            bytes.push(b'\n');
        }
    }
    Ok(bytes)
}

impl From<Figure> for Cell {
    fn from(figure: Figure) -> Self {
        match figure {
            Figure::Whole(whole) => Self::Whole(whole),
            Figure::Real(real) => Self::Real(real),
        }
    }
}

impl From<document::Cell> for Cell {
    fn from(cell: document::Cell) -> Self {
        match cell {
            document::Cell::Figure(figure) => figure.into(),
            document::Cell::Text(text) => Self::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::analytics::document::{Column, ColumnKind, Range, Table, Tile, Unit};

    fn report() -> Report {
        let at = DateTime::UNIX_EPOCH;
        Report {
            id: Uuid::nil(),
            kind: ReportKind::Agent,
            title: "Agents".into(),
            tenant: "Acme".into(),
            range: Range { from: at, to: at },
            zone: "UTC".into(),
            made_at: at,
            counted_until: at,
            tiles: vec![Tile {
                label: "Return".into(),
                value: Some(Figure::Real(-0.25)),
                unit: Unit::Ratio,
                previous: None,
                measure: "roi".into(),
            }],
            charts: vec![],
            tables: vec![Table {
                title: "By agent".into(),
                columns: vec![
                    Column { name: "agent".into(), kind: ColumnKind::Text },
                    Column { name: "calls".into(), kind: ColumnKind::Count },
                ],
                rows: vec![vec![Some("=cmd".into()), Some(Figure::Whole(3).into())], vec![None, None]],
                totals: Some(vec![None, Some(Figure::Whole(3).into())]),
                cut: false,
            }],
            measures: vec![],
        }
    }

    #[test]
    fn a_spreadsheet_of_a_report_runs_nothing_and_its_numbers_are_numbers() {
        let text = spreadsheet(&report());
        assert!(text.contains("Return,-0.25,,ratio\r\n"), "{text}");
        assert!(text.ends_with("By agent\r\nagent,calls\r\n'=cmd,3\r\n,\r\n,3\r\n"), "{text}");
    }

    #[test]
    fn each_line_names_its_table() {
        let text = String::from_utf8(lines(&report()).expect("lines")).expect("text");
        let first: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        assert_eq!(first, json!({"table": "By agent", "agent": "=cmd", "calls": 3}));
        assert_eq!(text.lines().count(), 2);
    }
}
