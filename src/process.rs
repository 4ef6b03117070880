//! A running process: the parts that its roles ask for, started together and ended in order.

use std::{io, net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use domain::{
    access::gate::Gate,
    audit::{denials::Denials, seal::Sealer, verify::Verifier},
    ctx::Platform,
    privacy::recovery,
};
use engine::{
    node::{Card, Node},
    upkeep::Retention,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    http::{
        App,
        limits::{Limits, Rates},
        router, server,
    },
    live::{hub::Hub, settings::Settings},
    telemetry, vitals,
};

/// Whoever watches opens few.
const OPS_CONNECTIONS: usize = 64;

/// What a process does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "roles are independent of each other")]
pub struct Roles {
    /// Answers the API.
    pub api: bool,
    /// Runs jobs.
    pub worker: bool,
    /// Keeps the engine in order: rescue, numbering, partitions.
    pub scheduler: bool,
    /// Serves WebSockets.
    pub notifier: bool,
}

impl Roles {
    /// For a process that is alone.
    pub const ALL: Self = Self { api: true, worker: true, scheduler: true, notifier: true };

    fn names(self) -> Vec<&'static str> {
        [
            ("api", self.api),
            ("worker", self.worker),
            ("scheduler", self.scheduler),
            ("notifier", self.notifier),
        ]
        .into_iter()
        .filter_map(|(name, has)| has.then_some(name))
        .collect()
    }
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Self::default();
        for name in text.split(',').map(str::trim) {
            match name {
                "api" => roles.api = true,
                "worker" => roles.worker = true,
                "scheduler" => roles.scheduler = true,
                "notifier" => roles.notifier = true,
                _ => return Err(format!("`{name}` is no role; there are api, worker, scheduler, notifier")),
            }
        }
        Ok(roles)
    }
}

/// How a process is to be.
pub struct Plan {
    pub roles: Roles,
    /// Where api and notifier answer.
    pub listen: SocketAddr,
    /// Where this process, whatever it does, says how it is, and tells its metrics: then it does not tell them to everybody.
    pub ops_listen: Option<SocketAddr>,
    pub max_connections: usize,
    pub allowed_origins: Vec<String>,
    pub proxy_hops: u8,
    pub only_https: bool,
    pub rates: Rates,
    pub max_requests: usize,
    pub sockets: Settings,
    /// The file that keeps the newest heads of the audit log outside the database.
    pub audit_heads: PathBuf,
    pub retention: Retention,
}

/// A process that runs until it is told to [`stop`](Self::stop).
pub struct Process {
    pub app: Arc<App>,
    /// Where it answers; the port is the real one even if 0 was asked for.
    pub addr: Option<SocketAddr>,
    /// Where it says how it is, if that is an address of its own.
    pub ops_addr: Option<SocketAddr>,
    node: Node,
    /// Cancelled if a part has ended that should not: the process is of no more use then.
    pub failed: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// What goes on until all else has ended: whoever watches sees it drain.
    last: CancellationToken,
    last_tasks: TaskTracker,
}

impl Plan {
    /// For a process under test or in a bench: any port of loopback, and as many requests as it can take.
    #[must_use]
    pub fn unbounded(roles: Roles, audit_heads: PathBuf) -> Self {
        Self {
            roles,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ops_listen: None,
            max_connections: 256,
            allowed_origins: Vec::new(),
            proxy_hops: 0,
            audit_heads,
            only_https: false,
            rates: Rates::UNBOUNDED,
            max_requests: 256,
            sockets: Settings::default(),
            retention: Retention::default(),
        }
    }
}

