//! The measures: what each is called, what it counts, and in one sentence how it is computed. The only list of them; reports,
//! trends and metrics take what they show from it, and `docs/measures.md` is made of it. Pure.
//!
//! A measure is told from sums that are kept, so that a rate over a year is that of its sums and not the mean of its days.

use super::document::{Figure, MeasureNote, Unit};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Call,
    Lead,
    Message,
}

/// The sums that are kept of calls, by their places in the arrays that the store reads.
pub mod call {
    pub const CALLS: usize = 0;
    pub const ANSWERED: usize = 1;
    pub const HANDLED: usize = 2;
    pub const OFFERED: usize = 3;
    pub const LOST: usize = 4;
    pub const IN_TIME: usize = 5;
    /// Incoming calls that were answered: offered and not lost.
    pub const TAKEN: usize = 6;
    pub const WAIT_MS: usize = 7;
    pub const TALK_MS: usize = 8;
    pub const CONVERTED: usize = 9;
    pub const RATED: usize = 10;
    pub const RATING: usize = 11;
    pub const VALUE: usize = 12;
    pub const ALL: usize = 13;
}

/// The same of leads.
pub mod lead {
    pub const LEADS: usize = 0;
    pub const ENGAGED: usize = 1;
    pub const ACTIVITIES: usize = 2;
    pub const CONTACTED: usize = 3;
    pub const QUALIFIED: usize = 4;
    pub const PROPOSAL: usize = 5;
    pub const CONVERTED: usize = 6;
    pub const LOST: usize = 7;
    pub const VALUE: usize = 8;
    pub const COST: usize = 9;
    pub const ALL: usize = 10;
}

/// The same of messages.
pub mod message {
    pub const MESSAGES: usize = 0;
    pub const ACCEPTED: usize = 1;
    pub const DELIVERED: usize = 2;
    pub const READ: usize = 3;
    pub const BOUNCED: usize = 4;
    pub const FAILED: usize = 5;
    pub const SUPPRESSED: usize = 6;
    pub const CANCELLED: usize = 7;
    pub const UNKNOWN: usize = 8;
    pub const ALL: usize = 9;
}

/// How a measure comes of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    Sum(usize),
    /// A sum of milliseconds, in seconds.
    Seconds(usize),
    /// The first of the second; null over nothing.
    Share(usize, usize),
    Mean(usize, usize),
    /// A mean of milliseconds, in seconds.
    MeanSeconds(usize, usize),
    /// What came back of what was spent, (first − second) ÷ second; null where nothing was spent.
    Return(usize, usize),
}

impl Formula {
    /// The measure of some sums; null where it cannot be told.
    #[must_use]
    pub fn of(self, sums: &[i64]) -> Option<Figure> {
        let at = |place: usize| sums.get(place).copied().unwrap_or_default();
        match self {
            Self::Sum(place) => Some(Figure::Whole(at(place))),
            Self::Seconds(place) => Some(Figure::Real(real(at(place)) / 1_000.0)),
            Self::Share(part, whole) | Self::Mean(part, whole) => quotient(at(part), at(whole)),
            Self::MeanSeconds(ms, count) => {
                (at(count) > 0).then(|| Figure::Real(real(at(ms)) / 1_000.0 / real(at(count))))
            }
            Self::Return(value, cost) => quotient(at(value) - at(cost), at(cost)),
        }
    }

    /// The sums that it comes of.
    #[must_use]
    pub fn places(self) -> [usize; 2] {
        match self {
            Self::Sum(one) | Self::Seconds(one) => [one, one],
            Self::Share(one, two)
            | Self::Mean(one, two)
            | Self::MeanSeconds(one, two)
            | Self::Return(one, two) => [one, two],
        }
    }
}

/// The first of the second; null over nothing.
#[must_use]
pub fn quotient(part: i64, whole: i64) -> Option<Figure> {
    (whole > 0).then(|| Figure::Real(real(part) / real(whole)))
}

#[expect(clippy::cast_precision_loss, reason = "sums are far below 2^52")]
pub(super) fn real(whole: i64) -> f64 {
    whole as f64
}

/// How a measure is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// From the sums of a fact: trends and metrics have it, too.
    Of(Fact, Formula),
    /// By its report alone.
    Report,
}

/// A measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Stable: requests and saved reports name it.
    pub name: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    pub how: How,
    pub sentence: &'static str,
}

impl Measure {
    /// What is said of it in a report.
    #[must_use]
    pub fn note(&self) -> MeasureNote {
        MeasureNote { name: self.name.into(), sentence: self.sentence.into() }
    }

