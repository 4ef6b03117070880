//! What looks as if it belonged in the manifest, and does not.

/// A column sealed under the key of the tenant: a secret, about nobody.
#[derive(Debug, Clone, Copy)]
pub struct Secret {
    /// The table, in the database and in its [`Place`](crate::vault::Place).
    pub table: &'static str,
    pub column: &'static str,
    /// Its key, after the tenant; also the uuid that names the row in a place.
    pub row: &'static str,
}

const fn secret(table: &'static str, column: &'static str) -> Secret {
    Secret { table, column, row: "id" }
}

/// All of them.
pub const SECRETS: &[Secret] = &[
    secret("providers", "credentials_sealed"),
    secret("call_sources", "secret_sealed"),
    secret("call_sources", "former_secret_sealed"),
    secret("webhook_endpoints", "url_sealed"),
    secret("webhook_endpoints", "secret_sealed"),
    secret("webhook_endpoints", "former_secret_sealed"),
    secret("processing_records", "record_sealed"),
    secret("analytics_exports", "key_sealed"),
];

/// Tables and names of places whose sealed values lie in files and in no column.
pub const FILES: &[(&str, &str)] = &[("privacy_exports", "file"), ("analytics_exports", "file")];

/// A column that is bytes, is named like something sealed or hashed, or holds the id of somebody, in a table that is about
/// nobody.
#[derive(Debug, Clone, Copy)]
pub struct Other {
    pub table: &'static str,
    pub column: &'static str,
    pub why: &'static str,
}

const fn other(table: &'static str, column: &'static str, why: &'static str) -> Other {
    Other { table, column, why }
}

/// All of them, each with its reason.
pub const OTHERS: &[Other] = &[
    other("tenant_keys", "wrapped", WRAPPED),
    other("subject_keys", "wrapped", "a key of a person, wrapped: erasing them destroys it"),
    other("subject_keys", "subject_id", "says whose key it is; once it is destroyed the id names nobody"),
    other("installation_secrets", "wrapped", WRAPPED),
    other("providers", "callback_hash", TOKEN),
    other("call_sources", "token_hash", TOKEN),
    other("api_keys", "secret_hash", TOKEN),
    other("operators", "secret_hash", TOKEN),
    other("audit_heads", "hash", "the seal of the audit log's chain, over rows without personal data"),
    other("audit_heads", "signature", "the signature over that"),
    other("log_archives", "signature", "the signature over what lies in the archive"),
    other("restored_audit_log", "hash", "as that of the audit log, of which its rows are copies for a while"),
    other("login_buckets", "key", "a keyed hash of who tried to log in and from where, gone within the hour"),
    other("idempotency_keys", "fingerprint", "a hash of a request, to know it again for a week"),
    other(
        "personal_reads",
        "subject_id",
        "whose data was opened for whom, by ids that name nobody once the rest is gone",
    ),
    other(
        "erasure_subjects",
        "subject_id",
        "whose keys were destroyed, so that nobody gets one again; the ids name nobody",
    ),
    other(
        "erasure_addresses",
        "hash",
        "by which an erasure that goes on finds rows; it goes with the certificate",
    ),
    other("access_changes", "subject_id", "of whom rights have changed, kept for hours"),
    other(
        "operators",
        "name",
        "what the installation's owner calls a machine or a person who runs it; it is no tenant's",
    ),
    other(
        "api_keys",
        "name",
        "what a tenant calls a program that has the key; who made it stands there as a user's id",
    ),
    other(
        "engine.steps",
        "output",
        "ids and numbers; of a step that took a signal what engine.signals has, and gone with it",
    ),
    other("call_counted", "agent_id", WORK),
    other("call_days", "agent_id", WORK),
    other("agent_spells", "agent_id", WORK),
    other("agent_days", "agent_id", WORK),
    other("action_quarters", "user_id", WORK),
    other("action_days", "user_id", WORK),
    other("routing_rules", "agent_id", "a setting that names an agent by id: see agents"),
    other(
        "analytics_exports",
        "people",
        "bits that say whether somebody may be in a file, for the days that it is kept; nobody can be read from them",
    ),
];

const WORK: &str = "figures of work under the id of who did it: see agents and users; the id names nobody once they are erased";
const WRAPPED: &str = "a key, wrapped by the key-encryption key";
const TOKEN: &str = "the hash of a random secret of a machine";
