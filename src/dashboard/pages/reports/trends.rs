//! A measure over time, with the period before beside it.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Ctx,
    analytics::{
        calendar::Step,
        cubes::{Asked as Narrowed, Dimension, over_time},
        measures::{self, Fact, How, Measure},
        metrics::only,
        shown,
        trends::{self, Wanted},
    },
    calls::call::Direction,
    messages::{provider::Channel, rules::Purpose},
};
use serde::Deserialize;

use super::{
    days::{Days, last, words},
    drawn,
    figures::Kpi,
    tabs,
};
use crate::{
    dashboard::{
        asked, link,
        page::{Answer, Page, show},
        pages::leads::names::Names,
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        problem::Problem,
    },
};

/// The measure that is shown if none is asked for.
const USUAL: &str = "lead.count";
/// Steps, as addresses and people have them.
const STEPS: [(&str, &str, Step); 4] = [
    ("hour", "By the hour", Step::Hour),
    ("day", "By the day", Step::Day),
    ("week", "By the week", Step::Week),
    ("month", "By the month", Step::Month),
];

/// The parameters of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    measure: Option<String>,
    by: Option<String>,
    range: Option<String>,
    from: Option<String>,
    until: Option<String>,
    direction: Option<String>,
    team_id: Option<String>,
    source: Option<String>,
    channel: Option<String>,
    provider_id: Option<String>,
    template_id: Option<String>,
    purpose: Option<String>,
}

impl Asked {
    fn days(&self) -> Days {
        let Self { range, from, until, .. } = self.clone();
        Days { range, from, until }
    }

    /// What it is narrowed down by, with the name of each in the address.
    fn said(&self) -> [(Dimension, &'static str, Option<&str>); 7] {
        let text = |value| asked::text(value);
        [
            (Dimension::Direction, "direction", text(self.direction.as_deref())),
            (Dimension::Team, "team_id", text(self.team_id.as_deref())),
            (Dimension::Source, "source", text(self.source.as_deref())),
            (Dimension::Channel, "channel", text(self.channel.as_deref())),
            (Dimension::Provider, "provider_id", text(self.provider_id.as_deref())),
            (Dimension::Template, "template_id", text(self.template_id.as_deref())),
            (Dimension::Purpose, "purpose", text(self.purpose.as_deref())),
        ]
    }

    /// The same as the domain takes it: of what a measure is kept by, for the form sends the fields of the one before.
    fn narrowed(&self, fact: Fact) -> Result<Narrowed, Problem> {
        let fits = |dimension: &Dimension| over_time(fact).contains(dimension);
        let said = self.said().into_iter().filter(|(dimension, ..)| fits(dimension));
        let said = said.filter_map(|(dimension, _, value)| Some(only(dimension, value?.to_owned())));
        Ok(Narrowed { by: Vec::new(), only: said.collect::<Result<_, _>>()? })
    }
}

/// The measures that are kept by time, by what they are about.
fn choices() -> Vec<(&'static str, Vec<&'static Measure>)> {
    let of = |wanted: Fact| {
        let fits = |measure: &&Measure| matches!(measure.how, How::Of(fact, _) if fact == wanted);
        measures::ALL.iter().filter(fits).collect()
    };
    vec![("Leads", of(Fact::Lead)), ("Calls", of(Fact::Call)), ("Messages", of(Fact::Message))]
}

/// A filter that is typed or chosen.
struct Filter {
    name: &'static str,
    label: &'static str,
    value: String,
    /// Values and their words; empty for one that is typed.
    choices: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "reports/trends.html")]
struct Trends {
    page: Page,
    tabs: Vec<ui::Tab>,
    ranges: Vec<ui::Tab>,
    steps: Vec<ui::Tab>,
    measures: Vec<(&'static str, Vec<&'static Measure>)>,
    chosen: &'static str,
    filters: Vec<Filter>,
    from: NaiveDate,
    until: NaiveDate,
    days: String,
    zone: String,
    counted_until: DateTime<Utc>,
    kpi: Kpi,
    sentence: &'static str,
    chart: ui::Plot,
}

