//! What is known of two leads that are one person, joined. Pure.

use serde_json::{Map, Value};

use super::{lead::Status, tags::put_on};

/// What is known of a lead, opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Known {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub value_cents: Option<i64>,
    pub cost_cents: Option<i64>,
    pub tags: Vec<String>,
    pub attributes: Map<String, Value>,
}

impl Known {
    /// What is missing comes from the other; where both say something the other's is left over, but what was spent is
    /// added up. Answers what was left
    /// over of how the person is called and reached, a line for each; none if nothing was.
    pub(super) fn join(&mut self, other: Self) -> Option<String> {
        let mut over = Vec::new();
        for (what, mine, theirs) in [
            ("name", &mut self.name, other.name),
            ("phone", &mut self.phone, other.phone),
            ("email", &mut self.email, other.email),
        ] {
            if let (Some(had), Some(theirs)) = (mine.as_ref(), &theirs)
                && !had.eq_ignore_ascii_case(theirs)
            {
                over.push(format!("{what}: {theirs}"));
            }
            *mine = mine.take().or(theirs);
        }
        self.language = self.language.take().or(other.language);
        self.region = self.region.take().or(other.region);
        self.value_cents = self.value_cents.or(other.value_cents);
        // What was spent on each was spent on the person.
        self.cost_cents = match (self.cost_cents, other.cost_cents) {
            (Some(mine), Some(theirs)) => Some(mine.saturating_add(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        put_on(&mut self.tags, other.tags.iter().map(String::as_str));
        for (name, value) in other.attributes {
            self.attributes.entry(name).or_insert(value);
        }
        (!over.is_empty()).then(|| over.join("\n"))
    }
}

/// How far the one that stays has come: as the other, if both are open and the other has come further. Whether a lead
/// is closed is not decided by merging.
pub(super) fn further(mine: Status, other: Status) -> Status {
    let open = [Status::New, Status::Contacted, Status::Qualified, Status::Proposal];
    let reached = |status: Status| open.iter().position(|one| *one == status);
    match (reached(mine), reached(other)) {
        (Some(at), Some(to)) if to > at => other,
        _ => mine,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_one_lacks_comes_from_the_other_and_what_is_left_over_is_told() {
        let mut one = Known {
            name: Some("Ada".into()),
            phone: Some("+14155550100".into()),
            cost_cents: Some(7),
            tags: vec!["vip".into()],
            attributes: attributes(&json!({"age": 36})),
            ..Known::default()
        };
        let other = Known {
            name: Some("Ada".into()),
            phone: Some("+14155550101".into()),
            email: Some("ada@example.com".into()),
            region: Some("London".into()),
            value_cents: Some(5),
            cost_cents: Some(4),
            tags: vec!["VIP".into(), "new".into()],
            attributes: attributes(&json!({"age": 37, "job": "countess"})),
            ..Known::default()
        };
        assert_eq!(one.join(other.clone()).as_deref(), Some("phone: +14155550101"));
        assert_eq!((one.email.as_deref(), one.region.as_deref()), (Some("ada@example.com"), Some("London")));
        assert_eq!((one.value_cents, one.tags.join(" ")), (Some(5), "vip new".into()));
        assert_eq!((one.cost_cents, other.cost_cents), (Some(11), Some(4)));
        assert_eq!(one.attributes, attributes(&json!({"age": 36, "job": "countess"})));
        let mut same = other.clone();
        assert_eq!(same.join(other), None);
    }

    #[test]
    fn no_tag_is_dropped() {
        let tags = |range: std::ops::Range<u8>| range.map(|number| format!("t{number}")).collect();
        let mut one = Known { tags: tags(0..40), ..Known::default() };
        one.join(Known { tags: tags(20..60), ..Known::default() });
        assert_eq!(one.tags, tags(0..60));
    }

    #[test]
    fn of_two_open_leads_the_status_that_is_further_on_holds() {
        for (mine, other, holds) in [
            (Status::New, Status::Qualified, Status::Qualified),
            (Status::Contacted, Status::Proposal, Status::Proposal),
            (Status::Proposal, Status::New, Status::Proposal),
            (Status::New, Status::New, Status::New),
            (Status::New, Status::Converted, Status::New),
            (Status::New, Status::Lost, Status::New),
            (Status::Lost, Status::Proposal, Status::Lost),
            (Status::Converted, Status::Lost, Status::Converted),
        ] {
            assert_eq!(further(mine, other), holds, "{mine:?} {other:?}");
        }
    }
}
