//! A figure with its name.

use askama::{Template, filters::HtmlSafe};

/// A figure that says how things are.
#[derive(Debug, Clone, Default)]
pub struct Tile {
    pub label: String,
    /// With its unit.
    pub value: String,
    /// The list behind it.
    pub href: String,
    /// What to compare it with: `12 more than an hour ago`.
    pub note: String,
    /// A state whose shape stands beside it, where it is good or bad; empty if it is neither.
    pub state: &'static str,
}

/// The fragment that [`tile`] makes.
#[derive(Template)]
#[template(path = "ui/tile.html")]
pub struct TileBox<'a> {
    tile: &'a Tile,
}

impl HtmlSafe for TileBox<'_> {}

/// The tile.
#[must_use]
pub fn tile(tile: &Tile) -> TileBox<'_> {
    TileBox { tile }
}
