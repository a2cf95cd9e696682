//! The demo: the example `team-environment` as an ordinary repository in the forge.

use rust_embed::RustEmbed;

/// Organization, project and repository of the demo.
pub(crate) const ORGANIZATION: &str = "pave";
pub(crate) const PROJECT: &str = "platform";
pub(crate) const REPOSITORY: &str = "platform-configs";

/// The host that the example's files name where the forge's address has to stand.
const PLACEHOLDER: &str = "forge.example.com";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../examples/team-environment/platform-configs"]
struct Files;

/// The files of the repository, with the forge's address filled in.
pub(crate) fn files(forge_host: &str) -> Vec<(String, Vec<u8>)> {
    Files::iter()
        .filter_map(|path| {
            let file = Files::get(&path)?;
            let content = match std::str::from_utf8(&file.data) {
                Ok(text) => text.replace(PLACEHOLDER, forge_host).into_bytes(),
                Err(_) => file.data.into_owned(),
            };
            Some((path.into_owned(), content))
        })
        .collect()
}

/// Clone URL of the demo's repository.
pub(crate) fn repository_url(forge_url: &str) -> String {
    format!("{forge_url}/{ORGANIZATION}/{PROJECT}/_git/{REPOSITORY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_names_the_forge_that_runs() {
        let files = files("127.0.0.1:7444");
        assert!(files.iter().any(|(path, _)| path == "infra/composition.yaml"));
        for (path, content) in files {
            assert!(!String::from_utf8_lossy(&content).contains(PLACEHOLDER), "{path}");
        }
    }
}
