use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pave_auth::Identities;
use pave_devops::Feed;
use pave_keys::Keys;
use pave_kube::Kinds;
use pave_local_azure::{Azure, ServicePrincipal};
use pave_local_cluster::Cluster;
use pave_local_forge::Forge;
use pave_runtime::{Tasks, clock};
use tokio::net::TcpListener;

use super::bootstrap::{self, cloud};
use super::instance::{Instance, Lock};
use super::place::Place;
use super::world::World;
use super::{further, kubeconfig, listen, people, pipelines, settled};
use crate::configuration::{Configuration, FurtherAddress};
use crate::settings::Settings;
use crate::summary::Summary;

/// Protocols that the TLS listeners offer.
const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];
/// Names under which everything is reached.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];
/// How long a start waits for the catalog.
const CATALOG_PATIENCE: Duration = Duration::from_secs(1);
/// Time between two clearings of expired tokens.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the parts have to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running platform.
pub(crate) struct Platform {
    place: Place,
    tasks: Tasks,
    cluster: Cluster,
    azure: Azure,
    identities: Identities,
    pub(crate) summary: Summary,
    /// What links for people begin with: `app.baseUrl` where the portal is behind a proxy.
    links: String,
    /// From the start of the process until everything was ready.
    pub(crate) ready_after: Duration,
    _lock: Lock,
}

/// The four listeners, taken before anything else so that a taken port stops the start early.
struct Listeners {
    portal: TcpListener,
    cluster: TcpListener,
    forge: TcpListener,
    azure: TcpListener,
    /// The forge's further addresses.
    further: Vec<TcpListener>,
}

impl Listeners {
    async fn bind(settings: &Settings, addresses: &[FurtherAddress]) -> anyhow::Result<Self> {
        let ports = settings.ports;
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.forge));
        let mut further = Vec::new();
        let mut taken = vec![own];
        for address in addresses.iter().filter_map(|it| it.listen) {
            // Two names may share an address.
            if !taken.contains(&address) {
                further.push(listen::bind_further(address).await?);
                taken.push(address);
            }
        }
        Ok(Self {
            further,
            portal: listen::bind("portal", ports.portal).await?,
            cluster: listen::bind("cluster", ports.cluster).await?,
            forge: listen::bind("forge", ports.forge).await?,
            azure: listen::bind("azure", ports.azure).await?,
        })
    }
}

/// The local cloud of a data directory.
async fn open_azure(
    place: &Place,
    settings: &Settings,
    keys: &Keys,
    identities: &Identities,
    cluster: &Cluster,
) -> anyhow::Result<Azure> {
    let secret = people::kept_secret(&place.cloud_secret())?;
    let url = format!("https://127.0.0.1:{}", settings.ports.azure);
    let mut options = pave_local_azure::Options::new(
        place.azure(),
        keys.clone(),
        &url,
        settings.tenant,
        settings.subscription,
    );
    let object_id = uuid::Uuid::new_v5(&settings.tenant, settings.client_id.as_bytes());
    options.service_principals = vec![ServicePrincipal::new(
        settings.client_id,
        object_id,
        "pave",
        &secret,
    )];
    options.identities = Some(identities.clone());
    // A managed Kubernetes is a cluster beside the platform's own, below its address.
    options.control_planes =
        Some(cluster.control_planes(&format!("https://127.0.0.1:{}", settings.ports.cluster)));
    Ok(Azure::open(options).await?)
}

impl Platform {
    /// Starts everything below a data directory; returns when all of it answers.
    pub(crate) async fn start(
        place: Place,
        lock: Lock,
        mut settings: Settings,
        configuration: &Configuration,
        begun: Instant,
    ) -> anyhow::Result<Self> {
        let demo = configuration.demo();
        let tasks = Tasks::new();
        let listeners = Listeners::bind(&settings, &configuration.further).await?;
        let keys = Keys::open(&place.keys())?;
        let identities = Identities::open(&place.identities(), keys.clone())?;
        prune_tokens(identities.clone(), &tasks);
        let first_start = !place.kubeconfig().exists();
        let administrator = people::make_known(&identities, demo || settings.demo).await?;
        people::administrator_token(&identities, &place.token()).await?;
        people::kept_secret(&place.cloud_secret())?;
        settings.demo |= demo;
        settings.write(place.root())?;
        let summary = Summary::read(&place, &settings)?;

        let options = pave_local_cluster::Options {
            data: place.cluster(),
            keys: keys.clone(),
            identities: identities.clone(),
        };
        let cluster = Cluster::open(options).await?;
        let tls = keys.server_config(&NAMES, &PROTOCOLS)?;
        listen::serve("cluster", listeners.cluster, Some(tls), cluster.router(), &tasks);
        let azure = open_azure(&place, &settings, &keys, &identities, &cluster).await?;
        let names = [&NAMES, &pave_local_azure::STORAGE_NAMES[..]].concat();
        let tls = keys.server_config(&names, &PROTOCOLS)?;
        listen::serve("azure", listeners.azure, Some(tls), azure.router(), &tasks);

        let kinds = Kinds::new(cluster.client(&bootstrap::principal()));
        bootstrap::apply(&kinds, &bootstrap::foundation(&cloud(&summary))).await?;
        let feed = Feed::default();
        let forge = open_forge(&place, &keys, &identities, &cluster, &summary, &feed, &tasks).await?;
        forge.show_pages_at(configuration.links_base(&summary.portal_url).parse()?);
        let world = World {
            place: &place,
            keys: &keys,
            identities: &identities,
            cluster: &cluster,
            summary: &summary,
            configuration,
            feed: &feed,
            forge_url: forge.base_url(),
            tasks: &tasks,
        };
        pipelines::open(&world, &forge).await?;
        serve_forge(
            &forge,
            &keys,
            &configuration.further,
            listeners.forge,
            listeners.further,
            &tasks,
        )?;
        // Before the engines, so that what they look for first is there; a second time it finds its own commit.
        if settings.demo {
            world.seed(&forge, &administrator).await?;
        }
        let (portal, catalog) = world.engines(settings.demo).await?;
        listen::serve("portal", listeners.portal, None, portal, &tasks);
        if settings.demo {
            world.show(&forge, &mut settings, &kinds).await?;
            if first_start {
                settled::wait(&kinds, &catalog).await;
            }
        }
        // Later starts have the same in the cluster; the catalog is read again. One that cannot be read comes later.
        drop(tokio::time::timeout(CATALOG_PATIENCE, catalog.read_once()).await);
        let config = kubeconfig::of(&summary.cluster_url, keys.ca_pem(), &summary.portal_token);
        write_private(&place, &pave_yaml::to_string(&config))?;
        let ready_after = begun.elapsed();
        note_instance(&place, ready_after)?;
        Ok(Self {
            place,
            tasks,
            cluster,
            azure,
            identities,
            links: configuration.links_base(&summary.portal_url),
            summary,
            ready_after,
            _lock: lock,
        })
    }

