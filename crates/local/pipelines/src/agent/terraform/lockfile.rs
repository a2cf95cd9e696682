//! A lock file whose hashes are those of another provider package than the one that answers here.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

/// Why `terraform init` would refuse the packages of the mirror; `None` when nothing is known against it.
pub(crate) fn diagnose(directory: &Path, mirror: &Path, shown_as: &str) -> Option<String> {
    let text = fs::read_to_string(directory.join(".terraform.lock.hcl")).ok()?;
    let mut provider = None;
    let mut begun = 0;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("provider \"") {
            provider = rest.split_once('"').map(|(name, _)| name.to_owned());
        } else if line.starts_with("hashes") {
            begun = index + 1;
        } else if line.starts_with(']') && begun > 0 {
            let source = provider.clone()?;
            let written = hashes(&text, begun);
            let here = packages(mirror, &source);
            if !here.is_empty() && !here.iter().any(|hash| written.contains(hash)) {
                return Some(format!(
                    "{shown_as}.terraform.lock.hcl:{begun}: PV2251: the hashes of provider `{source}` are not those of the package that answers for it here. Add this line to `hashes`, or remove the file: \"{}\"",
                    here.last().map_or("", String::as_str)
                ));
            }
            begun = 0;
        }
    }
    None
}

fn hashes(text: &str, begun: usize) -> Vec<String> {
    let lines = text
        .lines()
        .skip(begun)
        .map(str::trim)
        .take_while(|line| !line.starts_with(']'));
    lines
        .map(|line| line.trim_matches([',', '"']).to_owned())
        .collect()
}

/// Hashes (`h1:`) of all versions of a provider in a mirror with unpacked packages.
fn packages(mirror: &Path, source: &str) -> Vec<String> {
    let below = |directory: &Path| {
        let mut all: Vec<PathBuf> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        all.sort();
        all
    };
    let versions = below(&mirror.join(source));
    let packages = versions.iter().flat_map(|version| below(version));
    packages.filter_map(|package| hash(&package)).collect()
}

/// The hash of a directory as Go's module tools make it: of its sorted files' hashes and names.
fn hash(package: &Path) -> Option<String> {
    let mut names: Vec<String> = fs::read_dir(package)
        .ok()?
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut all = Sha256::new();
    for name in names {
        use std::fmt::Write as _;
        let mut digits = String::new();
        for byte in Sha256::digest(fs::read(package.join(&name)).ok()?) {
            let _ = write!(digits, "{byte:02x}");
        }
        all.update(format!("{digits}  {name}\n"));
    }
    Some(format!(
        "h1:{}",
        base64::engine::general_purpose::STANDARD.encode(all.finalize())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_hashes_are_named_with_their_line() {
        let root = tempfile::tempdir().unwrap();
        let package = root
            .path()
            .join("mirror/registry.terraform.io/hashicorp/azurerm/4.0.0/linux_amd64");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("terraform-provider-azurerm_v4.0.0"), "x").unwrap();
        let own = hash(&package).unwrap();
        let lock = |hash: &str| {
            let text = format!(
                "provider \"registry.terraform.io/hashicorp/azurerm\" {{\n  version = \"4.0.0\"\n  hashes = [\n    \"{hash}\",\n  ]\n}}\n"
            );
            fs::write(root.path().join(".terraform.lock.hcl"), text).unwrap();
            diagnose(root.path(), &root.path().join("mirror"), "terraform/")
        };
        assert_eq!(lock(&own), None);
        let found = lock("h1:other=").unwrap();
        assert!(
            found.starts_with("terraform/.terraform.lock.hcl:3: PV2251"),
            "{found}"
        );
        assert!(found.contains(&own));
    }
}
