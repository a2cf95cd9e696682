use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::fields::Fields;
use super::names::Names;
use super::{CompileScope, Compiler};
use crate::source::Place;
use crate::tree::{Tree, TreeKind};
use crate::{
    Filter, OtherResource, PipelineResource, PipelineTrigger, Plan, RepositoryResource, Trigger, codes,
};

/// Keys below `resources`.
const KINDS: [&str; 6] = [
    "repositories",
    "pipelines",
    "containers",
    "builds",
    "packages",
    "webhooks",
];

/// A kind of resource that is kept as written.
struct Kept {
    /// Key below `resources`.
    list: &'static str,
    /// Key of the alias.
    alias: &'static str,
    known: &'static [&'static str],
    /// What does not happen here; empty where something is done with it.
    missing: &'static str,
}

const KEPT: [Kept; 4] = [
    Kept {
        list: "containers",
        alias: "container",
        known: &[
            "container",
            "type",
            "image",
            "endpoint",
            "env",
            "mapDockerSocket",
            "options",
            "ports",
            "volumes",
            "mountReadOnly",
            "trigger",
            "enabled",
            "registry",
            "repository",
            "azureSubscription",
            "resourceGroup",
            "localImage",
        ],
        missing: "",
    },
    Kept {
        list: "builds",
        alias: "build",
        known: &[
            "build",
            "type",
            "connection",
            "source",
            "version",
            "branch",
            "trigger",
        ],
        missing: "builds of other systems cannot be fetched or waited for here",
    },
    Kept {
        list: "packages",
        alias: "package",
        known: &[
            "package",
            "type",
            "connection",
            "name",
            "version",
            "tag",
            "trigger",
        ],
        missing: "packages are not fetched here, and their publication starts nothing",
    },
    Kept {
        list: "webhooks",
        alias: "webhook",
        known: &["webhook", "connection", "type", "filters"],
        missing: "nothing here listens for it",
    },
];

