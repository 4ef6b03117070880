//! Mails that come back, as the tenant's mail server posts them to the account's callback address: whole, as they came
//! (RFC 3464). The address is a secret; a signature is looked at where the account has a secret for it.

use domain::{
    calls::webhook::{self, Headers},
    messages::{
        callback::{Callback, CallbackMethod, CallbackRequest, Rejected, Told},
        dsn::{self, Fate, Report},
        provider::Scope,
        rules::{FailureKind, Status},
    },
};

use super::{
    conversation::{is_no_address, is_of_sender},
    settings::Settings,
};

pub(super) fn read(settings: &Settings, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
    if request.method != CallbackMethod::Post {
        return Err(Rejected::NoCallbacks);
    }
    if let Some(secret) = &settings.bounce_secret {
        let header = |name| (request.header)(name).unwrap_or_default();
        let headers = Headers {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        webhook::verify(&[secret], headers, request.body, request.now).map_err(|_| Rejected::Signature)?;
    }
    let reports = dsn::read(request.body).map_err(Rejected::Form)?;
    Ok(Callback { told: reports.iter().filter_map(told).collect(), ..Callback::default() })
}

/// A delay is no failure. An address that does not exist is not written to again; a full mailbox, or a policy against the
/// sender, says nothing against it.
fn told(report: &Report) -> Option<Told> {
    let message = report.message?;
    let (status, failure) = match report.fate {
        Fate::Delayed | Fate::Relayed => return None,
        Fate::Delivered => (Status::Delivered, None),
        Fate::Failed if report.status.starts_with('4') || report.status == "5.2.2" => {
            (Status::Bounced, Some(FailureKind::Transient))
        }
        Fate::Failed if report.status.starts_with("5.7.") || is_of_sender(&report.status) => {
            (Status::Bounced, Some(FailureKind::Account))
        }
        Fate::Failed => (Status::Bounced, Some(FailureKind::Permanent)),
    };
    let suppress = report.fate == Fate::Failed && is_no_address(&report.status);
    Some(Told {
        message: Some(message),
        provider_message_id: None,
        dedupe: format!("{message} {} {}", status.as_str(), report.status),
        status,
        failure,
        code: (!report.status.is_empty()).then(|| report.status.clone()),
        suppress: suppress.then_some(Scope::All),
        happened_at: None,
    })
}

#[cfg(test)]
mod tests {
    use domain::types::MessageId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_an_address_that_is_none_is_held_against_it() {
        for (fate, code, wanted) in [
            (Fate::Failed, "5.1.1", Some((Status::Bounced, Some(FailureKind::Permanent), true))),
            (Fate::Failed, "5.2.2", Some((Status::Bounced, Some(FailureKind::Transient), false))),
            (Fate::Failed, "5.1.8", Some((Status::Bounced, Some(FailureKind::Account), false))),
            (Fate::Failed, "5.7.1", Some((Status::Bounced, Some(FailureKind::Account), false))),
            (Fate::Failed, "4.4.7", Some((Status::Bounced, Some(FailureKind::Transient), false))),
            (Fate::Failed, "", Some((Status::Bounced, Some(FailureKind::Permanent), false))),
            (Fate::Delivered, "2.0.0", Some((Status::Delivered, None, false))),
            (Fate::Delayed, "4.4.1", None),
            (Fate::Relayed, "2.0.0", None),
        ] {
            let report = Report { fate, status: code.into(), message: Some(MessageId(Uuid::from_u128(1))) };
            let got = told(&report).map(|told| (told.status, told.failure, told.suppress.is_some()));
            assert_eq!(got, wanted, "{fate:?} {code}");
        }
        assert_eq!(told(&Report { fate: Fate::Failed, status: "5.1.1".into(), message: None }), None);
    }
}
