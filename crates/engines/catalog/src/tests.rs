use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use pave_names::EntityRef;
use pave_runtime::Tasks;

use super::*;

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
        locations: vec![ROOT.into()],
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
        locations: Vec::new(),
    };
    let again = Catalog::open(options, &Tasks::new()).await.unwrap();
    assert!(
        again
            .entity(&EntityRef::new("system", "default", "shop"))
            .is_some()
    );
}
