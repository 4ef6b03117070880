//! What figures are told apart by, and which of the tables of figures holds what is asked for. Pure.
//!
//! Not everything is kept by everything: by time there is what charts are drawn of, and by agent, owner or outcome there are
//! whole ranges. What is not kept together is refused, with what is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::measures::{Fact, Formula, How, Measure, lead};
use crate::words::words;

words! {
    /// What figures are told apart by, besides time.
    #[schema(as = AnalyticsDimension)]
    Dimension {
        Direction = "direction",
        Team = "team",
        Agent = "agent",
        Outcome = "outcome",
        Source = "source",
        Status = "status",
        Owner = "owner",
        Channel = "channel",
        Provider = "provider",
        Template = "template",
        Purpose = "purpose",
    }
}

impl Dimension {
    /// Whether its values are ids.
    #[must_use]
    pub fn is_id(self) -> bool {
        matches!(self, Self::Team | Self::Agent | Self::Owner | Self::Provider | Self::Template)
    }
}

/// What is told apart, and what is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub by: Vec<Dimension>,
    /// Only what has these values.
    pub only: Vec<(Dimension, String)>,
}

impl Asked {
    /// Told apart by these, with nothing left out.
    #[must_use]
    pub fn of(by: &[Dimension]) -> Self {
        Self { by: by.to_vec(), only: Vec::new() }
    }

    pub(super) fn by(&self, dimension: Dimension) -> bool {
        self.by.contains(&dimension)
    }

    pub(super) fn text(&self, dimension: Dimension) -> Option<&str> {
        self.only.iter().find(|(one, _)| *one == dimension).map(|(_, value)| value.as_str())
    }

    pub(super) fn id(&self, dimension: Dimension) -> Option<Uuid> {
        self.text(dimension).and_then(|value| Uuid::try_parse(value).ok())
    }

    fn all(&self) -> impl Iterator<Item = Dimension> {
        self.by.iter().copied().chain(self.only.iter().map(|(dimension, _)| *dimension))
    }
}

/// A table of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cube {
    CallTotals,
    CallTime,
    CallDays,
    CallOutcomes,
    LeadTotals,
    LeadTime,
    LeadDays,
    LeadOwners,
    MessageTotals,
    MessageTime,
    MessageDays,
}

use Dimension::{
    Agent, Channel, Direction, Outcome, Owner, Provider, Purpose, Source, Status, Team, Template,
};

/// What a fact is told apart by along with time.
#[must_use]
pub fn over_time(fact: Fact) -> &'static [Dimension] {
    let cube = match fact {
        Fact::Call => Cube::CallTime,
        Fact::Lead => Cube::LeadTime,
        Fact::Message => Cube::MessageTime,
    };
    cube.dimensions()
}

impl Cube {
    /// The smaller ones come first: those that tell nothing apart, then those that hold ranges but no steps of time.
    const ALL: [Self; 11] = [
        Self::CallTotals,
        Self::CallDays,
        Self::CallOutcomes,
        Self::CallTime,
        Self::LeadTotals,
        Self::LeadDays,
        Self::LeadOwners,
        Self::LeadTime,
        Self::MessageTotals,
        Self::MessageDays,
        Self::MessageTime,
    ];

    /// What its sums are of.
    #[must_use]
    pub fn fact(self) -> Fact {
        match self {
            Self::CallTotals | Self::CallTime | Self::CallDays | Self::CallOutcomes => Fact::Call,
            Self::LeadTotals | Self::LeadTime | Self::LeadDays | Self::LeadOwners => Fact::Lead,
            Self::MessageTotals | Self::MessageTime | Self::MessageDays => Fact::Message,
        }
    }

