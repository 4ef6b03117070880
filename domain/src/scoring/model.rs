//! Models: what a tenant's leads are scored by.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    fitted::FittedModel,
    points::{Facts, Graded, PointsModel},
    traits::Traits,
};
use crate::error::{Error, Result};

/// The version of the product's own model, which is in force until a tenant publishes one.
pub const OWN: i32 = 1;

/// How a model scores.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ModelDefinition {
    Points(PointsModel),
    Fitted(FittedModel),
}

/// A model at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub version: i32,
    pub definition: ModelDefinition,
}

impl Default for Model {
    fn default() -> Self {
        Self { version: OWN, definition: ModelDefinition::Points(PointsModel::default()) }
    }
}

impl ModelDefinition {
    /// As it is stored.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Points(_) => "points",
            Self::Fitted(_) => "fitted",
        }
    }

    /// # Errors
    /// If a stored definition is not one of this build.
    pub(super) fn read(kind: &str, stored: Value) -> Result<Self> {
        match kind {
            "points" => serde_json::from_value(stored).map(Self::Points).map_err(Error::internal),
            "fitted" => serde_json::from_value(stored).map(Self::Fitted).map_err(Error::internal),
            unknown => Err(Error::internal(format!("a scoring model of kind {unknown}"))),
        }
    }

    /// # Errors
    /// If it holds a number that JSON does not know.
    pub(super) fn write(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(Error::internal)
    }
}

impl Model {
    /// Whether it looks at more than [`Facts`].
    #[must_use]
    pub fn wants_traits(&self) -> bool {
        matches!(self.definition, ModelDefinition::Fitted(_))
    }

    /// Scores a lead as of `now`.
    #[must_use]
    pub fn grade(&self, facts: &Facts, traits: &Traits, now: DateTime<Utc>) -> Graded {
        match &self.definition {
            ModelDefinition::Points(points) => points.grade(facts, now),
            ModelDefinition::Fitted(fitted) => {
                let parts = fitted.grade(traits);
                let engagement_score = PointsModel::default().engagement.score(facts, now);
                Graded { parts, fit: parts.total(), engagement_score }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_read_as_it_was_written() {
        let own = Model::default().definition;
        let read = ModelDefinition::read(own.kind(), own.write().expect("JSON")).expect("a definition");
        assert_eq!(read, own);
        let fitted = FittedModel { intercept: 0.1, slope: 1.5, offset: -2.0, features: Vec::new() };
        let fitted = ModelDefinition::Fitted(fitted);
        let read = ModelDefinition::read("fitted", fitted.write().expect("JSON")).expect("a definition");
        assert_eq!(read, fitted);
        assert!(ModelDefinition::read("magic", Value::Null).is_err());
    }
}
