//! Where `terraform init` finds the small provider: a filesystem mirror.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::TerraformError;

/// Environment variable that names the Pave binary, before the link next to the mirror.
pub const BINARY: &str = "PAVE_TERRAFORM_BINARY";

/// Registries whose `hashicorp/azurerm` is answered: Terraform's and `OpenTofu`'s.
pub(crate) const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// The mirror on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Directory for `filesystem_mirror`.
    pub directory: PathBuf,
    /// The platform it is for, as Terraform names it: `linux_amd64`.
    pub platform: String,
    /// Version and hash of its package, as a lock file lists it (`h1:…`), for each version offered.
    pub hashes: Vec<(String, String)>,
}

impl Mirror {
    /// The hash of a version's package.
    #[must_use]
    pub fn hash_of(&self, version: &str) -> Option<String> {
        self.hashes
            .iter()
            .find(|(known, _)| known == version)
            .map(|(_, hash)| hash.clone())
    }
}

/// Writes the mirror below `directory`, and the link `directory/current` to the Pave binary.
///
/// The file that Terraform starts is the same on every machine and for every Pave: a script that executes what
/// `PAVE_TERRAFORM_BINARY` names, or else the link. So the hashes in a lock file hold when Pave is upgraded or moved.
pub fn write_mirror(
    directory: &Path,
    pave_binary: &Path,
    versions: &[&str],
) -> Result<Mirror, TerraformError> {
    let root = directory.join("mirror");
    let platform = platform();
    let mut hashes = Vec::new();
    for version in versions {
        let name = format!("terraform-provider-azurerm_v{version}_x5");
        for host in HOSTS {
            let package = root
                .join(host)
                .join("hashicorp/azurerm")
                .join(version)
                .join(&platform);
            std::fs::create_dir_all(&package).map_err(|source| failed(&package, source))?;
            open_to_all(&package, directory)?;
            write_script(&package.join(&name))?;
        }
        hashes.push(((*version).to_owned(), package_hash(&name, SCRIPT.as_bytes())));
    }
    link(&directory.join("current"), pave_binary)?;
    Ok(Mirror {
        directory: root,
        platform,
        hashes,
    })
}

/// Seven directories up from the script is where the mirror stands; Terraform links to the package, and a link is
/// followed before `..` is.
const SCRIPT: &str = "#!/bin/sh\nexec \"${PAVE_TERRAFORM_BINARY:-${0%/*}/../../../../../../current}\" terraform-provider azurerm\n";

/// Terraform may run as another user than the one who writes the mirror, whose umask closes what it makes.
fn open_to_all(package: &Path, directory: &Path) -> Result<(), TerraformError> {
    use std::os::unix::fs::PermissionsExt as _;
    let inside = package.ancestors().take_while(|part| *part != directory);
    for part in inside {
        let everybody = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(part, everybody).map_err(|source| failed(part, source))?;
    }
    Ok(())
}

fn write_script(path: &Path) -> Result<(), TerraformError> {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::read(path).is_ok_and(|text| text == SCRIPT.as_bytes()) {
        return Ok(());
    }
    // Terraform may be starting the old one: the new one takes its place at once.
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, SCRIPT).map_err(|source| failed(&fresh, source))?;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&fresh, executable).map_err(|source| failed(&fresh, source))?;
    std::fs::rename(&fresh, path).map_err(|source| failed(path, source))
}

fn link(path: &Path, target: &Path) -> Result<(), TerraformError> {
    if std::fs::read_link(path).is_ok_and(|known| known == target) {
        return Ok(());
    }
    let fresh = path.with_extension("fresh");
    drop(std::fs::remove_file(&fresh));
    std::os::unix::fs::symlink(target, &fresh).map_err(|source| failed(&fresh, source))?;
    std::fs::rename(&fresh, path).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: std::io::Error) -> TerraformError {
    TerraformError::Write {
        path: path.to_owned(),
        source,
    }
}

fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{system}_{machine}")
}

/// The hash of a package with one file, in the manner of Go's module hashes.
fn package_hash(name: &str, content: &[u8]) -> String {
    let hex = Sha256::digest(content)
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!(
        "h1:{}",
        STANDARD.encode(Sha256::digest(format!("{hex}  {name}\n")))
    )
}
