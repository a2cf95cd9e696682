//! What is chosen at the first start and kept ever after: ports, names, ids.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Version of the file's format.
const VERSION: u32 = 1;

/// Where each listener is, and who this installation is. Location keys, repository URLs and issuers contain these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    version: u32,
    pub(crate) ports: Ports,
    pub(crate) tenant: Uuid,
    pub(crate) subscription: Uuid,
    pub(crate) client_id: Uuid,
    /// Whether the demo was seeded.
    #[serde(default)]
    pub(crate) demo: bool,
    /// Whether the demo's pipelines were set up; who removes one afterwards does not get it back.
    #[serde(default)]
    pub(crate) pipelines: bool,
}

/// Ports on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) portal: u16,
    pub(crate) cluster: u16,
    pub(crate) forge: u16,
    pub(crate) azure: u16,
}

/// The ports asked for at a first start; the next free ones are taken where these are not free.
const PREFERRED: Ports = Ports {
    portal: 7007,
    cluster: 7443,
    forge: 7444,
    azure: 7445,
};

impl Settings {
    pub(crate) fn path(data: &Path) -> PathBuf {
        data.join("settings.json")
    }

    /// Reads the settings of an earlier start.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(data);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(anyhow::anyhow!("cannot read `{}`: {error}", path.display())),
        };
        let settings: Self = serde_json::from_slice(&bytes)
            .map_err(|error| anyhow::anyhow!("`{}` is damaged: {error}", path.display()))?;
        anyhow::ensure!(
            settings.version <= VERSION,
            "`{}` has format {}, this Pave knows up to {VERSION}; use the newer Pave",
            path.display(),
            settings.version
        );
        Ok(Some(settings))
    }

    /// Chooses everything for a first start. `portal` 0 takes any free port for every listener.
    pub(crate) fn choose(portal: Option<u16>) -> io::Result<Self> {
        let ports = if portal == Some(0) {
            Ports {
                portal: any_free()?,
                cluster: any_free()?,
                forge: any_free()?,
                azure: any_free()?,
            }
        } else {
            let mut taken = Vec::new();
            let mut next = |wanted: u16| -> io::Result<u16> {
                let port = (wanted..wanted.saturating_add(200))
                    .find(|port| !taken.contains(port) && is_free(*port))
                    .map_or_else(any_free, Ok)?;
                taken.push(port);
                Ok(port)
            };
            Ports {
                portal: next(portal.unwrap_or(PREFERRED.portal))?,
                cluster: next(PREFERRED.cluster)?,
                forge: next(PREFERRED.forge)?,
                azure: next(PREFERRED.azure)?,
            }
        };
        Ok(Self {
            version: VERSION,
            ports,
            tenant: Uuid::new_v4(),
            subscription: Uuid::new_v4(),
            client_id: Uuid::new_v4(),
            demo: false,
            pipelines: false,
        })
    }

    pub(crate) fn write(&self, data: &Path) -> anyhow::Result<()> {
        let path = Self::path(data);
        let temporary = path.with_extension("new");
        fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        fs::File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, &path)?;
        Ok(())
    }
}

impl Ports {
    /// Each port with the name of its listener.
    pub(crate) fn named(self) -> [(&'static str, u16); 4] {
        [
            ("portal", self.portal),
            ("cluster", self.cluster),
            ("forge", self.forge),
            ("azure", self.azure),
        ]
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_free() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let chosen = Settings::choose(Some(0)).unwrap();
        chosen.write(directory.path()).unwrap();
        assert_eq!(Settings::read(directory.path()).unwrap(), Some(chosen));
    }

    #[test]
    fn a_taken_port_gives_the_next() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = holder.local_addr().unwrap().port();
        let chosen = Settings::choose(Some(taken)).unwrap();
        assert_ne!(chosen.ports.portal, taken);
    }
}
