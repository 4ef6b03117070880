//! How a file is to be read, as the query says it: parameters of their own for the fields of leads.

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use domain::leads::{
    columns::Mapping,
    csv::MOST_FIELDS,
    import::{Asked, How, OnDuplicate},
};
use serde::Deserialize;

use crate::http::{extract::Query, problem::Problem};

/// `map.<field>=<column>` says which column a field is read from.
const MAP: &str = "map.";
/// `default.<field>=<value>` says what a new lead gets where its row says nothing.
const DEFAULT: &str = "default.";

/// What stands between columns.
#[derive(Deserialize, Clone, Copy, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

/// How to read the file, and what to do with its rows.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Found out from the header if not said.
    #[param(inline)]
    pub delimiter: Option<Delimiter>,
    /// Look at every row, write nothing but the report.
    pub dry_run: Option<bool>,
    /// What becomes of a row whose number or address a lead has already, also one of the same file: `create`, which it
    /// is if not said, makes another lead, `skip` and `reject` leave the row out, `update` changes the lead. All but
    /// `create` look among the leads that you see, for which they need `leads:read` and `personal:read`; `update` needs
    /// `leads:write`.
    #[param(inline)]
    pub on_duplicate: Option<OnDuplicate>,
}

/// The query of an import.
pub struct Wanted(pub Asked);

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let (fields, known): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .partition(|parameter| parameter.starts_with(MAP) || parameter.starts_with(DEFAULT));
        if fields.len() > 2 * MOST_FIELDS {
            return Err(Problem::field("?", "at most 1,000 parameters of fields"));
        }
        parts.uri = uri(&fields)?;
        let Query(fields) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        parts.uri = uri(&known)?;
        let Query(known) = Query::<ImportQuery>::from_request_parts(parts, state).await?;
        let mut mapping = Mapping::default();
        for (name, value) in fields {
            if let Some(field) = name.strip_prefix(MAP) {
                mapping.columns.push((field.to_owned(), value));
            } else if let Some(field) = name.strip_prefix(DEFAULT) {
                mapping.defaults.push((field.to_owned(), value));
            }
        }
        let how = How {
            dry_run: known.dry_run.unwrap_or_default(),
            on_duplicate: known.on_duplicate.unwrap_or(OnDuplicate::Create),
        };
        let delimiter = known.delimiter.map(|delimiter| match delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
        });
        Ok(Self(Asked { delimiter, mapping, how }))
    }
}

fn uri(parameters: &[&str]) -> Result<Uri, Problem> {
    Uri::try_from(format!("/?{}", parameters.join("&"))).map_err(|_| Problem::field("?", "this is no query"))
}
