//! The adapters to the outside world: one file or folder each, and a line here.

mod fcm;
mod http;
mod sandbox;
mod slack;
mod smtp;
mod twilio;
mod webhook;
mod whatsapp;

use std::sync::Arc;

use domain::messages::provider::Providers;

use crate::rim::outbound::Outbound;

/// The adapters of this build, which call through this door.
#[must_use]
pub fn all(outbound: &Outbound) -> Providers {
    Providers::new(vec![
        Arc::new(fcm::Fcm::new(outbound.clone())),
        Arc::new(sandbox::Sandbox),
        Arc::new(slack::Slack::new(outbound.clone())),
        Arc::new(slack::incoming::SlackWebhook::new(outbound.clone())),
        Arc::new(smtp::Smtp::new(outbound.clone())),
        Arc::new(twilio::Twilio::new(outbound.clone())),
        Arc::new(webhook::Webhook::new(outbound.clone())),
        Arc::new(whatsapp::WhatsApp::new(outbound.clone())),
    ])
}
