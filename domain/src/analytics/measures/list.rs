//! The list itself.

use super::{
    Fact::{self, Call, Lead, Message},
    Formula::{self, Mean, MeanSeconds, Return, Seconds, Share, Sum},
    How, Measure, call, lead, message,
};
use crate::analytics::document::Unit::{self, Cents, Count, Points, Ratio};

const fn of(
    fact: Fact,
    formula: Formula,
    (name, label, unit): (&'static str, &'static str, Unit),
    sentence: &'static str,
) -> Measure {
    Measure { name, label, unit, how: How::Of(fact, formula), sentence }
}

const fn alone((name, label, unit): (&'static str, &'static str, Unit), sentence: &'static str) -> Measure {
    Measure { name, label, unit, how: How::Report, sentence }
}

/// All of them, in the order in which people read of them.
pub const ALL: &[Measure] = &[
    of(
        Call,
        Sum(call::CALLS),
        ("call.count", "Calls", Count),
        "Calls that began in the time, in both directions and whatever became of them.",
    ),
    of(
        Call,
        Sum(call::ANSWERED),
        ("call.answered", "Answered", Count),
        "Calls that somebody answered, whether they are over or not.",
    ),
    of(
        Call,
        Sum(call::HANDLED),
        ("call.handled", "Handled", Count),
        "Calls that were answered and are over.",
    ),
    of(
        Call,
        Sum(call::OFFERED),
        ("call.offered", "Offered", Count),
        "Incoming calls of which it is known that they were answered or lost; those that came to no team are left out.",
    ),
    of(
        Call,
        Sum(call::LOST),
        ("call.lost", "Lost", Count),
        "Offered calls that were over before anybody answered, while they waited or while they rang.",
    ),
    of(
        Call,
        Share(call::IN_TIME, call::OFFERED),
        ("call.service_level", "Service level", Ratio),
        "Offered calls that were answered within 20 seconds of their beginning, of all offered calls; null if none was offered; 0.8 is the usual goal.",
    ),
    of(
        Call,
        Share(call::LOST, call::OFFERED),
        ("call.abandonment", "Abandonment", Ratio),
        "Lost calls of offered calls; null if none was offered.",
    ),
    of(
        Call,
        MeanSeconds(call::WAIT_MS, call::TAKEN),
        ("call.asa", "Average speed of answer", Unit::Seconds),
        "Seconds from the beginning of an offered call to its answer, on the average of those that were answered; null if none was.",
    ),
    of(
        Call,
        Seconds(call::TALK_MS),
        ("call.talk_time", "Talk time", Unit::Seconds),
        "Seconds from the answer to the end, of all handled calls together.",
    ),
    of(
        Call,
        MeanSeconds(call::TALK_MS, call::HANDLED),
        ("call.talk_average", "Average talk time", Unit::Seconds),
        "Talk time divided by handled calls; null if none was handled.",
    ),
    alone(
        ("call.aht", "Average handling time", Unit::Seconds),
        "Talk time, and the time that agents spent in wrap-up, divided by handled calls; null if none was handled.",
    ),
    alone(
        ("call.occupancy", "Occupancy", Ratio),
        "The time that agents were on calls or in wrap-up, of the time that they were so or available; breaks and being offline count for nothing; null if there was none.",
    ),
    of(Call, Sum(call::CONVERTED), ("call.converted", "Converted", Count), "Calls whose outcome is a sale."),
    of(
        Call,
        Share(call::CONVERTED, call::HANDLED),
        ("call.success", "Success", Ratio),
        "Calls whose outcome is a sale, of handled calls; null if none was handled.",
    ),
    of(
        Call,
        Sum(call::RATED),
        ("call.rated", "Rated", Count),
        "Calls of which the customer said how content they were.",
    ),
    of(
        Call,
        Mean(call::RATING, call::RATED),
        ("call.satisfaction", "Satisfaction", Points),
        "What customers said, 1 to 5, on the average of the calls that were rated; null if none was.",
    ),
    of(
        Call,
        Sum(call::VALUE),
        ("call.value", "Value", Cents),
        "What calls brought in whose outcome is a sale.",
    ),
    of(
        Lead,
        Sum(lead::LEADS),
        ("lead.count", "Leads", Count),
        "Leads that came in in the time and are there now; one that was merged into another counts no more.",
    ),
    of(
        Lead,
        Sum(lead::ENGAGED),
        ("lead.engaged", "Engaged", Count),
        "Leads that came in in the time with whom something was done since: a call, a message, a meeting.",
    ),
    of(
        Lead,
        Share(lead::ENGAGED, lead::LEADS),
        ("lead.engagement", "Engagement", Ratio),
        "Engaged leads of all leads that came in in the time; null if none did.",
    ),
    of(
        Lead,
        Mean(lead::ACTIVITIES, lead::LEADS),
        ("lead.activities", "Activities a lead", Count),
        "How often something was done with a lead, on the average of those that came in in the time; null if none did.",
    ),
    of(
        Lead,
        Sum(lead::CONTACTED),
        ("lead.contacted", "Contacted", Count),
        "Leads of the time that have come as far as contacted or further; a lost one counts as far as it had come.",
    ),
    of(
        Lead,
        Sum(lead::QUALIFIED),
        ("lead.qualified", "Qualified", Count),
        "Leads of the time that have come as far as qualified or further; a lost one counts as far as it had come.",
    ),
    of(
        Lead,
        Sum(lead::PROPOSAL),
        ("lead.proposal", "Proposal", Count),
        "Leads of the time that have come as far as a proposal or further; a lost one counts as far as it had come.",
    ),
    of(
        Lead,
        Sum(lead::CONVERTED),
        ("lead.converted", "Converted", Count),
        "Leads of the time that are converted now, whenever that was.",
    ),
    of(Lead, Sum(lead::LOST), ("lead.lost", "Lost", Count), "Leads of the time that are lost now."),
    of(
        Lead,
        Share(lead::CONVERTED, lead::LEADS),
        ("lead.conversion", "Conversion", Ratio),
        "Converted leads of all leads that came in in the time; null if none did.",
    ),
    of(
        Lead,
        Sum(lead::VALUE),
        ("lead.value", "Value", Cents),
        "What the converted leads of the time are worth.",
    ),
    of(Lead, Sum(lead::COST), ("lead.cost", "Cost", Cents), "What was spent on the leads of the time."),
    of(
        Lead,
        Mean(lead::COST, lead::LEADS),
        ("lead.cost_each", "Cost per lead", Cents),
        "Cost divided by the leads of the time; null if there are none.",
    ),
    of(
        Lead,
        Mean(lead::COST, lead::CONVERTED),
        ("lead.cost_converted", "Cost per conversion", Cents),
        "Cost of all leads of the time divided by those that converted; null if none did.",
    ),
    of(
        Lead,
        Return(lead::VALUE, lead::COST),
        ("lead.roi", "Return", Ratio),
        "Value less cost, over cost; null where nothing was spent.",
    ),
    alone(
        ("campaign.recipients", "Recipients", Count),
        "Leads that the runs which began in the time are to, as far as they are written down.",
    ),
    alone(
        ("campaign.accepted", "Accepted", Count),
        "Recipients whose message a provider has taken: sent, delivered, read or bounced.",
    ),
    alone(
        ("campaign.delivery", "Delivery", Ratio),
        "Recipients whose message arrived, of those accepted; null if none was.",
    ),
    alone(
        ("campaign.conversions", "Conversions", Count),
        "Leads that converted after a message of the campaign, within its days of attribution; each is owed to one message.",
    ),
    alone(
        ("campaign.conversion", "Conversion", Ratio),
        "Conversions of accepted recipients; null if none was accepted.",
    ),
    alone(
        ("campaign.cost", "Cost", Cents),
        "The price of each part of a message, for what providers have taken or may have taken.",
    ),
    alone(("campaign.value", "Value", Cents), "What the leads are worth that converted."),
    alone(
        ("campaign.cost_each", "Cost per lead", Cents),
        "Cost divided by accepted recipients; null if none was accepted.",
    ),
    alone(
        ("campaign.cost_converted", "Cost per conversion", Cents),
        "Cost divided by conversions; null if there are none.",
    ),
    alone(("campaign.roi", "Return", Ratio), "Value less cost, over cost; null where nothing was spent."),
    alone(
        ("agent.handled", "Calls handled", Count),
        "Calls of the agent that began in the time, were answered and are over.",
    ),
    alone(
        ("agent.conversion", "Conversion", Ratio),
        "Calls of the agent whose outcome is a sale, of those handled; null if none was.",
    ),
    alone(
        ("agent.talk_average", "Average talk time", Unit::Seconds),
        "Talk time of the agent's handled calls, divided by them; null if there are none.",
    ),
    alone(
        ("agent.satisfaction", "Satisfaction", Points),
        "What customers said of the agent's calls, 1 to 5, on the average of those rated; null if none was.",
    ),
    alone(
        ("agent.occupancy", "Occupancy", Ratio),
        "The time that the agent was on calls or in wrap-up, of the time that they were so or available; null if there was none.",
    ),
    alone(
        ("agent.adherence", "Adherence", Ratio),
        "The time of the agent's shifts in which they were not offline, of the time of the shifts up to now, by the shifts as they are now; null without shifts, and for ranges of more than 31 days.",
    ),
    alone(("agent.leads", "Leads", Count), "Leads that came in in the time and are the agent's now."),
    alone(
        ("agent.lead_conversion", "Leads converted", Ratio),
        "Converted leads of the agent's leads; null if there are none.",
    ),
    alone(
        ("agent.actions", "Audited actions", Count),
        "Entries of the audit log in the time by the user behind the agent.",
    ),
    of(
        Message,
        Sum(message::MESSAGES),
        ("message.count", "Messages", Count),
        "Messages that were asked for in the time.",
    ),
    of(
        Message,
        Sum(message::ACCEPTED),
        ("message.accepted", "Accepted", Count),
        "Messages of the time that a provider took: sent, delivered, read or bounced.",
    ),
    of(
        Message,
        Sum(message::DELIVERED),
        ("message.delivered", "Delivered", Count),
        "Messages of the time that arrived: delivered or read.",
    ),
    of(
        Message,
        Sum(message::READ),
        ("message.read", "Read", Count),
        "Messages of the time of which the provider says that they were read.",
    ),
    of(
        Message,
        Sum(message::BOUNCED),
        ("message.bounced", "Bounced", Count),
        "Messages of the time that came back.",
    ),
    of(
        Message,
        Sum(message::FAILED),
        ("message.failed", "Failed", Count),
        "Messages of the time that are not sent any more because of an error.",
    ),
    of(
        Message,
        Sum(message::SUPPRESSED),
        ("message.suppressed", "Suppressed", Count),
        "Messages of the time that consent, a suppression or a cap forbade.",
    ),
    of(
        Message,
        Sum(message::CANCELLED),
        ("message.cancelled", "Cancelled", Count),
        "Messages of the time that were taken back before they were sent.",
    ),
    of(
        Message,
        Sum(message::UNKNOWN),
        ("message.unknown", "Unknown", Count),
        "Messages of the time of which nobody knows whether they were sent.",
    ),
    of(
        Message,
        Share(message::DELIVERED, message::ACCEPTED),
        ("message.delivery", "Delivery", Ratio),
        "Delivered messages of accepted ones; null if none was accepted.",
    ),
    of(
        Message,
        Share(message::READ, message::DELIVERED),
        ("message.reading", "Reading", Ratio),
        "Read messages of delivered ones; null if none was delivered.",
    ),
    of(
        Message,
        Share(message::BOUNCED, message::ACCEPTED),
        ("message.bouncing", "Bouncing", Ratio),
        "Bounced messages of accepted ones; null if none was accepted.",
    ),
    alone(
        ("job.ended", "Jobs ended", Count),
        "Jobs that ended in the time in whatever way, by whole hours of UTC.",
    ),
    alone(("job.completed", "Completed", Count), "Jobs that ended well."),
    alone(
        ("job.failed", "Given up", Count),
        "Jobs that were discarded, or quarantined because they brought a process down.",
    ),
    alone(
        ("job.failure", "Failure", Ratio),
        "Jobs given up, of jobs that ended without being cancelled; null if none did.",
    ),
    alone(("job.retries", "Retries", Count), "Attempts after which a job is to be tried again."),
    alone(
        ("game.points", "Points", Points),
        "Points that were earned on the days of the time and not taken back; what went for rewards is not taken off.",
    ),
    alone(("game.players", "Players", Count), "People who have earned points on the days of the time."),
    alone(
        ("game.completion", "Challenges completed", Ratio),
        "How often somebody reached the target of a day, week or month of a challenge that began in the time, of how often somebody took part in one; null if nobody did.",
    ),
    alone(("game.badges", "Badges", Count), "Badges that were given in the time, each as often as it was."),
];
