//! The providers: each is a fake with a ledger, and is written to in its own way.

use domain::messages::provider::Route;
use fakes::{World, faults::Counts, fcm, ledger::Ledger, receiver, slack, smtp, twilio, whatsapp};
use serde_json::Value;

use crate::{
    Outcome,
    messages::accounts::{self, SECRET},
};

/// All of them, as accounts name them.
pub const KINDS: [&str; 6] = ["twilio", "whatsapp", "slack", "fcm", "webhook", "smtp"];

pub enum Provider {
    Twilio(twilio::Fake),
    Whatsapp(whatsapp::Fake),
    Slack(slack::Fake),
    Fcm(fcm::Fake),
    Webhook(receiver::Fake),
    Smtp(smtp::Server),
}

impl Provider {
    /// Starts one that stands in this world.
    pub async fn start(kind: &str, world: World) -> Outcome<Self> {
        Ok(match kind {
            "twilio" => {
                let config = twilio::Config { world, ..twilio::Config::default() };
                Self::Twilio(twilio::Fake::start(config).await?)
            }
            "whatsapp" => {
                let config = whatsapp::Config { world, ..whatsapp::Config::default() };
                Self::Whatsapp(whatsapp::Fake::start(config).await?)
            }
            "slack" => {
                let config = slack::Config { world, ..slack::Config::default() };
                Self::Slack(slack::Fake::start(config).await?)
            }
            "fcm" => {
                let config = fcm::Config { world, ..fcm::Config::default() };
                Self::Fcm(fcm::Fake::start(config).await?)
            }
            "webhook" => {
                let secrets = vec![SECRET.to_owned()];
                let config = receiver::Config { secrets, world, ..receiver::Config::default() };
                Self::Webhook(receiver::Fake::start(config).await?)
            }
            "smtp" => {
                let nature = smtp::Nature { world, ..smtp::Nature::default() };
                Self::Smtp(smtp::Server::start(nature).await?)
            }
            _ => return Err(format!("there is no fake of {kind}").into()),
        })
    }

    /// What can be done where an answer never came: what the product is held to.
    pub fn route(&self) -> Route {
        match self {
            Self::Twilio(_) | Self::Slack(_) => Route::Asked,
            Self::Whatsapp(_) => Route::Echoes,
            Self::Fcm(_) | Self::Smtp(_) => Route::Blind,
            Self::Webhook(_) => Route::Keyed,
        }
    }

    pub fn channel(&self) -> &'static str {
        match self {
            Self::Twilio(_) | Self::Webhook(_) => "sms",
            Self::Whatsapp(_) => "whatsapp",
            Self::Slack(_) => "slack",
            Self::Fcm(_) => "push",
            Self::Smtp(_) => "email",
        }
    }

    pub fn credentials(&self) -> Value {
        match self {
            Self::Twilio(fake) => accounts::twilio(fake),
            Self::Whatsapp(fake) => accounts::whatsapp(fake),
            Self::Slack(fake) => accounts::slack(fake),
            Self::Fcm(fake) => accounts::fcm(fake),
            Self::Webhook(fake) => accounts::webhook(fake),
            Self::Smtp(server) => accounts::smtp(server),
        }
    }

    /// Somebody else for each number.
    pub fn recipient(&self, number: usize) -> String {
        match self {
            Self::Twilio(_) | Self::Whatsapp(_) | Self::Webhook(_) => format!("+1415{}", 2_000_000 + number),
            Self::Slack(_) => format!("C{number:010}"),
            Self::Fcm(_) => format!("device-{number}"),
            Self::Smtp(_) => format!("person-{number}@example.com"),
        }
    }

    pub fn ledger(&self) -> &Ledger {
        &self.world().ledger
    }

    /// What was done to us.
    pub fn injected(&self) -> Counts {
        self.world().faults.injected()
    }

    fn world(&self) -> &World {
        use fakes::Provider as _;
        match self {
            Self::Twilio(fake) => fake.world(),
            Self::Whatsapp(fake) => fake.world(),
            Self::Slack(fake) => fake.world(),
            Self::Fcm(fake) => fake.world(),
            Self::Webhook(fake) => fake.world(),
            Self::Smtp(server) => server.world(),
        }
    }
}