    /// What it tells apart, in the order of the keys of its groups.
    #[must_use]
    pub fn dimensions(self) -> &'static [Dimension] {
        match self {
            Self::CallTotals | Self::LeadTotals | Self::MessageTotals => &[],
            Self::CallTime => &[Direction, Team],
            Self::CallDays => &[Direction, Team, Agent],
            Self::CallOutcomes => &[Direction, Team, Outcome],
            Self::LeadTime => &[Source],
            Self::LeadDays => &[Source, Status, Team],
            Self::LeadOwners => &[Owner],
            Self::MessageTime | Self::MessageDays => &[Channel, Provider, Template, Purpose],
        }
    }

    fn has_time(self) -> bool {
        matches!(
            self,
            Self::CallTotals
                | Self::CallTime
                | Self::LeadTotals
                | Self::LeadTime
                | Self::MessageTotals
                | Self::MessageTime
        )
    }

    fn has_measure(self, measure: &Measure) -> bool {
        let How::Of(fact, formula) = measure.how else { return false };
        let held = match self {
            Self::CallOutcomes => formula == Formula::Sum(0),
            Self::LeadOwners => {
                let kept = [lead::LEADS, lead::CONVERTED, lead::LOST, lead::VALUE];
                formula.places().iter().all(|place| kept.contains(place))
            }
            _ => true,
        };
        fact == self.fact() && held
    }

    /// The one that holds what is asked for, by time if that is asked for as well.
    ///
    /// # Errors
    /// What of it is kept together, in words for who asked.
    pub fn holding(measures: &[&Measure], asked: &Asked, by_time: bool) -> Result<Self, String> {
        let Some(How::Of(fact, _)) = measures.first().map(|measure| measure.how) else {
            return Err("this measure is told by its report alone; see docs/measures.md".into());
        };
        let of_fact = || Self::ALL.into_iter().filter(move |cube| cube.fact() == fact);
        let holds = |cube: &Self| {
            (cube.has_time() || !by_time)
                && asked.all().all(|dimension| cube.dimensions().contains(&dimension))
                && measures.iter().all(|measure| cube.has_measure(measure))
        };
        of_fact().find(holds).ok_or_else(|| {
            let told = of_fact().map(|cube| {
                let mut names: Vec<&str> = cube.dimensions().iter().map(|one| one.as_str()).collect();
                if cube.has_time() {
                    names.insert(0, "time");
                }
                names.join(", ")
            });
            let told: Vec<String> = told.collect();
            format!("these measures are not kept by all of that together; there is: {}", told.join("; or "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::measures::named, *};

    fn held(names: &[&str], by: &[Dimension], by_time: bool) -> Option<Cube> {
        let measures: Vec<&Measure> = names.iter().map(|name| named(name).expect("a measure")).collect();
        Cube::holding(&measures, &Asked::of(by), by_time).ok()
    }

    #[test]
    fn what_is_kept_together_is_found_and_what_is_not_is_refused() {
        for (names, by, by_time, cube) in [
            (&["call.count"][..], &[][..], false, Some(Cube::CallTotals)),
            (&["call.count"], &[], true, Some(Cube::CallTotals)),
            (&["call.count"], &[Team], false, Some(Cube::CallDays)),
            (&["lead.roi"], &[], true, Some(Cube::LeadTotals)),
            (&["call.count", "call.asa"], &[Team], true, Some(Cube::CallTime)),
            (&["call.count"], &[Agent], true, None),
            (&["call.count"], &[Agent, Direction], false, Some(Cube::CallDays)),
            (&["call.count"], &[Outcome], false, Some(Cube::CallOutcomes)),
            (&["call.asa"], &[Outcome], false, None),
            (&["call.count", "lead.count"], &[], false, None),
            (&["call.aht"], &[], false, None),
            (&["lead.conversion"], &[Owner], false, Some(Cube::LeadOwners)),
            (&["lead.engaged"], &[Owner], false, None),
            (&["lead.engaged"], &[Source], true, Some(Cube::LeadTime)),
            (&["lead.count"], &[Channel], false, None),
            (&["message.delivery"], &[Channel, Template], true, Some(Cube::MessageTime)),
            (&["message.delivery"], &[Channel, Template], false, Some(Cube::MessageDays)),
            (&["message.delivery"], &[], true, Some(Cube::MessageTotals)),
        ] {
            assert_eq!(held(names, by, by_time), cube, "{names:?} {by:?}");
        }
    }

    #[test]
    fn words_are_those_of_the_api() {
        for dimension in Dimension::ALL {
            assert_eq!(Dimension::named(dimension.as_str()), Some(dimension));
            assert_eq!(serde_json::to_value(dimension).expect("JSON"), dimension.as_str());
        }
    }
}