    /// Links that sign the administrator in, once: at the portal's own address, and where people reach it.
    pub(crate) async fn sign_in_links(&self) -> anyhow::Result<(String, String)> {
        let code = self.identities.issue_sign_in(&people::administrator()).await?;
        let for_people = Summary::sign_in_link_at(&self.links, &code);
        Ok((self.summary.sign_in_link(&code), for_people))
    }

    /// Ends everything but the databases, which go on as they would in a cloud.
    pub(crate) async fn stop(self) {
        self.tasks.shutdown(PATIENCE).await;
        self.azure.shutdown().await;
        self.cluster.shutdown().await;
        Instance::clear(&self.place);
    }

    /// Databases that run now.
    pub(crate) async fn databases(&self) -> usize {
        self.azure.status().await.map_or(0, |servers| {
            servers.iter().filter(|server| server.process.is_some()).count()
        })
    }

    /// Where the data directories of PostgreSQL are.
    pub(crate) fn database_directory(&self) -> String {
        self.azure.database_directory().display().to_string()
    }
}

/// Forgets expired tokens now and once a day.
fn prune_tokens(identities: Identities, tasks: &Tasks) {
    let token = tasks.token();
    tasks.spawn("expired tokens", async move {
        let mut daily = tokio::time::interval(DAY);
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                _ = daily.tick() => {}
            }
            match identities.prune().await {
                Ok(removed) => tracing::debug!(removed, "expired tokens forgotten"),
                Err(error) => tracing::warn!(%error, "expired tokens cannot be forgotten"),
            }
        }
    });
}

async fn open_forge(
    place: &Place,
    keys: &Keys,
    identities: &Identities,
    cluster: &Cluster,
    summary: &Summary,
    feed: &Feed,
    tasks: &Tasks,
) -> anyhow::Result<Forge> {
    let options = pave_local_forge::Options {
        data: place.forge(),
        identities: identities.clone(),
        authorizer: cluster.authorizer(),
        base_url: summary.forge_url.parse()?,
        keys: keys.clone(),
        tasks: tasks.clone(),
        feed: feed.clone(),
    };
    Ok(Forge::open(options).await?)
}

/// Serves the forge at its own address and at further ones, all under one certificate.
fn serve_forge(
    forge: &Forge,
    keys: &Keys,
    further: &[FurtherAddress],
    own: TcpListener,
    others: Vec<TcpListener>,
    tasks: &Tasks,
) -> anyhow::Result<()> {
    let mut names = NAMES.to_vec();
    names.extend(further.iter().map(FurtherAddress::name));
    let tls = keys.server_config(&names, &PROTOCOLS)?;
    let router = further::router(forge.router(), forge.base_url(), further);
    for listener in std::iter::once(own).chain(others) {
        listen::serve("forge", listener, Some(Arc::clone(&tls)), router.clone(), tasks);
    }
    Ok(())
}

/// Says to later commands what runs here.
fn note_instance(place: &Place, ready_after: Duration) -> anyhow::Result<()> {
    let instance = Instance {
        process: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: clock::rfc3339(),
        ready_after: u64::try_from(ready_after.as_millis()).unwrap_or(u64::MAX),
    };
    instance.write(place)
}

/// The kubeconfig holds a token, so only its owner may read it.
fn write_private(place: &Place, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = place.kubeconfig().with_extension("new");
    drop(std::fs::remove_file(&temporary));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&temporary, place.kubeconfig())?;
    Ok(())
}
