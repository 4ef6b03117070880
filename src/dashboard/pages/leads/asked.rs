//! What the address of the list says.

use domain::{
    leads::{
        commands,
        lead::{Source, Status},
        sorted::Sort,
    },
    scoring::rank,
    types::{AgentId, ImportId, TeamId},
};
use uuid::Uuid;

use crate::{
    dashboard::{asked, link},
    http::problem::Problem,
};

/// Orders that can be chosen.
pub const SORTS: [(&str, &str); 5] = [
    ("-score", "Best first"),
    ("-created", "Newest first"),
    ("created", "Oldest first"),
    ("-updated", "Changed last"),
    ("-value", "Most valuable"),
];
/// Parameters besides attributes.
const NAMES: [&str; 8] = ["q", "status", "source", "owner", "team", "import", "tag", "sort"];
/// Attributes that one search may ask for.
const MOST_ATTRIBUTES: usize = 10;
/// Parameters that are read; there are no more that mean something.
const MOST: usize = 32;

/// The parameters, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pairs: Vec<(String, String)>,
}

fn is_known(name: &str) -> bool {
    NAMES.contains(&name) || name == "cursor" || name.starts_with("attr.")
}

/// Which leads are listed, and how they are found.
pub enum Found {
    /// By the filters that all lists of leads have.
    Sorted(commands::Filter, Sort),
    /// By team: the list of those with a score knows teams.
    Ranked(rank::Filter),
}

impl Asked {
    /// The first of each name: every link of the page carries them all.
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs.into_iter().filter(|(name, _)| is_known(name)) {
            let value = value.trim();
            if kept.len() < MOST && !value.is_empty() && kept.iter().all(|(other, _)| *other != name) {
                kept.push((name, value.to_owned()));
            }
        }
        Self { pairs: kept }
    }

    /// The value of a parameter.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where the page begins; none on the first one.
    pub fn cursor(&self) -> Option<&str> {
        self.field("cursor")
    }

    /// Whether it is about some leads and not about all.
    pub fn filters(&self) -> bool {
        self.pairs.iter().any(|(key, _)| key != "sort" && key != "cursor")
    }

    /// The address of these filters, without a cursor.
    pub fn address(&self) -> String {
        let kept = self.pairs.iter().filter(|(key, _)| key != "cursor");
        let pairs: Vec<(&str, &str)> = kept.map(|(key, value)| (&**key, &**value)).collect();
        link::to("/ops/leads", &pairs)
    }

    /// In which order.
    pub fn sort(&self) -> &str {
        self.field("sort").unwrap_or(SORTS[0].0)
    }

    /// The lead that was searched for by its id.
    pub fn lead(&self) -> Option<Uuid> {
        Uuid::try_parse(self.field("q")?).ok()
    }

    /// # Errors
    /// If a value cannot be one, or is asked for beside a team that knows nothing of it.
    pub fn found(&self) -> Result<Found, Problem> {
        let status: Option<Status> = asked::word("?status", self.field("status"))?;
        let owner = asked::id("?owner", self.field("owner"))?.map(AgentId);
        let sort: Sort = asked::word("?sort", self.field("sort"))?.unwrap_or(Sort::ScoreDown);
        if let Some(team) = asked::id("?team", self.field("team"))? {
            let more = ["q", "source", "import", "tag"].iter().any(|name| self.field(name).is_some());
            if more || sort != Sort::ScoreDown || !self.attributes().is_empty() {
                let detail = "a team's leads are listed by their score, and found by status and owner besides; take \
                              the other filters away";
                return Err(Problem::field("?team", detail));
            }
            return Ok(Found::Ranked(rank::Filter { team: Some(TeamId(team)), owner, status }));
        }
        let attributes = self.attributes();
        if attributes.len() > MOST_ATTRIBUTES {
            return Err(Problem::field("?", "at most 10 attributes"));
        }
        let source: Option<Source> = asked::word("?source", self.field("source"))?;
        let filter = commands::Filter {
            id: None,
            status,
            source,
            owner,
            import: asked::id("?import", self.field("import"))?.map(ImportId),
            email: None,
            phone: None,
            tag: asked::formed("?tag", self.field("tag"))?,
            q: asked::formed("?q", self.field("q"))?,
            attributes,
        };
        Ok(Found::Sorted(filter, sort))
    }

    fn attributes(&self) -> Vec<(String, String)> {
        let named =
            |(key, value): &(String, String)| Some((key.strip_prefix("attr.")?.to_owned(), value.clone()));
        self.pairs.iter().filter_map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::of(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    #[test]
    fn empty_fields_and_the_cursor_are_no_filters() {
        let read = asked("q=&status=new&attr.plan=gold&cursor=x&other=1");
        assert_eq!(read.address(), "/ops/leads?status=new&attr.plan=gold");
        assert!(read.filters() && !asked("sort=created&cursor=x&tag=").filters());
        let many = "status=new&tag=a&".repeat(10_000);
        assert_eq!(asked(&many).address(), "/ops/leads?status=new&tag=a");
        let Ok(Found::Sorted(filter, Sort::ScoreDown)) = read.found() else { panic!("the best first") };
        assert_eq!(filter.attributes, [("plan".to_owned(), "gold".to_owned())]);
        assert_eq!(filter.status, Some(Status::New));
    }

    #[test]
    fn a_team_is_asked_for_with_what_its_list_knows() {
        let team = "team=00000000-0000-7000-8000-000000000001";
        assert!(matches!(asked(&format!("{team}&status=new")).found(), Ok(Found::Ranked(_))));
        for more in ["tag=a", "sort=created", "attr.plan=gold", "q=ada"] {
            assert!(asked(&format!("{team}&{more}")).found().is_err(), "{more}");
        }
        assert!(asked("status=old").found().is_err() && asked("owner=me").found().is_err());
    }
}
