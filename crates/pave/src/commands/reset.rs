//! `pave reset`: deletes the data directory, after saying what that is.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::output;
use crate::platform::instance::Instance;
use crate::platform::place::Place;
use crate::settings::Settings;

pub(crate) async fn run(place: &Place, yes: bool) -> Result<(), Failure> {
    let root = place.root();
    if Settings::read(root)?.is_none() {
        return Err(Failure::user(format!(
            "`{}` holds no platform; nothing is deleted",
            root.display()
        )));
    }
    if Instance::running(place)?.is_some() {
        return Err(Failure::user("the platform is running").hint("stop it with `pave down` first"));
    }
    let databases = super::down::database_directory(place);
    let apart = (!databases.starts_with(root)).then_some(databases.as_path());
    let doomed: Vec<&Path> = std::iter::once(root).chain(apart).collect();
    for path in &doomed {
        output::line(format!("{}   {}", path.display(), size(path)));
    }
    if !yes {
        output::note(
            "\nThis is what `pave reset --yes` deletes: repositories, cluster, catalog, tasks, and every database with its data.",
        );
        return Ok(());
    }
    super::down::stop_databases(place).await?;
    for path in doomed {
        fs::remove_dir_all(path)
            .or_else(ignore_absent)
            .map_err(|error| Failure::user(format!("cannot delete `{}`: {error}", path.display())))?;
    }
    output::note("deleted");
    Ok(())
}

fn ignore_absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

fn size(path: &Path) -> String {
    let bytes = total(path);
    match bytes {
        0..1_048_576 => format!("{} kB", bytes / 1024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

fn total(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !metadata.is_dir() {
        return metadata.len();
    }
    fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| total(&entry.path()))
        .sum()
}
