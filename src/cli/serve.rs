//! `up` and `serve`: a process that runs until it is told to stop.

use std::sync::Arc;

use domain::{ctx::Platform, outbound::OutboundPolicy};
use engine::{Engine, Settings, schema::Fit, upkeep::Retention};
use sqlx::{migrate::MigrateError, postgres::PgConnectOptions};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, exit::Exit, external};
use crate::{
    config::Config,
    http::limits::Rates,
    live::settings::Settings as Sockets,
    platform,
    postgres::{locate, supervisor::Embedded},
    process::{Plan, Process, Roles},
    storage,
};

/// Everything in one process.
pub(super) async fn up(config: Config) -> Result<(), Failure> {
    let (connect, mut embedded) = database(&config).await?;
    migrate(&connect).await?;
    let served = run(&config, &connect, Roles::ALL, embedded.as_mut()).await;
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    served
}

/// Brings the schema up to date, or says why it cannot be.
pub(crate) async fn migrate(connect: &PgConnectOptions) -> Result<(), Failure> {
    Engine::migrate(connect).await.map_err(unmigrated)
}

/// The same without what processes still use that are to be exchanged.
pub(super) async fn expand(connect: &PgConnectOptions) -> Result<(), Failure> {
    Engine::expand(connect).await.map_err(unmigrated)
}

fn unmigrated(error: MigrateError) -> Failure {
    use MigrateError::{Execute, VersionMismatch, VersionMissing};
    match error {
        VersionMismatch(_) | VersionMissing(_) => Exit::Refused.because(
            "this database was made by a build whose schema this one cannot bring up to date; start with an \
                 empty one, or use the build that made it",
        ),
        Execute(error) => error.into(),
        other => other.into(),
    }
}

/// Some roles.
pub(super) async fn serve(config: Config, roles: Roles) -> Result<(), Failure> {
    let connect = external(&config)?;
    run(&config, &connect, roles, None).await
}

/// The Postgres of the settings, or a private one.
pub(crate) async fn database(config: &Config) -> Result<(PgConnectOptions, Option<Embedded>), Failure> {
    if config.database_url.is_some() {
        return Ok((external(config)?, None));
    }
    let binaries = locate::locate(config.pg_bindir.as_deref())?;
    let embedded = Embedded::start(&binaries, &config.data_dir, true).await?;
    Ok((embedded.connect.clone(), Some(embedded)))
}

/// Engine, vault and the way out as the settings say.
pub(crate) async fn connect(config: &Config, connect: &PgConnectOptions) -> Result<Platform, Failure> {
    let engine = connect_engine(config, connect).await?;
    std::fs::create_dir_all(&config.data_dir)?;
    let platform = platform::assemble_with(engine, config.keks()?, storage::open(config)?)?;
    let policy = OutboundPolicy { loopback: config.allow_loopback, relays: config.mail_relays.clone() };
    let platform = platform::reaching(platform, policy)?;
    Ok(Platform { public_url: config.public_url.as_deref().map(Arc::from), ..platform })
}

/// The engine alone, for commands that need no key.
pub(crate) async fn connect_engine(config: &Config, connect: &PgConnectOptions) -> Result<Engine, Failure> {
    let settings = Settings {
        connect: connect.clone(),
        app_connections: config.app_connections,
        system_connections: config.system_connections,
    };
    Engine::connect(settings).await.map_err(|error| {
        let words = format!("the database refuses: {error}; is it up, and was `switchboard migrate` run?");
        Exit::Unreachable.because(words)
    })
}

/// The part of the settings that a process needs.
pub(crate) fn plan(config: &Config, roles: Roles) -> Plan {
    Plan {
        roles,
        listen: config.listen,
        ops_listen: config.ops_listen,
        max_connections: config.max_connections,
        allowed_origins: config.allowed_origins.clone(),
        proxy_hops: config.proxy_hops,
        only_https: config.only_https,
        rates: Rates {
            per_caller: config.requests_per_s,
            per_tenant: config.tenant_requests_per_s,
            per_address: config.address_requests_per_s,
        },
        max_requests: config.max_requests,
        sockets: Sockets { most: config.max_sockets, ..Sockets::default() },
        audit_heads: config.audit_heads(),
        retention: Retention { history_days: config.history_days, log_days: config.log_days },
    }
}

/// Refuses a schema that this build cannot work on.
async fn fits(connect: &PgConnectOptions) -> Result<(), Failure> {
    let words = match Engine::fit(connect).await? {
        Fit::Good => return Ok(()),
        Fit::Older(version) => format!(
            "the schema is older than this build: migration {version} was not applied; run `switchboard migrate` first"
        ),
        Fit::Newer(version) => format!(
            "a newer build took away what this one uses: run one that knows migration {version}; there is no way back \
             behind it"
        ),
    };
    Err(Exit::Refused.because(words))
}

async fn run(
    config: &Config,
    options: &PgConnectOptions,
    roles: Roles,
    embedded: Option<&mut Embedded>,
) -> Result<(), Failure> {
    let platform = connect(config, options).await?;
    fits(options).await?;
    // Before it says that it is ready: whoever hears that may end it at once.
    let told = told_to_stop()?;
    let process = Process::start(platform, plan(config, roles)).await?;
    if let Some(addr) = process.addr {
        tracing::info!("listening on http://{addr}");
    }
    if let Some(addr) = process.ops_addr {
        tracing::info!("saying how it is on http://{addr}");
    }
    let lost = tokio::select! {
        () = told => None,
        ended = ended(embedded) => Some(ended.into()),
        () = process.failed.cancelled() => Some("a worker ended by itself; the log has the cause".into()),
    };
    tracing::info!("stopping");
    process.stop().await;
    lost.map_or(Ok(()), Err)
}

async fn ended(embedded: Option<&mut Embedded>) -> std::io::Error {
    match embedded {
        Some(embedded) => embedded.ended().await,
        None => std::future::pending().await,
    }
}

/// Hears SIGTERM and SIGINT from now on; what it answers resolves at the first.
pub(crate) fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
