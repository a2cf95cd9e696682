//! Locations of type `file`: files of this machine that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pave_hosts::LocalFiles;
use pave_names::EntityRef;
use pave_runtime::Tasks;
use serde_json::{Value, json};

use super::Files;
use crate::{Address, Catalog, Options, Rules, SourceReader, generated_name};

const SYSTEM: &str =
    "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: examples}\nspec: {owner: guests}\n";
const TEMPLATE: &str = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: make}\nspec:\n  type: service\n  steps:\n    - {id: fetch, action: 'fetch:template', input: {url: ./content}}\n";

/// A folder with examples, and a catalog over it.
struct Place {
    _kept: tempfile::TempDir,
    root: PathBuf,
    files: LocalFiles,
    hosts: Arc<Files>,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let place = Self {
            root: kept.path().canonicalize().unwrap(),
            _kept: kept,
            files: LocalFiles::default(),
            hosts: Arc::default(),
        };
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn path(&self, path: &str) -> String {
        self.root.join(path).to_string_lossy().into_owned()
    }

    async fn open(&self, locations: Vec<Address>, catalog: &Value) -> Catalog {
        let options = Options {
            database: self.root.join("catalog.db"),
            reader: Arc::clone(&self.hosts) as Arc<dyn SourceReader>,
            allowed: Vec::new(),
            files: self.files.clone(),
            locations,
        };
        let rules = Rules::from_config(catalog).unwrap();
        let catalog = Catalog::open_with(options, rules, &Tasks::new()).await.unwrap();
        // Reads even where an earlier end has left something.
        catalog.refresh_where(|_| true).await;
        catalog
    }
}

fn anything() -> Value {
    json!({ "rules": [{ "allow": ["System", "Location", "Template", "User", "Component"] }] })
}

fn system() -> EntityRef {
    EntityRef::new("system", "default", "examples")
}

fn errors(catalog: &Catalog, kind: &str, name: &str) -> String {
    let entity = catalog.entity(&EntityRef::new(kind, "default", name)).unwrap();
    entity["status"]["items"].to_string()
}

#[tokio::test]
async fn a_file_gives_entities_as_upstream_marks_them() {
    let place = Place::new(&[("examples/entities.yaml", SYSTEM)]);
    let path = place.path("examples/entities.yaml");
    let catalog = place.open(vec![Address::file(&path)], &anything()).await;
    let entity = catalog.entity(&system()).unwrap();
    let annotations = &entity["metadata"]["annotations"];
    assert_eq!(
        *annotations,
        json!({
            "backstage.io/managed-by-location": format!("file:{path}"),
            "backstage.io/managed-by-origin-location": format!("file:{path}"),
        })
    );
    let name = generated_name("file", &path);
    let location = catalog
        .entity(&EntityRef::new("location", "default", &name))
        .unwrap();
    assert_eq!(location["spec"], json!({ "type": "file", "target": path }));
    let registered = catalog.location_of(&system()).await.unwrap();
    assert_eq!((registered.kind.as_str(), &registered.target), ("file", &path));
    assert_eq!(registered.entity_ref, format!("location:default/{name}"));

    place.write("examples/entities.yaml", &SYSTEM.replace("guests", "team-b"));
    catalog.refresh(&system()).await.unwrap();
    assert_eq!(catalog.entity(&system()).unwrap()["spec"]["owner"], "team-b");
    std::fs::remove_file(&path).unwrap();
    catalog.refresh_where(|_| true).await;
    assert!(catalog.entity(&system()).is_some());
    let told = errors(&catalog, "location", &name);
    assert!(
        told.contains(&format!("NotFoundError: file {path} does not exist")),
        "{told}"
    );
    drop(catalog);
    let again = place.open(Vec::new(), &anything()).await;
    assert!(again.entity(&system()).is_none(), "no longer configured");
    assert_eq!(again.locations().await.unwrap(), []);
}

#[tokio::test]
async fn files_lead_to_files_beside_them() {
    let location = "kind: Location\napiVersion: backstage.io/v1alpha1\nmetadata: {name: all}\nspec:\n  targets: [./system.yaml, ../org/*.yaml, './none.yaml', /etc/passwd, 'file:///etc/passwd', https://forge/c.yaml]\n";
    let user =
        "kind: User\napiVersion: backstage.io/v1alpha1\nmetadata: {name: guest}\nspec: {memberOf: []}\n";
    let place = Place::new(&[
        ("examples/all.yaml", location),
        ("examples/system.yaml", SYSTEM),
        ("org/users.yaml", user),
        ("outside.yaml", TEMPLATE),
    ]);
    place
        .hosts
        .put("https://forge/c.yaml", "kind: Component\napiVersion: backstage.io/v1alpha1\nmetadata: {name: far, annotations: {backstage.io/source-location: 'file:/etc/x'}}\nspec: {type: service, lifecycle: x, owner: y}\n");
    std::os::unix::fs::symlink(place.root.join("outside.yaml"), place.root.join("org/out.yaml")).unwrap();
    let root = place.path("examples/all.yaml");
    let catalog = place.open(vec![Address::file(&root)], &anything()).await;
    for (kind, name, from) in [
        (
            "system",
            "examples",
            format!("file:{}", place.path("examples/system.yaml")),
        ),
        ("user", "guest", format!("file:{}", place.path("org/users.yaml"))),
        ("component", "far", "url:https://forge/c.yaml".to_owned()),
    ] {
        let entity = catalog.entity(&EntityRef::new(kind, "default", name)).unwrap();
        let annotations = &entity["metadata"]["annotations"];
        assert_eq!(annotations["backstage.io/managed-by-location"], from);
        assert_eq!(
            annotations["backstage.io/managed-by-origin-location"],
            format!("file:{root}")
        );
        assert_ne!(annotations["backstage.io/source-location"], "file:/etc/x");
    }
    assert!(
        catalog
            .entity(&EntityRef::new("template", "default", "make"))
            .is_none()
    );
    let told = errors(&catalog, "location", "all");
    for expected in [
        format!(
            "NotFoundError: file {} does not exist",
            place.path("examples/none.yaml")
        ),
        format!("reading {} is not allowed", place.path("org/out.yaml")),
        "reading /etc/passwd is not allowed".to_owned(),
        "Reading from 'file:///etc/passwd' is not allowed".to_owned(),
    ] {
        assert!(told.contains(&expected), "{expected}: {told}");
    }
}

