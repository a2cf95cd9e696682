use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use pave_names::EntityRef;
use pave_runtime::Tasks;

use super::*;

mod files;

#[derive(Default)]
struct Files(Mutex<HashMap<String, String>>);

impl Files {
    fn put(&self, url: &str, text: &str) {
        self.0.lock().unwrap().insert(url.into(), text.into());
    }
}

impl SourceReader for Files {
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        let found = self
            .0
            .lock()
            .unwrap()
            .get(url)
            .map(|text| text.clone().into_bytes());
        Box::pin(async move { found.ok_or_else(|| "not there".to_owned()) })
    }

    fn resolve(&self, base: &str, target: &str) -> Result<String, String> {
        let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok(format!("{folder}/{}", target.trim_start_matches("./")))
    }
}

const ROOT: &str = "https://forge/all.yaml";

async fn open(files: &Arc<Files>, directory: &std::path::Path) -> Catalog {
    files.put(ROOT, "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec: {targets: [./a.yaml, ./b.yaml]}\n");
    files.put(
        "https://forge/a.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: shop}\nspec: {owner: team-a}\n",
    );
    files.put("https://forge/b.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-a}\nspec: {type: team, children: []}\n");
    let options = Options {
        database: directory.join("catalog.db"),
        reader: Arc::clone(files) as Arc<dyn SourceReader>,
        allowed: ["Location", "System", "Group"].map(String::from).to_vec(),
        files: pave_hosts::LocalFiles::default(),
        locations: vec![Address::url(ROOT)],
    };
    let catalog = Catalog::open(options, &Tasks::new()).await.unwrap();
    catalog.read_once().await;
    catalog
}

#[tokio::test]
async fn entities_are_read_related_and_found() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    let catalog = open(&files, directory.path()).await;
    let group = catalog
        .entity(&EntityRef::new("group", "default", "team-a"))
        .unwrap();
    assert_eq!(group["relations"][0]["targetRef"], "system:default/shop");
    let query = Query {
        filter: vec!["kind=system,kind=group".into()],
        limit: Some(1),
        ..Query::default()
    };
    let page = catalog.query(&query).unwrap();
    assert_eq!((page.items.len(), page.total), (1, 2));
    let next = catalog
        .query(&Query::from_cursor(&page.next.unwrap()).unwrap())
        .unwrap();
    assert_eq!((next.items.len(), next.next), (1, None));
    let facets = catalog.facets(&[], &["kind".into()]).unwrap();
    assert_eq!(
        facets["kind"]
            .iter()
            .map(|it| (it.value.as_str(), it.count))
            .collect::<Vec<_>>(),
        [("Group", 1), ("Location", 2), ("System", 1)]
    );
}

#[tokio::test]
async fn a_file_that_breaks_keeps_its_last_form_and_says_so() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    let catalog = open(&files, directory.path()).await;
    files.0.lock().unwrap().remove("https://forge/a.yaml");
    catalog.refresh_where(|_| true).await;
    assert!(
        catalog
            .entity(&EntityRef::new("system", "default", "shop"))
            .is_some()
    );
    let location = catalog
        .entity(&EntityRef::new("location", "default", "all"))
        .unwrap();
    assert!(
        location["status"]["items"][0]["message"]
            .as_str()
            .unwrap()
            .contains("a.yaml")
    );
    files.put(
        "https://forge/a.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: store}\nspec: {owner: team-a}\n",
    );
    catalog.refresh_where(|_| true).await;
    assert!(
        catalog
            .entity(&EntityRef::new("system", "default", "shop"))
            .is_none()
    );
    assert!(
        catalog
            .entity(&EntityRef::new("system", "default", "store"))
            .is_some()
    );
}

#[tokio::test]
async fn kinds_that_are_not_allowed_are_refused_in_upstreams_words() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    let catalog = open(&files, directory.path()).await;
    files.put(
        "https://forge/t.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: Domain\nmetadata: {name: d}\nspec: {owner: x}\n",
    );
    let error = catalog
        .register("url", "https://forge/t.yaml", true)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("NotAllowedError: Entity domain:default/d"),
        "{error}"
    );
    assert!(matches!(
        catalog.register("url", ROOT, false).await,
        Err(CatalogError::Conflict(_))
    ));
}

#[tokio::test]
async fn a_start_shows_at_once_what_was_there_at_the_end() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    drop(open(&files, directory.path()).await);
    files.0.lock().unwrap().clear();
    let options = Options {
        database: directory.path().join("catalog.db"),
        reader: Arc::clone(&files) as Arc<dyn SourceReader>,
        allowed: Vec::new(),
        files: pave_hosts::LocalFiles::default(),
        locations: Vec::new(),
    };
    let again = Catalog::open(options, &Tasks::new()).await.unwrap();
    assert!(
        again
            .entity(&EntityRef::new("system", "default", "shop"))
            .is_some()
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_location_comes_with_its_cure() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    let catalog = open(&files, directory.path()).await;
    files.put(
        "https://forge/domain.yaml",
        "apiVersion: backstage.io/v1alpha1\nkind: Domain\nmetadata: {name: d}\nspec: {owner: x}\n",
    );
    files.put("https://forge/empty.yaml", "---\n");
    files.put(
        "https://forge/bad.yaml",
        "kind: System\nmetadata: {name: 'a b'}\n",
    );
    for (name, start, code, help) in [
        (
            "domain.yaml",
            "NotAllowedError: Entity domain:default/d at url:",
            "PV1610",
            "add `Domain` to `catalog.rules`",
        ),
        (
            "none.yaml",
            "NotFoundError: Unable to read url",
            "PV1611",
            "compare path and branch",
        ),
        (
            "empty.yaml",
            "InputError: No entities found",
            "PV1615",
            "`apiVersion`",
        ),
        ("bad.yaml", "InputError: ", "PV1603", ""),
    ] {
        let target = format!("https://forge/{name}");
        let refusal = catalog.try_out("url", &target).await.unwrap().unwrap_err();
        assert!(refusal.message.starts_with(start), "{}", refusal.message);
        assert_eq!(refusal.diagnostics[0].code, code, "{:?}", refusal.diagnostics);
        let told = refusal.diagnostics[0].help.clone().unwrap_or_default();
        assert!(told.contains(help), "{told}");
        assert!(refusal.diagnostics[0].labels[0].location.file.contains(name));
    }
}