/// The measure that is asked for, over the days that are asked for.
pub async fn show_trends(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let name = asked::text(asked.measure.as_deref()).unwrap_or(USUAL);
    let known = measures::named(name).and_then(|measure| match measure.how {
        How::Of(fact, _) => Some((measure, fact)),
        How::Report => None,
    });
    let (measure, fact) =
        known.ok_or_else(|| Problem::field("?measure", "there is no such measure over time"))?;
    let days = asked.days();
    let ground = shown::ground(&ctx).await?;
    let dates = days.dates(ground.today)?;
    let (by, step) = step_of(asked::text(asked.by.as_deref()), dates.days())?;
    let wanted = Wanted {
        measure: measure.name.to_owned(),
        step,
        asked: asked.narrowed(fact)?,
        from: Some(dates.from),
        to: Some(dates.to),
    };
    let trend = trends::trend(&ctx, &wanted).await?;
    let page = viewer.page("Trends");
    // What is chosen for the days fits those, and not always others.
    let ranges = days.choices(&link::with(&page.here, "by", ""));
    let steps = STEPS.iter().filter(|(.., step)| dates.days() <= step.longest());
    let steps =
        steps.map(|(name, word, _)| ui::Tab::new(word, link::with(&page.here, "by", name), *name == by));
    show(&Trends {
        tabs: tabs(&viewer, "Trends"),
        ranges,
        steps: steps.collect(),
        measures: choices(),
        chosen: measure.name,
        filters: filters(&ctx, &asked, fact).await?,
        from: dates.from,
        until: last(dates),
        days: words(dates),
        zone: ground.zone,
        counted_until: trend.counted_until,
        kpi: Kpi::new(trend.label, trend.unit, (trend.value, trend.previous), trend.sentence),
        sentence: trend.sentence,
        chart: drawn::trend(&trend),
        page,
    })
}

/// The step that is asked for, or the one that fits so many days.
fn step_of(by: Option<&str>, days: i64) -> Result<(&'static str, Step), Problem> {
    let fitting = Step::fitting(days);
    let found = STEPS.iter().find(|(name, _, step)| by.map_or(*step == fitting, |by| by == *name));
    let (name, _, step) = found.ok_or_else(|| Problem::field("?by", "one of hour, day, week and month"))?;
    Ok((name, *step))
}

async fn filters(ctx: &Ctx, asked: &Asked, fact: Fact) -> Result<Vec<Filter>, Problem> {
    let words = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), (*word).to_owned())).collect();
    let mut shown = Vec::new();
    for (dimension, name, value) in asked.said() {
        if !over_time(fact).contains(&dimension) {
            continue;
        }
        let (label, choices) = match dimension {
            Dimension::Direction => {
                ("Direction", words(&[Direction::Inbound, Direction::Outbound].map(Direction::as_str)))
            }
            Dimension::Team => {
                let names = Names::teams(ctx).await?;
                (
                    "Team",
                    names.sorted().into_iter().map(|(id, name)| (id.to_string(), name.to_owned())).collect(),
                )
            }
            Dimension::Source => ("Source", Vec::new()),
            Dimension::Channel => ("Channel", words(&Channel::ALL.map(Channel::as_str))),
            Dimension::Purpose => {
                ("Purpose", words(&[Purpose::Transactional, Purpose::Marketing].map(Purpose::as_str)))
            }
            // Nobody types the id of an account or of wording; links have it.
            _ if value.is_none() => continue,
            Dimension::Provider => ("Account, by its id", Vec::new()),
            _ => ("Wording, by its id", Vec::new()),
        };
        let mut choices: Vec<(String, String)> = choices;
        let value = value.unwrap_or_default().to_owned();
        // What is chosen is shown, also if it is not among those that are known.
        if !choices.is_empty() && !value.is_empty() && choices.iter().all(|(known, _)| *known != value) {
            choices.push((value.clone(), value.clone()));
        }
        shown.push(Filter { name, label, value, choices });
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_is_the_one_that_is_asked_for_or_that_fits() {
        let step = |by: Option<&str>, days: i64| step_of(by, days).ok();
        assert_eq!(step(None, 1), Some(("hour", Step::Hour)));
        assert_eq!(step(None, 30), Some(("day", Step::Day)));
        assert_eq!(step(Some("week"), 30), Some(("week", Step::Week)));
        assert_eq!(step(Some("minute"), 30), None);
    }

    #[test]
    fn each_measure_over_time_can_be_chosen_and_filters_of_another_fact_are_left_out() {
        let all: usize = choices().iter().map(|(_, measures)| measures.len()).sum();
        assert_eq!(all, measures::ALL.iter().filter(|measure| measure.how != How::Report).count());
        assert!(choices()[0].1.iter().any(|measure| measure.name == USUAL));
        let asked =
            Asked { source: Some("web".into()), direction: Some("inbound".into()), ..Asked::default() };
        let of = |fact| asked.narrowed(fact).expect("filters").only;
        assert_eq!(of(Fact::Lead), [(Dimension::Source, "web".to_owned())]);
        assert_eq!(of(Fact::Call), [(Dimension::Direction, "inbound".to_owned())]);
        assert!(of(Fact::Message).is_empty());
        let wrong = Asked { team_id: Some("sales".into()), ..Asked::default() };
        assert!(wrong.narrowed(Fact::Call).is_err());
    }
}