#[tokio::test]
async fn patterns_and_rules_hold_for_files() {
    let place = Place::new(&[
        ("templates/one/template.yaml", TEMPLATE),
        (
            "templates/deep/two/template.yaml",
            &TEMPLATE.replace("make", "other"),
        ),
        ("entities.yaml", TEMPLATE),
    ]);
    let (pattern, file) = (
        place.path("templates/**/template.yaml"),
        place.path("entities.yaml"),
    );
    let check = async |catalog: Value, expected: &[&str]| {
        let locations = vec![Address::file(&file), Address::file(&pattern)];
        let catalog = place.open(locations, &catalog).await;
        let mut found = catalog
            .query(&crate::Query {
                filter: vec!["kind=template".into()],
                ..Default::default()
            })
            .unwrap()
            .items;
        found.sort_by_key(|it| it["metadata"]["name"].to_string());
        let found: Vec<&str> = found
            .iter()
            .map(|it| it["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected);
        catalog
    };
    let rule = json!([{ "allow": ["Template"] }]);
    let only = |place: Value| json!({ "rules": [{ "allow": ["Template"], "locations": [place] }] });
    let catalog = check(
        json!({ "locations": [{ "type": "file", "target": file, "rules": rule }] }),
        &["make"],
    )
    .await;
    let refused = errors(&catalog, "location", &generated_name("file", &pattern));
    let one = place.path("templates/one/template.yaml");
    assert!(
        refused.contains(&format!(
            "NotAllowedError: Entity template:default/make at file:{one}, originated at file:{pattern}, is not of an allowed kind for that location"
        )),
        "{refused}"
    );
    check(
        only(json!({ "type": "file", "exact": pattern })),
        &["make", "other"],
    )
    .await;
    check(
        only(json!({ "type": "file", "pattern": "**/entities.yaml" })),
        &["make"],
    )
    .await;
    check(only(json!({ "type": "url", "pattern": "**" })), &[]).await;
    // The templates of files may fetch what lies beside them, as soon as a catalog has them.
    check(anything(), &["make", "other"]).await;
    assert!(place.files.beside(Path::new(&one), "./content").is_ok());
}

#[tokio::test]
async fn nothing_but_the_configuration_names_files() {
    let place = Place::new(&[("entities.yaml", SYSTEM)]);
    let path = place.path("entities.yaml");
    let catalog = place.open(vec![Address::file(&path)], &anything()).await;
    let url = format!("file://{path}");
    for (kind, target, words) in [
        (
            "file",
            path.as_str(),
            "Registered locations must be of an allowed type [\"url\"]",
        ),
        ("url", path.as_str(), "is not allowed"),
        ("url", url.as_str(), "is not allowed"),
        ("url", "FILE:///etc/passwd", "is not allowed"),
    ] {
        let tried = catalog.try_out(kind, target).await.unwrap().unwrap_err();
        assert!(tried.message.contains(words), "{}", tried.message);
        assert_eq!(tried.diagnostics[0].code, "PV1617");
        assert!(
            tried.diagnostics[0]
                .help
                .as_ref()
                .unwrap()
                .contains("`type: file`")
        );
        for dry_run in [true, false] {
            let error = catalog.register(kind, target, dry_run).await.unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let error = catalog
        .analyze("file:///etc/owner/passwd", None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("is not allowed"), "{error}");

    let target = "https://forge/location.yaml";
    let pointing = |spec: &str| {
        format!("kind: Location\napiVersion: backstage.io/v1alpha1\nmetadata: {{name: sly}}\nspec: {spec}\n")
    };
    for spec in [
        format!("{{type: file, target: {path}}}"),
        "{type: file, target: ./entities.yaml}".to_owned(),
        format!("{{target: '{url}'}}"),
        format!("{{targets: ['file:{path}']}}"),
    ] {
        place.hosts.put(target, &pointing(&spec));
        let tried = catalog.try_out("url", target).await.unwrap().unwrap_err();
        assert!(
            tried.message.contains("is not allowed"),
            "{spec} {}",
            tried.message
        );
        assert_eq!(tried.diagnostics[0].code, "PV1617");
    }
}

#[tokio::test]
async fn what_is_wrong_in_a_file_has_its_path_and_line() {
    let place = Place::new(&[("bad.yaml", "kind: System\nmetadata:\n  name: 'a b'\n")]);
    let path = place.path("bad.yaml");
    let catalog = place.open(vec![Address::file(&path)], &anything()).await;
    let told = errors(&catalog, "location", &generated_name("file", &path));
    assert!(told.contains(&format!("{path}:3:3: ")), "{told}");
}