/// The words by which cures are chosen are those of the house's own reader.
#[test]
fn cures_follow_the_readers_words() {
    use pave_hosts::HostsError;
    let url = "https://host/x".to_owned();
    for (error, code) in [
        (HostsError::NoIntegration { url: url.clone() }, "PV1613"),
        (HostsError::NotFound { url: url.clone() }, "PV1611"),
        (
            HostsError::Unauthorized {
                url: url.clone(),
                status: 203,
            },
            "PV1612",
        ),
        (
            HostsError::Malformed {
                url: url.clone(),
                reason: "x".to_owned(),
            },
            "PV1616",
        ),
    ] {
        let (_, cure) = crate::refusal::unreadable(&url, &error.to_string());
        assert_eq!(cure.code, code, "{error}");
    }
    let (_, cure) = crate::refusal::unreadable(
        &url,
        "https://host/x could not be read, the host cannot be reached",
    );
    assert_eq!(cure.code, "PV1614");
}

const COMPONENT: &str = "apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: test-lab
  description: |
    Backstage is an open-source developer portal that puts the developer experience first.
  links:
    - title: Website
      url: http://backstage.io
  annotations:
    github.com/project-slug: backstage/backstage
    backstage.io/techdocs-ref: dir:.
spec:
  type: library
  owner: CNCF
  lifecycle: production
";

#[tokio::test]
async fn the_component_of_the_second_story_registers() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    let target = "https://forge/acme/backstage/_git/demo?path=/templates/test.yaml&version=GBmain";
    files.put(target, COMPONENT);
    let options = Options {
        database: directory.path().join("catalog.db"),
        reader: Arc::clone(&files) as Arc<dyn SourceReader>,
        allowed: Vec::new(),
        files: pave_hosts::LocalFiles::default(),
        locations: Vec::new(),
    };
    let rules = Rules::from_config(&serde_json::Value::Null).unwrap();
    let catalog = Catalog::open_with(options, rules, &Tasks::new()).await.unwrap();
    let tried = catalog.try_out("url", target).await.unwrap().unwrap();
    assert!(!tried.exists);
    assert_eq!(tried.entities[1]["metadata"]["name"], "test-lab");
    let registered = catalog.register("url", target, false).await.unwrap();
    let reference = EntityRef::new("component", "default", "test-lab");
    let entity = catalog.entity(&reference).unwrap();
    assert_eq!(entity["relations"][0]["targetRef"], "group:default/cncf");
    assert_eq!(
        catalog.location_of(&reference).await.unwrap(),
        registered.location
    );
    assert!(catalog.try_out("url", target).await.unwrap().unwrap().exists);

    let answer = catalog
        .analyze("https://forge/acme/backstage/_git/demo", None)
        .await
        .unwrap();
    let proposed = &answer["generateEntities"][0]["entity"];
    assert_eq!(
        proposed["metadata"]["annotations"]["dev.azure.com/project-slug"],
        "backstage/demo"
    );
    catalog.unregister(&registered.location.id).await.unwrap();
    assert!(catalog.entity(&reference).is_none());
}

#[tokio::test]
async fn a_registered_file_is_known_by_every_spelling_of_its_url() {
    let (directory, files) = (tempfile::tempdir().unwrap(), Arc::new(Files::default()));
    let catalog = open(&files, directory.path()).await;
    let repository = "https://forge/acme/backstage/_git/demo";
    // As the double resolves `/catalog-info.yaml` against the repository.
    let looked_at = "https://forge/acme/backstage/_git//catalog-info.yaml";
    assert_eq!(
        files.resolve(repository, "/catalog-info.yaml").unwrap(),
        looked_at
    );
    let system =
        "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: lab}\nspec: {owner: team-a}\n";
    files.put(looked_at, system);
    let check = async |expected: bool| {
        let answer = catalog.analyze(repository, None).await.unwrap();
        assert_eq!(
            answer["existingEntityFiles"][0]["isRegistered"], expected,
            "{answer}"
        );
    };
    check(false).await;
    let target = format!("{looked_at}?version=GBmain");
    files.put(&target, &system.replace("lab", "other"));
    let registered = catalog.register("url", &target, false).await.unwrap();
    check(false).await;
    catalog.unregister(&registered.location.id).await.unwrap();
    files.put(&target, system);
    catalog.register("url", &target, false).await.unwrap();
    check(true).await;
}
