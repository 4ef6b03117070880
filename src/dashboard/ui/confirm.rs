//! What is typed before something is destroyed.

use askama::{Template, filters::HtmlSafe};

use super::{
    form::fresh,
    typed::{Typed, typed},
};

/// A change that cannot be taken back.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// Where it is sent.
    pub action: String,
    pub csrf: String,
    /// What has to be typed: the name of what is destroyed.
    pub name: String,
    /// What will happen, in a sentence.
    pub warning: String,
    /// On the button.
    pub verb: String,
    /// What else is sent.
    pub fields: Vec<(String, String)>,
}

/// The form that [`confirm`] makes.
#[derive(Template)]
#[template(path = "ui/confirm.html")]
pub struct ConfirmForm<'a> {
    confirm: &'a Confirm,
    typed: Typed<'a>,
    once: String,
}

impl HtmlSafe for ConfirmForm<'_> {}

/// The form; its handler calls [`Fields::confirms`](crate::dashboard::forms::Fields::confirms) with the same name.
#[must_use]
pub fn confirm(confirm: &Confirm) -> ConfirmForm<'_> {
    ConfirmForm { confirm, typed: typed(&confirm.name), once: fresh() }
}
