//! `ready`: whether the process on this machine takes work in, for a container that has no other program to ask with.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use super::Failure;
use crate::config::Config;

/// Whoever asks this asks again soon.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let told = config.ops_listen.unwrap_or(config.listen);
    // What listens everywhere listens here, too.
    let host: IpAddr = match told.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        named => named,
    };
    // Nothing of this is encrypted, so no certificate need be read.
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().timeout(PATIENCE).build()?;
    let answer = http.get(format!("http://{}/readyz", SocketAddr::new(host, told.port()))).send().await?;
    if answer.status().is_success() { Ok(()) } else { Err(answer.text().await?.into()) }
}