impl Process {
    /// Starts the parts.
    ///
    /// # Errors
    /// If the address is taken or the database refuses.
    pub async fn start(platform: Platform, plan: Plan) -> io::Result<Self> {
        telemetry::metrics();
        let roles = plan.roles;
        let engine = platform.engine.clone();
        let stop = CancellationToken::new();
        let gate = Gate::open(&platform).await.map_err(io::Error::other)?;
        // Known before anybody can open a socket, so that nothing falls between the log's end then and the first look here.
        let log_end =
            if roles.notifier { Some(engine.log_end().await.map_err(io::Error::other)?) } else { None };
        let listener = if roles.api || roles.notifier { Some(bind(plan.listen).await?) } else { None };
        let addr = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let ops_listener = match plan.ops_listen {
            Some(listen) => Some(bind(listen).await?),
            None => None,
        };
        let ops_addr = ops_listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let kinds = if roles.worker { workers::registry::kinds() } else { Vec::new() };
        let node = Node::join(
            &engine,
            Card { name: &host(), roles: &roles.names(), build: env!("CARGO_PKG_VERSION"), kinds: &kinds },
        )?;
        node.registered().await;
        let hub = Hub::new(node.id, plan.sockets, stop.clone());
        let app = Arc::new(App {
            platform: platform.clone(),
            gate,
            hub: hub.clone(),
            allowed_origins: plan.allowed_origins,
            proxy_hops: plan.proxy_hops,
            only_https: plan.only_https,
            limits: Limits::new(plan.rates),
            denials: Denials::default(),
            verifier: Verifier::new(plan.audit_heads.clone()),
            places: Semaphore::new(plan.max_requests),
            strangers_places: Semaphore::new(plan.max_requests.div_ceil(4)),
        });

        let (tasks, failed) = (TaskTracker::new(), CancellationToken::new());
        if let Some(listener) = listener {
            let router = router::router(&app, roles, ops_addr.is_none());
            let (sweeping, until) = (Arc::clone(&app), stop.clone());
            tasks.spawn(async move { sweeping.limits.sweep(until).await });
            tasks.spawn(app.gate.clone().heed_changes(stop.clone()));
            let (counting, until) = (Arc::clone(&app), stop.clone());
            tasks.spawn(async move { counting.denials.sweep(until).await });
            let (counted, until) = (Arc::clone(&app), stop.clone());
            tasks.spawn(async move {
                server::serve(listener, router, plan.max_connections, until).await;
                // Nobody is refused or shown anything any more.
                counted.denials.write(Duration::ZERO).await;
                counted.platform.reads.write(&counted.platform).await;
            });
        }
        let (last, last_tasks) = (CancellationToken::new(), TaskTracker::new());
        if let Some(listener) = ops_listener {
            last_tasks.spawn(server::serve(
                listener,
                router::of_process(&app),
                OPS_CONNECTIONS,
                last.clone(),
            ));
        }
        // Workers open people's data too: for files that somebody asked for.
        if addr.is_some() || roles.worker {
            let (noting, until) = (platform.clone(), stop.clone());
            tasks.spawn(async move { noting.reads.sweep(&noting, until).await });
        }
        if let Some(batch) = log_end {
            tasks.spawn(hub.run(platform.clone(), batch));
        }
        // One process leads at a time; workers stand in where nobody is told to schedule.
        if roles.scheduler || roles.worker {
            recovery::guard(&platform).await.map_err(io::Error::other)?;
            domain::upkeep::install(&platform, plan.retention).await.map_err(io::Error::other)?;
            let sealer = Sealer::open(&platform, &plan.audit_heads).await.map_err(io::Error::other)?;
            tasks.spawn(sealer.run(stop.clone()));
            tasks.spawn(engine::schedules::run(engine.clone(), stop.clone()));
            tasks.spawn(engine::upkeep::run(engine, node.id, stop.clone()));
        }
        if roles.worker {
            tasks.spawn(workers::tail::run(platform.clone(), stop.clone()));
            tasks.spawn(workers::rollups::run(platform.clone(), stop.clone()));
            tasks.spawn(workers::points::run(platform.clone(), stop.clone()));
            let opened =
                workers::runtime::open(platform, &node, stop.clone()).await.map_err(io::Error::other)?;
            let (noted, failed) = (Arc::clone(&app), failed.clone());
            tasks.spawn(async move {
                opened.run(failed).await;
                noted.platform.reads.write(&noted.platform).await;
            });
        }
        tasks.spawn(vitals::of_process(app.platform.clone(), stop.clone()));
        if roles.scheduler {
            tasks.spawn(vitals::of_installation(app.platform.clone(), stop.clone()));
        }
        Ok(Self { app, addr, ops_addr, node, failed, stop, tasks, last, last_tasks })
    }

    /// Ends in order: nothing more is taken in or claimed, what runs may end, the node is struck off.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.app.hub.sessions.close();
        self.app.hub.sessions.wait().await;
        self.node.leave().await;
        self.last.cancel();
        self.last_tasks.close();
        self.last_tasks.wait().await;
        self.app.platform.engine.close().await;
    }
}

async fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot listen on {listen}: {error}; choose another with --listen"),
        )
    })
}

/// The name of this machine, for people who look at nodes.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "node".into());
    format!("{}:{}", name.trim(), std::process::id())
}
