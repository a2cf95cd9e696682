//! `container:` and `services:` of a job, and the container resources that they name.

use pave_diagnostic::Diagnostic;
use serde_json::Value as Json;

use super::Compiler;
use super::fields::Fields;
use crate::source::Place;
use crate::tree::{Tree, TreeKind};
use crate::{Container, Job, OtherResource, Plan, codes};

impl Compiler<'_> {
    /// Reads what a job runs in and beside.
    pub(super) fn containers(&mut self, fields: &mut Fields, job: &mut Job) {
        if let Some(entry) = fields.take("container") {
            let tree = self.expand(&entry.value, &entry.scope);
            job.runs_in = self.container(&tree, &entry.key_place);
        }
        let Some(entry) = fields.take("services") else {
            return;
        };
        let tree = self.expand(&entry.value, &entry.scope);
        match &tree.kind {
            TreeKind::Map(services) => {
                for service in services {
                    let found = self.container(&service.value, &service.key_place);
                    job.services
                        .extend(found.map(|found| (service.key.clone(), found)));
                }
            }
            TreeKind::Failed => {}
            _ => self.wrong_shape(&tree, "`services`", "a mapping of containers"),
        }
    }

    fn container(&mut self, tree: &Tree, place: &Place) -> Option<Container> {
        match &tree.kind {
            TreeKind::Scalar { value, .. } => {
                let image = value.to_text().filter(|image| !image.is_empty())?;
                Some(Container {
                    image,
                    place: place.location(),
                    ..Container::default()
                })
            }
            TreeKind::Map(_) => {
                let found = from_json(&tree.to_value().to_json());
                if found.image.is_empty() {
                    self.report(
                        Diagnostic::error(codes::STRUCTURE, "the container has no `image`")
                            .with_help("write `image: name:tag`"),
                        place,
                    );
                    return None;
                }
                Some(Container {
                    place: place.location(),
                    ..found
                })
            }
            TreeKind::Failed => None,
            TreeKind::List(_) => {
                self.wrong_shape(
                    tree,
                    "a container",
                    "an image, the name of a resource, or a mapping",
                );
                None
            }
        }
    }
}

/// Puts container resources in the place of their names. A name that is no resource is an image.
pub(super) fn resolve(plan: &mut Plan) {
    let resources = &plan.other_resources;
    let jobs = plan.stages.iter_mut().flat_map(|stage| &mut stage.jobs);
    for job in jobs {
        let services = job.services.iter_mut().map(|(_, found)| found);
        for container in job.runs_in.iter_mut().chain(services) {
            let named = |one: &&OtherResource| {
                one.kind == "containers" && one.alias.eq_ignore_ascii_case(&container.image)
            };
            if let Some(resource) = resources.iter().find(named) {
                *container = Container {
                    place: container.place.clone(),
                    ..from_json(&resource.value)
                };
            }
        }
    }
}

/// The container that a name means: a resource, or an image.
pub(super) fn named(plan: &Plan, name: &str) -> Container {
    let fits = |one: &&OtherResource| one.kind == "containers" && one.alias.eq_ignore_ascii_case(name);
    match plan.other_resources.iter().find(fits) {
        Some(resource) => from_json(&resource.value),
        None => Container {
            image: name.to_owned(),
            ..Container::default()
        },
    }
}

fn from_json(value: &Json) -> Container {
    let text = |key: &str| as_text(&value[key]);
    let list = |key: &str| -> Vec<String> {
        let items = value[key].as_array().into_iter().flatten();
        items.map(as_text).collect()
    };
    let env = value["env"].as_object().into_iter().flatten();
    Container {
        image: text("image"),
        options: text("options"),
        env: env.map(|(name, value)| (name.clone(), as_text(value))).collect(),
        ports: list("ports"),
        volumes: list("volumes"),
        endpoint: text("endpoint"),
        ..Container::default()
    }
}

fn as_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