    /// It, of the sums of its fact; null of one that its report alone knows.
    #[must_use]
    pub fn value(&self, sums: &[i64]) -> Option<Figure> {
        match self.how {
            How::Of(_, formula) => formula.of(sums),
            How::Report => None,
        }
    }
}

/// The measure of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Measure> {
    ALL.iter().find(|measure| measure.name == name)
}

const fn of(
    fact: Fact,
    formula: Formula,
    (name, label, unit): (&'static str, &'static str, Unit),
    sentence: &'static str,
) -> Measure {
    Measure { name, label, unit, how: How::Of(fact, formula), sentence }
}

const fn alone(
    (name, label, unit): (&'static str, &'static str, Unit),
    sentence: &'static str,
) -> Measure {
    Measure { name, label, unit, how: How::Report, sentence }
}

use Fact::{Call, Lead, Message};
use Formula::{Mean, MeanSeconds, Return, Seconds, Share, Sum};
use Unit::{Cents, Count, Points, Ratio};

/// All of them, in the order in which people read of them.
pub const ALL: &[Measure] = &[
    of(Call, Sum(call::CALLS), ("call.count", "Calls", Count), "Calls that began in the time, in both directions and whatever became of them."),
    of(Call, Sum(call::ANSWERED), ("call.answered", "Answered", Count), "Calls that somebody answered, whether they are over or not."),
    of(Call, Sum(call::HANDLED), ("call.handled", "Handled", Count), "Calls that were answered and are over."),
    of(Call, Sum(call::OFFERED), ("call.offered", "Offered", Count), "Incoming calls of which it is known that they were answered or lost; those that came to no team are left out."),
    of(Call, Sum(call::LOST), ("call.lost", "Lost", Count), "Offered calls that were over before anybody answered, while they waited or while they rang."),
    of(Call, Share(call::IN_TIME, call::OFFERED), ("call.service_level", "Service level", Ratio), "Offered calls that were answered within 20 seconds of their beginning, of all offered calls; null if none was offered; 0.8 is the usual goal."),
    of(Call, Share(call::LOST, call::OFFERED), ("call.abandonment", "Abandonment", Ratio), "Lost calls of offered calls; null if none was offered."),
    of(Call, MeanSeconds(call::WAIT_MS, call::TAKEN), ("call.asa", "Average speed of answer", Unit::Seconds), "Seconds from the beginning of an offered call to its answer, on the average of those that were answered; null if none was."),
    of(Call, Seconds(call::TALK_MS), ("call.talk_time", "Talk time", Unit::Seconds), "Seconds from the answer to the end, of all handled calls together."),
    of(Call, MeanSeconds(call::TALK_MS, call::HANDLED), ("call.talk_average", "Average talk time", Unit::Seconds), "Talk time divided by handled calls; null if none was handled."),
    alone(("call.aht", "Average handling time", Unit::Seconds), "Talk time, and the time that agents spent in wrap-up, divided by handled calls; null if none was handled."),
    alone(("call.occupancy", "Occupancy", Ratio), "The time that agents were on calls or in wrap-up, of the time that they were so or available; breaks and being offline count for nothing; null if there was none."),
    of(Call, Sum(call::CONVERTED), ("call.converted", "Converted", Count), "Calls whose outcome is a sale."),
    of(Call, Share(call::CONVERTED, call::HANDLED), ("call.success", "Success", Ratio), "Calls whose outcome is a sale, of handled calls; null if none was handled."),
    of(Call, Sum(call::RATED), ("call.rated", "Rated", Count), "Calls of which the customer said how content they were."),
    of(Call, Mean(call::RATING, call::RATED), ("call.satisfaction", "Satisfaction", Points), "What customers said, 1 to 5, on the average of the calls that were rated; null if none was."),
    of(Call, Sum(call::VALUE), ("call.value", "Value", Cents), "What calls brought in whose outcome is a sale."),
    of(Lead, Sum(lead::LEADS), ("lead.count", "Leads", Count), "Leads that came in in the time and are there now; one that was merged into another counts no more."),
    of(Lead, Sum(lead::ENGAGED), ("lead.engaged", "Engaged", Count), "Leads that came in in the time with whom something was done since: a call, a message, a meeting."),
    of(Lead, Share(lead::ENGAGED, lead::LEADS), ("lead.engagement", "Engagement", Ratio), "Engaged leads of all leads that came in in the time; null if none did."),
    of(Lead, Mean(lead::ACTIVITIES, lead::LEADS), ("lead.activities", "Activities a lead", Count), "How often something was done with a lead, on the average of those that came in in the time; null if none did."),
    of(Lead, Sum(lead::CONTACTED), ("lead.contacted", "Contacted", Count), "Leads of the time that have come as far as contacted or further; a lost one counts as far as it had come."),
    of(Lead, Sum(lead::QUALIFIED), ("lead.qualified", "Qualified", Count), "Leads of the time that have come as far as qualified or further; a lost one counts as far as it had come."),
    of(Lead, Sum(lead::PROPOSAL), ("lead.proposal", "Proposal", Count), "Leads of the time that have come as far as a proposal or further; a lost one counts as far as it had come."),
    of(Lead, Sum(lead::CONVERTED), ("lead.converted", "Converted", Count), "Leads of the time that are converted now, whenever that was."),
    of(Lead, Sum(lead::LOST), ("lead.lost", "Lost", Count), "Leads of the time that are lost now."),
    of(Lead, Share(lead::CONVERTED, lead::LEADS), ("lead.conversion", "Conversion", Ratio), "Converted leads of all leads that came in in the time; null if none did."),
    of(Lead, Sum(lead::VALUE), ("lead.value", "Value", Cents), "What the converted leads of the time are worth."),
    of(Lead, Sum(lead::COST), ("lead.cost", "Cost", Cents), "What was spent on the leads of the time."),
    of(Lead, Mean(lead::COST, lead::LEADS), ("lead.cost_each", "Cost per lead", Cents), "Cost divided by the leads of the time; null if there are none."),
    of(Lead, Mean(lead::COST, lead::CONVERTED), ("lead.cost_converted", "Cost per conversion", Cents), "Cost of all leads of the time divided by those that converted; null if none did."),
    of(Lead, Return(lead::VALUE, lead::COST), ("lead.roi", "Return", Ratio), "Value less cost, over cost; null where nothing was spent."),
    alone(("campaign.recipients", "Recipients", Count), "Leads that the runs which began in the time are to, as far as they are written down."),
    alone(("campaign.accepted", "Accepted", Count), "Recipients whose message a provider has taken: sent, delivered, read or bounced."),
    alone(("campaign.delivery", "Delivery", Ratio), "Recipients whose message arrived, of those accepted; null if none was."),
    alone(("campaign.conversions", "Conversions", Count), "Leads that converted after a message of the campaign, within its days of attribution; each is owed to one message."),
    alone(("campaign.conversion", "Conversion", Ratio), "Conversions of accepted recipients; null if none was accepted."),
    alone(("campaign.cost", "Cost", Cents), "The price of each part of a message, for what providers have taken or may have taken."),
    alone(("campaign.value", "Value", Cents), "What the leads are worth that converted."),
    alone(("campaign.cost_each", "Cost per lead", Cents), "Cost divided by accepted recipients; null if none was accepted."),
    alone(("campaign.cost_converted", "Cost per conversion", Cents), "Cost divided by conversions; null if there are none."),
    alone(("campaign.roi", "Return", Ratio), "Value less cost, over cost; null where nothing was spent."),
    alone(("agent.handled", "Calls handled", Count), "Calls of the agent that began in the time, were answered and are over."),
    alone(("agent.conversion", "Conversion", Ratio), "Calls of the agent whose outcome is a sale, of those handled; null if none was."),
    alone(("agent.talk_average", "Average talk time", Unit::Seconds), "Talk time of the agent's handled calls, divided by them; null if there are none."),
    alone(("agent.satisfaction", "Satisfaction", Points), "What customers said of the agent's calls, 1 to 5, on the average of those rated; null if none was."),
    alone(("agent.occupancy", "Occupancy", Ratio), "The time that the agent was on calls or in wrap-up, of the time that they were so or available; null if there was none."),
    alone(("agent.adherence", "Adherence", Ratio), "The time of the agent's shifts in which they were not offline, of the time of the shifts up to now, by the shifts as they are now; null without shifts, and for ranges of more than 31 days."),
    alone(("agent.leads", "Leads", Count), "Leads that came in in the time and are the agent's now."),
    alone(("agent.lead_conversion", "Leads converted", Ratio), "Converted leads of the agent's leads; null if there are none."),
    alone(("agent.actions", "Audited actions", Count), "Entries of the audit log in the time by the user behind the agent."),
    of(Message, Sum(message::MESSAGES), ("message.count", "Messages", Count), "Messages that were asked for in the time."),
    of(Message, Sum(message::ACCEPTED), ("message.accepted", "Accepted", Count), "Messages of the time that a provider took: sent, delivered, read or bounced."),
    of(Message, Sum(message::DELIVERED), ("message.delivered", "Delivered", Count), "Messages of the time that arrived: delivered or read."),
    of(Message, Sum(message::READ), ("message.read", "Read", Count), "Messages of the time of which the provider says that they were read."),
    of(Message, Sum(message::BOUNCED), ("message.bounced", "Bounced", Count), "Messages of the time that came back."),
    of(Message, Sum(message::FAILED), ("message.failed", "Failed", Count), "Messages of the time that are not sent any more because of an error."),
    of(Message, Sum(message::SUPPRESSED), ("message.suppressed", "Suppressed", Count), "Messages of the time that consent, a suppression or a cap forbade."),
    of(Message, Sum(message::CANCELLED), ("message.cancelled", "Cancelled", Count), "Messages of the time that were taken back before they were sent."),
    of(Message, Sum(message::UNKNOWN), ("message.unknown", "Unknown", Count), "Messages of the time of which nobody knows whether they were sent."),
    of(Message, Share(message::DELIVERED, message::ACCEPTED), ("message.delivery", "Delivery", Ratio), "Delivered messages of accepted ones; null if none was accepted."),
    of(Message, Share(message::READ, message::DELIVERED), ("message.reading", "Reading", Ratio), "Read messages of delivered ones; null if none was delivered."),
    of(Message, Share(message::BOUNCED, message::ACCEPTED), ("message.bouncing", "Bouncing", Ratio), "Bounced messages of accepted ones; null if none was accepted."),
    alone(("job.ended", "Jobs ended", Count), "Jobs that ended in the time in whatever way, by whole hours of UTC."),
    alone(("job.completed", "Completed", Count), "Jobs that ended well."),
    alone(("job.failed", "Given up", Count), "Jobs that were discarded, or quarantined because they brought a process down."),
    alone(("job.failure", "Failure", Ratio), "Jobs given up, of jobs that ended without being cancelled; null if none did."),
    alone(("job.retries", "Retries", Count), "Attempts after which a job is to be tried again."),
];

