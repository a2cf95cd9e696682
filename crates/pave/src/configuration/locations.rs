//! `catalog.locations`: where the catalog begins, and where on this machine the files lie that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pave_catalog::Address;
use pave_config::{Config, Origin, Source};
use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_hosts::{LocalFiles, absolute};
use serde_json::{Value, json};

use super::at;

/// The locations of a configuration.
#[derive(Debug, Default)]
pub(super) struct Locations {
    /// In the order in which they are written.
    pub(super) addresses: Vec<Address>,
    /// Absolute paths of the files, by what is written.
    files: BTreeMap<String, String>,
}

impl Locations {
    /// Reads them; relative paths count from `working`, the directory in which Pave was started, and from where upstream
    /// would have been started.
    pub(super) fn read(config: &Config, working: &Path, diagnostics: &mut Diagnostics) -> Self {
        let mut found = Self::default();
        let locations = config.get("catalog.locations").unwrap_or_default();
        for (index, location) in locations.as_array().into_iter().flatten().enumerate() {
            let path = format!("catalog.locations[{index}]");
            match (location["type"].as_str(), location["target"].as_str()) {
                (Some("url"), Some(target)) => found.addresses.push(Address::url(target)),
                (Some("file"), Some(target)) => {
                    let path = format!("{path}.target");
                    match file(config, working, &path, target) {
                        Ok(file) => {
                            found.addresses.push(Address::file(&file));
                            found.files.insert(target.to_owned(), file);
                        }
                        Err(finding) => diagnostics.push(at(config, *finding, &path)),
                    }
                }
                (kind, _) => {
                    let kind = kind.unwrap_or("without a type");
                    let message = format!(
                        "`{path}` is left out: only locations of type `url` and `file` with a target are read, this one is `{kind}`"
                    );
                    let finding = Diagnostic::warning("PV2409", message)
                        .with_help("give the URL of a file in a repository with `type: url`, or a path with `type: file`");
                    diagnostics.push(at(config, finding, &path));
                }
            }
        }
        found
    }

    /// The value of `catalog` with every path of a file location written out, as rules are asked about it.
    pub(super) fn write_out(&self, catalog: &mut Value) {
        let locations = catalog["locations"].as_array_mut().into_iter().flatten();
        locations.for_each(|location| self.replace(location, "target"));
        for rule in catalog["rules"].as_array_mut().into_iter().flatten() {
            let places = rule["locations"].as_array_mut().into_iter().flatten();
            places.for_each(|place| self.replace(place, "exact"));
        }
    }

    fn replace(&self, location: &mut Value, key: &str) {
        if location["type"] == "file"
            && let Some(path) = location[key].as_str().and_then(|path| self.files.get(path))
        {
            location[key] = json!(path);
        }
    }
}

/// The absolute path of a file, from the first of the places where it is.
fn file(config: &Config, working: &Path, path: &str, target: &str) -> Result<String, Box<Diagnostic>> {
    let finding =
        |message: String, help: &str| Box::new(Diagnostic::warning("PV2409", message).with_help(help));
    if target.contains("://") || target.starts_with("file:") {
        let message =
            format!("`{path}` is left out: `{target}` is a URL, a location of type `file` has a path");
        return Err(finding(
            message,
            "write the path alone, absolute or relative, or use `type: url`",
        ));
    }
    let mut tried: Vec<PathBuf> = Vec::new();
    for place in places(config, working, path) {
        let candidate = absolute(&place, target);
        // A pattern is where it matches something.
        let is_there = LocalFiles::default()
            .find(&candidate)
            .is_ok_and(|found| !found.is_empty());
        match candidate.to_str() {
            Some(text) if is_there => return Ok(text.to_owned()),
            _ if tried.contains(&candidate) => {}
            _ => tried.push(candidate),
        }
    }
    let tried: Vec<String> = tried.iter().map(|path| format!("`{}`", path.display())).collect();
    let message = format!(
        "`{path}` is left out: there is no file `{target}`; tried {}",
        tried.join(", ")
    );
    Err(finding(
        message,
        "a relative path counts from the working directory, from `packages/backend` beside the configuration file, or from the configuration file itself",
    ))
}

