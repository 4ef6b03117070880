//! Whose certificates are believed: the authorities that this machine trusts, as for mail.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

/// Read once for all clients of a process. Where there are none, no call over https succeeds, but all else goes on.
static AUTHORITIES: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(found.certs);
    if authorities.is_empty() {
        tracing::warn!("no authority is known, so nothing can be called over https: install ca-certificates");
    }
    Arc::new(authorities)
});

/// How the other side is told from others.
///
/// # Errors
/// If the crypto library knows no version of TLS.
pub fn tls() -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(Arc::clone(&AUTHORITIES)).with_no_client_auth())
}
