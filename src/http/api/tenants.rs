//! Tenants: what their own people settle, and what operators of the installation do with them.

use axum::{Json as Body, extract::State, response::Response};
use domain::{
    access::{
        links::PasswordLink,
        tenants::{self, Founded, NewTenant, TenantChange},
        users::NewUser,
    },
    tenancy::settings::{self, SettingsChange, TenantView},
    types::{EmailAddress, Locale, Text, UserId, Zone},
};
use serde::{Deserialize, Serialize};

use crate::http::{
    Shared,
    extract::{Caller, Json, Operator, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Your tenant with its settings.
#[utoipa::path(get, path = "/api/v1/tenant", tag = "tenants", responses((status = 200, body = TenantView)))]
pub async fn get_own_tenant(Caller(ctx): Caller) -> Result<Body<TenantView>, Problem> {
    Ok(Body(settings::get(&ctx).await?))
}

/// Change the settings of your tenant. Its limits are for the operators of the installation to say.
#[utoipa::path(patch, path = "/api/v1/tenant", tag = "tenants", request_body = SettingsChange,
    responses((status = 200, body = TenantView)))]
pub async fn change_own_tenant(
    Caller(ctx): Caller,
    Json(change): Json<SettingsChange>,
) -> Result<Body<TenantView>, Problem> {
    Ok(Body(settings::change(&ctx, change).await?))
}

/// A tenant to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantToMake {
    /// Its name at logins: 1 to 63 small letters, digits and inner hyphens.
    #[schema(example = "acme")]
    pub slug: String,
    #[schema(value_type = String)]
    pub name: Text<200>,
    /// A name of the IANA database; UTC if not said.
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub zone: Option<Zone>,
    /// A language tag (BCP 47); `en` if not said.
    #[schema(value_type = Option<String>, example = "de-AT")]
    pub locale: Option<Locale>,
    pub admin: FirstAdmin,
}

/// Whoever can add everybody else.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstAdmin {
    #[schema(value_type = String)]
    pub name: Text<200>,
    #[schema(value_type = String)]
    pub email: EmailAddress,
    /// 12 characters or more. Without one the admin chooses it by the link of the answer.
    #[serde(default)]
    pub password: Option<String>,
}

/// A tenant that was made.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TenantMade {
    #[serde(flatten)]
    pub tenant: TenantView,
    pub admin_id: UserId,
    /// For an admin without a password; it is shown this once and kept nowhere.
    pub password_link: Option<PasswordLink>,
}

/// Make a tenant with its first admin.
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", request_body = TenantToMake,
    responses((status = 201, body = TenantMade)))]
pub async fn create_tenant(
    State(app): Shared,
    Operator(by): Operator,
    Json(new): Json<TenantToMake>,
) -> Result<Response, Problem> {
    let FirstAdmin { name, email, password } = new.admin;
    let admin = NewUser { name, email, password, role: "Admin".into() };
    let tenant = NewTenant { slug: &new.slug, name: &new.name, zone: new.zone, locale: new.locale };
    let made = tenants::create_tenant(&by, &app.gate, &tenant, &admin).await?;
    Ok(reply::once(made, |Founded { tenant, admin, link }| TenantMade {
        tenant,
        admin_id: admin,
        password_link: link,
    }))
}

/// The tenants in the order of their slugs.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", params(Paging),
    responses((status = 200, body = Page<TenantView>)))]
pub async fn list_tenants(
    Operator(by): Operator,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<TenantView>>, Problem> {
    let window = Window::<String>::of(paging.cursor.as_deref(), paging.limit)?;
    let after = window.before.as_deref().unwrap_or_default();
    let rows = tenants::list(&by, after, window.rows).await?;
    Ok(Body(window.page(rows, |tenant| tenant.slug.clone())))
}

/// One tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{slug}", tag = "tenants", params(("slug" = String, Path)),
    responses((status = 200, body = TenantView)))]
pub async fn get_tenant(
    Operator(by): Operator,
    Path(slug): Path<String>,
) -> Result<Body<TenantView>, Problem> {
    Ok(Body(tenants::get(&by, &slug).await?))
}

/// Rename a tenant, bound it, keep everybody of it out or let them in again. It reads so in its audit log.
#[utoipa::path(patch, path = "/api/v1/tenants/{slug}", tag = "tenants", params(("slug" = String, Path)),
    request_body = TenantChange, responses((status = 200, body = TenantView)))]
pub async fn change_tenant(
    Operator(by): Operator,
    Path(slug): Path<String>,
    Json(change): Json<TenantChange>,
) -> Result<Body<TenantView>, Problem> {
    Ok(Body(tenants::change(&by, &slug, change).await?))
}
