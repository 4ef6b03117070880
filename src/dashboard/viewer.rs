//! Who looks at a page.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use domain::{
    Ctx,
    access::{
        dashboard::{Look, Visit, Visitor},
        operators::sight,
        permission::Permission,
        rows::Rows,
    },
    ctx::OperatorCtx,
};

use super::page::{Page, Theme};
use crate::http::problem::Problem;

/// What the pages of these show is about all rows, and refused to whoever sees those of a team or their own.
const OF_ALL: [Permission; 5] = [
    Permission::JobsRead,
    Permission::WorkflowsRead,
    Permission::CampaignsRead,
    Permission::PrivacyRead,
    Permission::AnalyticsRead,
];

/// Whoever asked for a page, put there by the guard.
#[derive(Clone)]
pub struct Viewer(Arc<Seen>);

pub(super) struct Seen {
    pub visit: Option<Visit>,
    /// What they may do and where: of a tenant's user, or of an operator who looks into one.
    pub ctx: Option<Ctx>,
    /// The value of the cookie.
    pub token: String,
    pub theme: Theme,
    pub zone: String,
    /// Path and query.
    pub here: String,
    pub notice: Option<String>,
}

impl Viewer {
    pub(super) fn new(seen: Seen) -> Self {
        Self(Arc::new(seen))
    }

    /// Whether they may do this here; a page shows no button that is refused.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        let there = |ctx: &Ctx| ctx.grants.contains(permission);
        // An operator looks and changes nothing.
        let looks = self.look().is_none() || permission.as_str().ends_with(":read");
        looks && self.0.ctx.as_ref().is_some_and(there)
    }

    /// The same of what is about all rows of the tenant, and not only about the leads of a team or their own.
    #[must_use]
    pub fn may_of_all(&self, permission: Permission) -> bool {
        self.may(permission) && self.0.ctx.as_ref().is_some_and(|ctx| ctx.rows == Rows::All)
    }

    /// Whether the navigation leads them to a page that asks for this.
    pub(super) fn may_open(&self, permission: Permission) -> bool {
        let all = match self.0.visit.as_ref().map(|visit| &visit.visitor) {
            Some(Visitor::User(ctx)) => ctx.rows == Rows::All,
            _ => true,
        };
        self.may_see(permission) && (all || !OF_ALL.contains(&permission))
    }

    /// Whether a page shows them what needs this. An operator who looks into no tenant is told to choose one.
    pub(super) fn may_see(&self, permission: Permission) -> bool {
        match self.0.visit.as_ref().map(|visit| &visit.visitor) {
            Some(Visitor::User(ctx)) => ctx.grants.contains(permission),
            Some(Visitor::Operator(_, look)) => look.is_some() && sight().contains(permission),
            None => false,
        }
    }

    /// Who it is of a tenant.
    ///
    /// # Errors
    /// If it is an operator, who has no user.
    pub fn user(&self) -> Result<&Ctx, Problem> {
        let ctx = self.0.ctx.as_ref().filter(|_| self.operator().is_none());
        ctx.ok_or_else(|| {
            let detail = "this is for users of a tenant; you are here by an operator's key";
            Problem::new(StatusCode::FORBIDDEN, "users-only", detail)
        })
    }

    /// The operator of the installation, if it is one.
    #[must_use]
    pub fn operator(&self) -> Option<&OperatorCtx> {
        match &self.0.visit.as_ref()?.visitor {
            Visitor::Operator(operator, _) => Some(operator),
            Visitor::User(_) => None,
        }
    }

    /// The tenant that an operator looks into.
    #[must_use]
    pub fn look(&self) -> Option<&Look> {
        match &self.0.visit.as_ref()?.visitor {
            Visitor::Operator(_, look) => look.as_ref(),
            Visitor::User(_) => None,
        }
    }

    /// The tenant whose pages these are; none for an operator who looks into none.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        let visit = self.0.visit.as_ref()?;
        match &visit.visitor {
            Visitor::User(_) => Some(&visit.slug),
            Visitor::Operator(_, look) => look.as_ref().map(|look| look.slug.as_str()),
        }
    }

    /// What stands around a page of this title.
    #[must_use]
    pub fn page(&self, title: &str) -> Page {
        Page::of(self, title)
    }

    /// What every form carries; empty for whoever is not logged in.
    #[must_use]
    pub fn csrf(&self) -> &str {
        self.0.visit.as_ref().map_or("", |visit| &visit.csrf)
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let viewer = parts.extensions.get::<Self>().cloned();
        viewer.ok_or_else(|| domain::Error::internal("a page without a guard").into())
    }
}
