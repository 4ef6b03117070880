//! What stands around every page: navigation, who is there, how it looks.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use domain::access::permission::Permission;

use super::{assets, routes::NAVIGATION, viewer::Viewer};
use crate::http::problem::Problem;

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// As the cookie or the form has it; whatever else comes means the system's.
    #[must_use]
    pub fn of(name: Option<&str>) -> Self {
        match name {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// As the cookie, the form and the style sheet have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A part of the navigation.
pub struct Group {
    pub name: &'static str,
    pub items: Vec<Item>,
}

/// A page in the navigation.
pub struct Item {
    pub label: &'static str,
    pub path: &'static str,
    pub key: char,
    pub current: bool,
}

/// What the layout needs. Every page has it as its field `page`.
pub struct Page {
    pub title: String,
    /// Path and query of this page.
    pub here: String,
    pub groups: Vec<Group>,
    /// The tenant whose page it is, if it is one's.
    pub tenant: Option<String>,
    /// An operator of the installation, by name.
    pub operator: Option<String>,
    /// Why the operator looks.
    pub why: Option<String>,
    pub logged_in: bool,
    /// The page may ask for a ticket, and hears by the socket of what happens.
    pub hears: bool,
    pub csrf: String,
    pub theme: Theme,
    /// The zone in which times are shown where a script runs; empty for that of the browser.
    pub zone: String,
    /// What was done by the form before.
    pub notice: Option<String>,
}

impl Page {
    pub(super) fn of(viewer: &Viewer, title: &str) -> Self {
        let seen = viewer.seen();
        let path = seen.here.split('?').next().unwrap_or_default();
        let mut groups: Vec<Group> = Vec::new();
        let shown = NAVIGATION.iter().filter(|entry| {
            let operates = viewer.operator().is_some();
            viewer.seen().visit.is_some() && entry.is_for(|permission| viewer.may_open(permission), operates)
        });
        for entry in shown {
            let below =
                path.strip_prefix(entry.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let item = Item { label: entry.label, path: entry.path, key: entry.key, current: below };
            match groups.iter_mut().find(|group| group.name == entry.group) {
                Some(group) => group.items.push(item),
                None => groups.push(Group { name: entry.group, items: vec![item] }),
            }
        }
        Self {
            title: title.to_owned(),
            here: seen.here.clone(),
            groups,
            tenant: viewer.tenant().map(ToOwned::to_owned),
            operator: viewer.operator().map(|operator| operator.name.clone()),
            why: viewer.look().map(|look| look.why.clone()),
            logged_in: seen.visit.is_some(),
            hears: viewer.operator().is_none() && viewer.may(Permission::EventsRead),
            csrf: viewer.csrf().to_owned(),
            theme: seen.theme,
            zone: seen.zone.clone(),
            notice: seen.notice.clone(),
        }
    }

    /// The address of a style or script, with the hash of what is in it.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// What a page's handler answers.
pub type Answer = Result<Html<String>, Problem>;

/// Makes the text of a page.
///
/// # Errors
/// If the template fails, which is a fault of ours.
pub fn show(template: &impl Template) -> Answer {
    Ok(Html(template.render().map_err(domain::Error::internal)?))
}

/// The same with another status: a form that is shown again says what is wrong with it.
///
/// # Errors
/// As [`show`].
pub fn show_as(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    Ok((status, show(template)?).into_response())
}
