//! What is known of two leads that are one person, joined. Pure.

use serde_json::{Map, Value};

use super::{lead::MOST_TAGS, terms::fold};

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
        for tag in other.tags {
            if self.tags.len() < MOST_TAGS && !self.tags.iter().any(|known| fold(known) == fold(&tag)) {
                self.tags.push(tag);
            }
        }
        for (name, value) in other.attributes {
            self.attributes.entry(name).or_insert(value);
        }
        (!over.is_empty()).then(|| over.join("\n"))
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
}