/// The measures as a page for people: kept in `docs/measures.md`, so that a change is seen in review.
#[must_use]
pub fn page() -> String {
    let intro = "# Measures\n\nWhat each number of a report, a trend or a metric means, and how it is computed. Made by \
                 `./x prepare`.\nThose with a fact are had by `GET /api/v1/analytics/metrics` and `/trends` as well; the \
                 others by their report alone.";
    let mut lines = vec![intro.to_owned()];
    let mut group = "";
    for measure in ALL {
        let about = measure.name.split('.').next().unwrap_or_default();
        if about != group {
            group = about;
            lines.push(format!("\n## {group}\n\n| | | unit | fact | |\n|---|---|---|---|---|"));
        }
        let fact = match measure.how {
            How::Of(Call, _) => "calls",
            How::Of(Lead, _) => "leads",
            How::Of(Message, _) => "messages",
            How::Report => "",
        };
        let (name, label, unit) = (measure.name, measure.label, measure.unit.as_str());
        lines.push(format!("| `{name}` | {label} | {unit} | {fact} | {} |", measure.sentence));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_is_computed() {
        let kept = include_str!("../../../docs/measures.md");
        assert!(page() == kept, "docs/measures.md is stale: run `./x prepare`, and look at what has changed");
    }

    #[test]
    fn names_are_unique_and_each_is_one_sentence() {
        let mut names: Vec<_> = ALL.iter().map(|measure| measure.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for measure in ALL {
            assert!(measure.sentence.ends_with('.') && !measure.sentence.contains(". "), "{}", measure.name);
            assert_eq!(named(measure.name), Some(measure));
        }
    }

    #[test]
    fn a_rate_of_nothing_is_null_and_a_count_of_nothing_is_zero() {
        let sums = [10, 3, 0, 2_500];
        for (formula, value) in [
            (Formula::Sum(2), Some(Figure::Whole(0))),
            (Formula::Sum(0), Some(Figure::Whole(10))),
            (Formula::Seconds(3), Some(Figure::Real(2.5))),
            (Formula::Share(1, 0), Some(Figure::Real(0.3))),
            (Formula::Share(0, 2), None),
            (Formula::Mean(0, 2), None),
            (Formula::MeanSeconds(3, 0), Some(Figure::Real(0.25))),
            (Formula::MeanSeconds(3, 2), None),
            (Formula::Return(1, 0), Some(Figure::Real(-0.7))),
            (Formula::Return(0, 2), None),
        ] {
            assert_eq!(formula.of(&sums), value, "{formula:?}");
        }
    }

    #[test]
    fn formulas_take_sums_that_there_are() {
        for measure in ALL {
            let How::Of(fact, formula) = measure.how else { continue };
            let all = match fact {
                Call => call::ALL,
                Lead => lead::ALL,
                Message => message::ALL,
            };
            assert!(formula.places().iter().all(|place| *place < all), "{}", measure.name);
        }
    }
}