/// Where a relative path may begin. Upstream's backend runs in `packages/backend`, whether that is there or not.
fn places(config: &Config, working: &Path, path: &str) -> Vec<PathBuf> {
    let mut places = vec![working.to_owned()];
    if let Some(Origin {
        source: Source::File(location),
        ..
    }) = config.origin(path)
    {
        let written = absolute(working, &location.file);
        if let Some(folder) = written.parent() {
            places.extend([folder.join("packages/backend"), folder.to_owned()]);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use pave_config::{Request, Surroundings};

    use super::*;

    /// A configuration file in a folder, and nothing else.
    struct Text<'t>(&'t str, &'t str);

    impl Surroundings for Text<'_> {
        fn read(&self, path: &str) -> Result<Option<String>, String> {
            Ok((path == self.0).then(|| self.1.to_owned()))
        }

        fn variable(&self, _name: &str) -> Option<String> {
            None
        }

        fn variables(&self) -> Vec<(String, String)> {
            Vec::new()
        }
    }

    /// A folder with an application's files.
    fn application() -> (tempfile::TempDir, PathBuf) {
        let kept = tempfile::tempdir().unwrap();
        let root = kept.path().canonicalize().unwrap();
        for path in [
            "app/examples/a.yaml",
            "app/examples/t/template.yaml",
            "app/b.yaml",
            "elsewhere/c.yaml",
        ] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), "").unwrap();
        }
        (kept, root)
    }

    fn read(file: &str, working: &Path, text: &str) -> (Locations, Diagnostics, Config) {
        let request = Request {
            files: vec![file.to_owned()],
            ..Request::default()
        };
        let loaded = pave_config::load(&request, &Text(file, text));
        let mut diagnostics = Vec::new();
        let locations = Locations::read(&loaded.config, working, &mut diagnostics);
        (locations, diagnostics, loaded.config)
    }

    #[test]
    fn a_relative_path_is_looked_for_where_it_may_begin() {
        let (_kept, root) = application();
        let check = |working: &str, file: &str, target: &str, expected: &str| {
            let file = file.replace("ROOT", root.to_str().unwrap());
            let text = format!("catalog:\n  locations:\n    - type: file\n      target: '{target}'\n");
            let (locations, diagnostics, _) = read(&file, &root.join(working), &text);
            assert_eq!(diagnostics, [], "{target}");
            let expected = root.join(expected).to_string_lossy().into_owned();
            assert_eq!(locations.addresses, [Address::file(expected)], "{target}");
        };
        // As `create-app` writes it, from the application's folder, from the backend's, and from anywhere.
        check(
            "app",
            "app-config.yaml",
            "../../examples/a.yaml",
            "app/examples/a.yaml",
        );
        check(
            "app/packages/backend",
            "../../app-config.yaml",
            "../../examples/a.yaml",
            "app/examples/a.yaml",
        );
        check(
            "elsewhere",
            "ROOT/app/app-config.yaml",
            "../../examples/a.yaml",
            "app/examples/a.yaml",
        );
        check("elsewhere", "ROOT/app/app-config.yaml", "./b.yaml", "app/b.yaml");
        check(
            "elsewhere",
            "ROOT/app/app-config.yaml",
            "c.yaml",
            "elsewhere/c.yaml",
        );
        check(
            "app",
            "app-config.yaml",
            "../../examples/**/template.yaml",
            "app/examples/**/template.yaml",
        );
    }

    #[test]
    fn a_file_that_is_nowhere_is_left_out_and_the_rest_goes_on() {
        let (_kept, root) = application();
        let text = "catalog:\n  locations:\n    - type: file\n      target: ../../none.yaml\n    - { type: file, target: 'file:///etc/passwd' }\n    - { type: file, target: b.yaml }\n";
        let (locations, diagnostics, _) = read("app-config.yaml", &root.join("app"), text);
        assert_eq!(locations.addresses.len(), 1);
        let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("app-config.yaml:4:15: catalog.locations[0].target"),
            "{told:?}"
        );
        assert!(
            told[0].contains(root.join("app/none.yaml").to_str().unwrap()),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("app-config.yaml:5:") && told[1].contains("is a URL"),
            "{told:?}"
        );
        assert!(diagnostics.iter().all(|it| it.code == "PV2409"));
        assert!(!pave_diagnostic::has_errors(&diagnostics));
    }

    #[test]
    fn rules_are_asked_about_the_whole_path() {
        let (_kept, root) = application();
        let text = "\
catalog:
  rules:
    - allow: [Component]
    - { allow: [API], locations: [{ type: file, exact: b.yaml }] }
  locations:
    - { type: file, target: ../../examples/a.yaml, rules: [{ allow: [Template] }] }
    - { type: file, target: b.yaml }
";
        let (locations, _, config) = read("app-config.yaml", &root.join("app"), text);
        let mut catalog = config.get("catalog").unwrap();
        locations.write_out(&mut catalog);
        let rules = pave_catalog::Rules::from_config(&catalog).unwrap();
        let check = |kind: &str, file: &str, expected: bool| {
            let target = root.join(file);
            let entity = json!({ "kind": kind });
            assert_eq!(
                rules.allow(&entity, "file", target.to_str().unwrap()),
                expected,
                "{kind} {file}"
            );
        };
        check("Template", "app/examples/a.yaml", true);
        check("Template", "app/b.yaml", false);
        check("API", "app/b.yaml", true);
        check("API", "app/examples/a.yaml", false);
        check("Component", "app/b.yaml", true);
    }
}
