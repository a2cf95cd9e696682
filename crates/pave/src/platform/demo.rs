//! The demo: the examples as ordinary repositories in the forge.

use rust_embed::RustEmbed;

/// Organization of the demo's repositories.
pub(crate) const ORGANIZATION: &str = "pave";
/// Project and repository of the first example.
pub(crate) const PROJECT: &str = "platform";
pub(crate) const REPOSITORY: &str = "platform-configs";
/// Project of the second example.
pub(crate) const PIPELINE_PROJECT: &str = "backstage";

/// The host that the examples' files name where the forge's address has to stand.
const PLACEHOLDER: &str = "forge.example.com";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../examples/team-environment/platform-configs"]
struct PlatformConfigs;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../examples/azure-devops/azure-demo"]
struct AzureDemo;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../examples/azure-devops/resource-groups"]
struct ResourceGroups;

/// A repository of the second example, whose pipeline has its name.
pub(crate) struct Pipeline {
    pub(crate) name: &'static str,
    /// Whether who opened a pull request may also approve it.
    pub(crate) own_vote_counts: bool,
}

/// The post's own repository can be tried by one person alone; the other one wants a second pair of eyes.
pub(crate) const PIPELINES: [Pipeline; 2] = [
    Pipeline {
        name: "azure-demo",
        own_vote_counts: true,
    },
    Pipeline {
        name: "resource-groups",
        own_vote_counts: false,
    },
];

/// A repository of the demo, with the forge's address filled in.
pub(crate) struct Repository {
    pub(crate) project: &'static str,
    pub(crate) name: &'static str,
    /// Paths and contents.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

/// All repositories, in the order in which they are made: the catalog of the last names the others.
pub(crate) fn repositories(forge_host: &str) -> [Repository; 3] {
    let [azure_demo, resource_groups] = PIPELINES.map(|it| it.name);
    [
        Repository {
            project: PIPELINE_PROJECT,
            name: azure_demo,
            files: files::<AzureDemo>(forge_host),
        },
        Repository {
            project: PIPELINE_PROJECT,
            name: resource_groups,
            files: files::<ResourceGroups>(forge_host),
        },
        Repository {
            project: PROJECT,
            name: REPOSITORY,
            files: files::<PlatformConfigs>(forge_host),
        },
    ]
}

fn files<Example: RustEmbed>(forge_host: &str) -> Vec<(String, Vec<u8>)> {
    Example::iter()
        .filter_map(|path| {
            let file = Example::get(&path)?;
            let content = match std::str::from_utf8(&file.data) {
                Ok(text) => text.replace(PLACEHOLDER, forge_host).into_bytes(),
                Err(_) => file.data.into_owned(),
            };
            Some((path.into_owned(), content))
        })
        .collect()
}

/// Clone URL of the first example's repository.
pub(crate) fn repository_url(forge_url: &str) -> String {
    format!("{forge_url}/{ORGANIZATION}/{PROJECT}/_git/{REPOSITORY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_names_the_forge_that_runs() {
        let repositories = repositories("127.0.0.1:7444");
        for (repository, file) in repositories.iter().zip([
            "templates/azure-repo-demo.yaml",
            "templates/request-resource-group/skeleton/main.tf",
            "infra/composition.yaml",
        ]) {
            assert!(repository.files.iter().any(|(path, _)| path == file), "{file}");
            for (path, content) in &repository.files {
                assert!(!String::from_utf8_lossy(content).contains(PLACEHOLDER), "{path}");
            }
        }
    }
}
