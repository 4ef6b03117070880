//! What can go wrong with any request: who asks, how it is said, how often.

use super::{ProblemKind, kinds};

pub(super) const KINDS: &[ProblemKind] = kinds! {
    // Who asks.
    "unauthenticated" 401 "What was shown proves nobody: a token, key, password, link or ticket is missing, over, used or wrong."
        => "Log in again, ask for a new link, or send a key that is in force, as `Authorization: Bearer …`.";
    "second-factor-needed" 401 "The password is right, and a second factor is asked for."
        => "Send the code of your authenticator, or a recovery code, as `code`.";
    "permission-missing" 403 "You are known, and this needs a permission that you do not have; `detail` names it."
        => "Ask an admin of your tenant for a role or a key that has it; what is for operators is done by whoever runs the installation.";
    "beyond-your-rights" 403 "You would give, take or reach more than you hold yourself."
        => "Leave out what goes beyond your own rights, or have it done by somebody who has them.";
    "users-only" 409 "This is for users of a tenant, and a key asks."
        => "Log in as a user of the tenant that it is about.";
    "operators-only-look" 403 "Operators of the installation look into a tenant and change nothing there."
        => "Have somebody of the tenant make the change.";
    "operator-headers-missing" 400 "An operator must say which tenant is looked into, and why."
        => "Send `Switchboard-Tenant` with its slug and `Switchboard-Reason`, 3 to 200 characters that the tenant can read.";
    "no-tenant-chosen" 409 "The page is about one tenant, and an operator has not chosen one."
        => "Choose a tenant at the beginning of the dashboard.";
    "https-only" 403 "The request went over the network in the open."
        => "Use https; if a token or key was in it, make a new one, for this one may have been read.";
    "origin-not-allowed" 403 "Pages of this origin may not open sockets."
        => "Have it added to `allowed_origins`.";
    "foreign-origin" 403 "The request came from a page of another site."
        => "Open the dashboard itself and do it there.";
    "foreign-form" 403 "The form is from another login."
        => "Go back, load the page anew and do it again.";
    "no-session" 409 "Only a login can be logged out."
        => "Revoke an API key by DELETE.";
    "no-sockets" 409 "Sockets are for users and API keys of a tenant."
        => "Ask as one of those.";
    "nothing-to-confirm" 409 "No secret of a second factor waits to be confirmed."
        => "Ask for a secret first: POST /api/v1/me/second-factor.";
    "second-factor-set" 409 "You have a second factor already."
        => "Remove it by a code of it before you set another.";
    "second-factor-required" 403 "Your tenant demands a second factor, and you have none yet."
        => "Set one up by POST /api/v1/me/second-factor, or on the page of your account; then go on.";
    "second-factor-missing" 409 "Who demands a second factor of all must have one."
        => "Set up your own first, then demand it.";
    "own-factor" 409 "This removes the second factor of others."
        => "Remove your own by a code of it.";
    "own-password" 409 "This sets the password of others."
        => "Change your own by PUT /api/v1/me/password.";

    // How it is said.
    "not-found" 404 "There is no such thing in your tenant, or none that you may see."
        => "Look at the id and the address; GET /api/v1/openapi.json lists all routes.";
    "method-not-allowed" 405 "The route knows other methods." => "Send one of those that the header `Allow` names.";
    "invalid" 422 "Values break a rule, and nothing was written; `errors` names each by a JSON pointer, or `detail` says it."
        => "Change what they name, and send it again.";
    "malformed-json" 400 "The body is not JSON, or not of the form that is asked for."
        => "Mend what `detail` names; the form stands in the description of the API.";
    "not-json" 415 "The body is asked for as JSON." => "Send it with `Content-Type: application/json`.";
    "not-csv" 415 "The file is asked for as CSV." => "Send it as it is with `Content-Type: text/csv`.";
    "not-a-form" 415 "The form is asked for as browsers send it." => "Send it as `application/x-www-form-urlencoded`.";
    "body-too-large" 413 "The body is larger than this route takes."
        => "Send less at a time; files have routes of their own.";
    "body-incomplete" 400 "The body broke off."
        => "Send it again, whole; of an import the complete rows before are there, so send only the rest.";
    "body-too-slow" 408 "The body did not arrive in time."
        => "Send it again, in smaller parts if the line is slow; of an import the rows before are there, so send only the rest.";
    "cursor-of-another-order" 400 "The cursor is of a list in another order."
        => "Send the `sort` that it came with, or begin anew without it.";
    "bad-idempotency-key" 400 "An Idempotency-Key is 1 to 255 visible ASCII characters." => "Use a UUID.";
    "idempotency-key-reused" 422 "The key came before with another request."
        => "Use a new Idempotency-Key for a new request, and the same one only to say the same thing again.";
    "idempotency-in-progress" 409 "A request with this key is still running." => "Ask again when it has ended.";
    "if-match-unknown" 400 "This request does not look at If-Match." => "Leave it out.";
    "version-outdated" 412 "The thing was changed in the meantime, or the ETag is of another one."
        => "Read it again, look whether your change still holds, and send the ETag of that answer in If-Match.";
    "version-changed" 409 "The thing was changed in the meantime; the `version` that was sent is not the newest."
        => "Read it again, look whether your change still holds, and send it with the new version.";
    "nothing-to-change" 409 "It is as it was asked to be already." => "Nothing is left to do.";
    "name-taken" 409 "Another has this name." => "Choose another name, or change the one that has it.";

    // How often, and what is well.
    "too-many-requests" 429 "You ask or log in more often than is good for the others, or as much of this goes on as may."
        => "Wait as long as `Retry-After` says.";
    "overloaded" 503 "More requests are under way than can be served well." => "Try again after `Retry-After`, with a growing pause.";
    "too-many-sockets" 503 "As many sockets are open as may be." => "Come again after `Retry-After`.";
    "not-a-websocket" 426 "Here a WebSocket is opened." => "Ask for the upgrade as RFC 6455 says.";
    "too-slow" 503 "It takes longer than a request may, and was given up."
        => "Ask for less: narrower filters, or a shorter time.";
    "not-ready" 503 "This process does not take work in: the database does not answer, or the process ends."
        => "Ask another process, or try again shortly.";
    "key-service-away" 503 "The service that holds the installation's key does not answer; nothing was changed."
        => "Try again after `Retry-After`.";
    "internal" 500 "Something failed on our side; its cause is in our log."
        => "Try again, and name the `request_id` to whoever runs the product if it stays.";
};