impl Compiler<'_> {
    /// Reads `resources:`. Repositories and pipelines are made use of; the rest is kept.
    pub(super) fn resources(&mut self, entry: &Pending, plan: &mut Plan) {
        let Some(mut fields) = self.fields(&entry.value, &entry.scope, "`resources`") else {
            return;
        };
        if let Some(repositories) = fields.take("repositories") {
            let mut names = Names::default();
            for (item, scope) in self.items(&repositories.value, &repositories.scope) {
                self.repository(&item, &scope, &mut names);
            }
        }
        if let Some(pipelines) = fields.take("pipelines") {
            let mut names = Names::default();
            for (item, scope) in self.items(&pipelines.value, &pipelines.scope) {
                let read = self.pipeline_resource(&item, &scope, &mut names);
                plan.pipelines.extend(read);
            }
        }
        for kind in &KEPT {
            let Some(list) = fields.take(kind.list) else {
                continue;
            };
            for (item, scope) in self.items(&list.value, &list.scope) {
                plan.other_resources.extend(self.kept(kind, &item, &scope));
            }
        }
        self.finish(fields, &KINDS);
    }

    /// A resource that is kept as written; says what is not done with it.
    fn kept(&mut self, kind: &Kept, item: &Tree, scope: &CompileScope) -> Option<OtherResource> {
        let mut fields = self.fields(item, scope, "a resource")?;
        let place = fields.place_of(kind.alias);
        for key in kind.known {
            fields.take(key);
        }
        self.finish(fields, kind.known);
        let value = self.expand(item, scope).to_value().to_json();
        let alias = value[kind.alias].as_str().unwrap_or_default().to_owned();
        if alias.is_empty() {
            let message = format!("an entry of `{}` has no `{}`", kind.list, kind.alias);
            self.report(Diagnostic::error(codes::STRUCTURE, message), &place);
        }
        if !kind.missing.is_empty() {
            let message = format!("`{}: {alias}` is kept as written: {}", kind.alias, kind.missing);
            self.report(Diagnostic::warning(codes::NOT_ACTED_ON, message), &place);
        }
        Some(OtherResource {
            kind: kind.list.to_owned(),
            alias,
            value,
        })
    }

    fn pipeline_resource(
        &mut self,
        item: &Tree,
        scope: &CompileScope,
        names: &mut Names,
    ) -> Option<PipelineResource> {
        const KNOWN: [&str; 7] = [
            "pipeline", "project", "source", "version", "branch", "tags", "trigger",
        ];
        let mut fields = self.fields(item, scope, "a pipeline resource")?;
        let place = fields.place_of("pipeline");
        let text = |compiler: &mut Self, fields: &mut Fields, key: &str| {
            compiler.take_text(fields, key).unwrap_or_default()
        };
        let resource = PipelineResource {
            alias: text(self, &mut fields, "pipeline"),
            project: text(self, &mut fields, "project"),
            source: text(self, &mut fields, "source"),
            version: text(self, &mut fields, "version"),
            branch: text(self, &mut fields, "branch"),
            tags: self.take_texts(&mut fields, "tags"),
            trigger: fields
                .take("trigger")
                .and_then(|entry| self.pipeline_trigger(&entry)),
            place: place.location(),
        };
        self.finish(fields, &KNOWN);
        for (key, value) in [("pipeline", &resource.alias), ("source", &resource.source)] {
            if value.is_empty() {
                let message = format!("a pipeline resource has no `{key}`");
                let help = "write `pipeline:` for the alias, `source:` for the name of the pipeline";
                self.report(
                    Diagnostic::error(codes::STRUCTURE, message).with_help(help),
                    &place,
                );
            }
        }
        for value in [&resource.source, &resource.version, &resource.branch] {
            self.refuse_macro(value, &place);
        }
        self.claim(
            names,
            "pipeline resource",
            &resource.alias.replace(['-', '.'], "_"),
            &place,
        );
        Some(resource)
    }

    /// `true`, `none`, or filters.
    fn pipeline_trigger(&mut self, entry: &Pending) -> Option<PipelineTrigger> {
        const KNOWN: [&str; 4] = ["enabled", "branches", "stages", "tags"];
        let tree = self.expand(&entry.value, &entry.scope);
        match &tree.kind {
            TreeKind::Map(_) => {
                let mut fields = self.fields(&tree, &entry.scope, "the trigger of a pipeline resource")?;
                let enabled = self.take_boolean(&mut fields, "enabled").unwrap_or(true);
                let trigger = PipelineTrigger {
                    branches: self.take_filter(&mut fields, "branches"),
                    stages: self.take_texts(&mut fields, "stages"),
                    tags: self.take_texts(&mut fields, "tags"),
                };
                self.finish(fields, &KNOWN);
                enabled.then_some(trigger)
            }
            TreeKind::List(_) => Some(PipelineTrigger {
                branches: Filter {
                    include: self.texts(entry).into_iter().map(|(text, _)| text).collect(),
                    exclude: Vec::new(),
                },
                ..PipelineTrigger::default()
            }),
            TreeKind::Scalar { value, .. } => match value.to_text().as_deref() {
                None | Some("" | "none") => None,
                Some(_) => self
                    .boolean(entry)
                    .unwrap_or_default()
                    .then(PipelineTrigger::default),
            },
            TreeKind::Failed => None,
        }
    }

    fn repository(&mut self, item: &Tree, scope: &CompileScope, names: &mut Names) {
        const KNOWN: [&str; 6] = ["repository", "type", "name", "ref", "endpoint", "trigger"];
        let Some(mut fields) = self.fields(item, scope, "a repository") else {
            return;
        };
        let place = fields.place_of("repository");
        let repository = RepositoryResource {
            alias: self.take_text(&mut fields, "repository").unwrap_or_default(),
            kind: self.repository_kind(&mut fields),
            name: self.take_text(&mut fields, "name").unwrap_or_default(),
            reference: self.take_text(&mut fields, "ref").unwrap_or_default(),
            endpoint: self.take_text(&mut fields, "endpoint").unwrap_or_default(),
            trigger: fields
                .take("trigger")
                .map_or(Trigger::None, |entry| self.trigger(&entry)),
            version: String::new(),
            place: place.location(),
        };
        self.finish(fields, &KNOWN);
        if repository.name.is_empty() && repository.alias != "self" {
            self.report(
                Diagnostic::error(
                    codes::STRUCTURE,
                    format!("repository `{}` has no `name`", repository.alias),
                )
                .with_help("write `name: project/repository`"),
                &place,
            );
        }
        for text in [&repository.name, &repository.reference] {
            self.refuse_macro(text, &place);
        }
        self.claim(
            names,
            "repository",
            &repository.alias.replace(['-', '.'], "_"),
            &place,
        );
        // A template may not declare an alias again, but what it declares is the same when it is included twice.
        if self
            .repositories
            .iter()
            .all(|known| known.alias != repository.alias)
        {
            self.repositories.push(repository);
        }
    }

    fn refuse_macro(&mut self, text: &str, place: &Place) {
        if text.contains("$(") {
            self.report(
                Diagnostic::error(codes::MACRO, "macros are not filled in in `resources`")
                    .with_help("use ${{ variables.name }} or a parameter"),
                place,
            );
        }
    }

    fn repository_kind(&mut self, fields: &mut Fields) -> String {
        let allowed = ["git", "github", "githubenterprise", "bitbucket"];
        fields
            .take("type")
            .and_then(|entry| self.word(&entry, &allowed))
            .unwrap_or_else(|| "git".to_owned())
    }
}
