//! One platform per data directory: the lock that says so, and the note that says where it is.

use std::fs::{self, File, OpenOptions};
use std::io;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::platform::place::Place;

/// Held as long as the platform runs; the system lets go of it when the process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; `None` when another process holds it.
    pub(crate) fn take(place: &Place) -> anyhow::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(place.lock())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(anyhow::anyhow!(
                "cannot lock `{}`: {error}",
                place.lock().display()
            )),
        }
    }
}

/// What a running platform says of itself. Holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    /// Process id.
    pub(crate) process: u32,
    /// Version of the binary that runs.
    pub(crate) version: String,
    /// When it was ready, RFC 3339.
    pub(crate) started_at: String,
    /// Milliseconds from the start of the process until everything was ready.
    pub(crate) ready_after: u64,
}

impl Instance {
    pub(crate) fn write(&self, place: &Place) -> anyhow::Result<()> {
        let temporary = place.instance().with_extension("new");
        fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&temporary, place.instance())?;
        Ok(())
    }

    pub(crate) fn clear(place: &Place) {
        // It may be gone already; a stale one does no harm, since the lock decides.
        drop(fs::remove_file(place.instance()));
    }

    /// The platform that runs on a data directory now.
    pub(crate) fn running(place: &Place) -> anyhow::Result<Option<Self>> {
        if !place.lock().exists() || Lock::take(place)?.is_some() {
            return Ok(None);
        }
        match fs::read(place.instance()) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(Some(directory.path())).unwrap();
        let held = Lock::take(&place).unwrap();
        assert!(held.is_some());
        assert!(Lock::take(&place).unwrap().is_none());
        drop(held);
        assert!(Lock::take(&place).unwrap().is_some());
        assert!(Instance::running(&place).unwrap().is_none());
    }
}
