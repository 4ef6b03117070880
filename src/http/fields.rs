//! `?fields=`: a part of each thing that is answered.
//!
//! What there is to ask for is what the description says of the thing, so a name that it does not know is refused also
//! where the list is empty.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{page::Page, problem::Problem, router};

/// Names that one request may have, and how deep one may reach.
const MOST: usize = 100;
const DEEPEST: usize = 8;
/// It is always there.
const ID: &str = "id";

/// What of one thing is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sparse {
    /// Only these fields, with commas between them; `a.b` is a part of `a`, and `id` is always there.
    pub fields: Option<String>,
}

/// Which fields are shown; all if none is named.
#[derive(Debug)]
pub struct Fields(Option<Tree>);

/// Names below a name; all if there is none.
#[derive(Debug, Default)]
struct Tree(BTreeMap<String, Tree>);

/// A thing, or what was asked for of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shown<T> {
    Whole(T),
    Part(Value),
}

impl Fields {
    /// Reads what is asked for of a `T`.
    ///
    /// # Errors
    /// If it has no such field.
    pub fn of<T: ToSchema>(asked: Option<&str>) -> Result<Self, Problem> {
        let Some(asked) = asked else { return Ok(Self(None)) };
        let there = SCHEMAS.get(&*T::name()).map(known).unwrap_or_default();
        let names: Vec<&str> = asked.split(',').map(str::trim).collect();
        if names.len() > MOST {
            return Err(Problem::field("?fields", format!("at most {MOST} names")));
        }
        let mut whole = Tree::default();
        for name in names {
            let parts: Vec<&str> = name.split('.').collect();
            if parts.len() > DEEPEST {
                return Err(Problem::field(
                    "?fields",
                    format!("at most {DEEPEST} names with dots between them"),
                ));
            }
            check(name, &parts, &there)?;
            whole.add(&parts);
        }
        whole.add(&[ID]);
        Ok(Self(Some(whole)))
    }

    /// What is shown of a thing.
    ///
    /// # Errors
    /// If it is nothing that JSON knows.
    pub fn show<T: Serialize>(&self, thing: T) -> Result<Shown<T>, Problem> {
        let Some(tree) = &self.0 else { return Ok(Shown::Whole(thing)) };
        let mut value = serde_json::to_value(thing).map_err(domain::Error::internal)?;
        tree.cut(&mut value);
        Ok(Shown::Part(value))
    }

    /// What is shown of the things of a page.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub fn page<T: Serialize>(&self, page: Page<T>) -> Result<Page<Shown<T>>, Problem> {
        let items = page.items.into_iter().map(|item| self.show(item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: page.next_cursor })
    }
}

impl Tree {
    /// Of `a` and `a.b` the first is more.
    fn add(&mut self, parts: &[&str]) {
        let Some((first, rest)) = parts.split_first() else { return };
        match self.0.get_mut(*first) {
            // All of it is asked for already.
            Some(below) if below.0.is_empty() => {}
            Some(below) if rest.is_empty() => below.0.clear(),
            Some(below) => below.add(rest),
            None => {
                let mut below = Self::default();
                below.add(rest);
                self.0.insert((*first).to_owned(), below);
            }
        }
    }

    fn cut(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.cut(item);
                }
            }
            Value::Object(fields) => {
                fields.retain(|name, _| self.0.contains_key(name));
                for (name, value) in fields {
                    if let Some(below) = self.0.get(name) {
                        below.cut(value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The schemas of the description, by name.
static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let components = router::description().components.map(serde_json::to_value);
    let mut components = components.and_then(Result::ok).unwrap_or_default();
    match components["schemas"].take() {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
});

/// Refuses a name that a thing of these fields does not have.
fn check(name: &str, parts: &[&str], there: &BTreeMap<&str, &Value>) -> Result<(), Problem> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    let Some(schema) = there.get(first) else {
        let names: Vec<&str> = there.keys().copied().collect();
        let detail = if names.is_empty() {
            format!("there is no `{name}`: what it would be a part of has none")
        } else {
            format!("there is no `{name}`; there are {}", names.join(", "))
        };
        return Err(Problem::field("?fields", detail));
    };
    // What a person may name as they like is not looked at.
    if rest.is_empty() || is_free(schema) {
        return Ok(());
    }
    check(name, rest, &known(schema))
}

/// The fields of what a schema describes, or of what is in it if it is a list.
fn known(schema: &Value) -> BTreeMap<&str, &Value> {
    let mut found = BTreeMap::new();
    gather(schema, &mut found, DEEPEST);
    found
}

fn gather<'a>(schema: &'a Value, found: &mut BTreeMap<&'a str, &'a Value>, deep: usize) {
    if deep == 0 {
        return;
    }
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or(name);
        if let Some(schema) = SCHEMAS.get(name) {
            gather(schema, found, deep - 1);
        }
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            gather(part, found, deep - 1);
        }
    }
    if let Some(items) = schema.get("items") {
        gather(items, found, deep - 1);
    }
    if let Some(fields) = schema["properties"].as_object() {
        found.extend(fields.iter().map(|(name, schema)| (name.as_str(), schema)));
    }
}

/// Whether it is an object, or a list of objects, of which nothing is said.
fn is_free(schema: &Value) -> bool {
    let schema = schema.get("items").unwrap_or(schema);
    let kind = &schema["type"];
    let object =
        kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"));
    object && schema.get("properties").is_none()
}

#[cfg(test)]
mod tests {
    use domain::leads::lead::LeadView;
    use serde_json::json;

    use super::*;

    fn cut(asked: &str) -> Result<Value, String> {
        let thing = json!({
            "id": 1, "name": "Ada", "score": {"total": 7, "fit": 3}, "attributes": {"job": "countess", "age": 36},
        });
        let fields = Fields::of::<LeadView>(Some(asked)).map_err(|problem| problem.detail)?;
        match fields.show(thing).map_err(|problem| problem.detail)? {
            Shown::Part(part) => Ok(part),
            Shown::Whole(_) => Err("nothing was cut".into()),
        }
    }

    #[test]
    fn what_is_asked_for_is_shown_and_always_the_id() {
        for (asked, wanted) in [
            ("name", json!({"id": 1, "name": "Ada"})),
            (" id , name ", json!({"id": 1, "name": "Ada"})),
            ("score.total", json!({"id": 1, "score": {"total": 7}})),
            ("score.total,score", json!({"id": 1, "score": {"total": 7, "fit": 3}})),
            ("score,score.total", json!({"id": 1, "score": {"total": 7, "fit": 3}})),
            ("attributes.job", json!({"id": 1, "attributes": {"job": "countess"}})),
        ] {
            assert_eq!(cut(asked), Ok(wanted), "{asked}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        for asked in ["colour", "", "name,", "score.colour", "name.first", "score.total.half"] {
            let told = cut(asked).expect_err(asked);
            assert!(told.contains("there is"), "{asked}: {told}");
        }
        assert!(cut("colour").expect_err("refused").contains("value_cents"));
        assert!(cut("score.colour").expect_err("refused").contains("engagement_score"));
        assert!(cut(&"name,".repeat(200)).is_err());
        assert!(cut(&format!("attributes{}", ".a".repeat(20))).is_err());
    }

    #[test]
    fn whoever_names_nothing_gets_all() {
        let all = Fields::of::<LeadView>(None).and_then(|fields| fields.show(json!({"x": 1})));
        assert!(matches!(all, Ok(Shown::Whole(_))));
    }
}
