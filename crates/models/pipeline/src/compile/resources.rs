use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::fields::Fields;
use super::names::Names;
use super::{CompileScope, Compiler};
use crate::tree::Tree;
use crate::{OtherResource, RepositoryResource, codes};

/// Keys below `resources`.
const KINDS: [&str; 6] = [
    "repositories",
    "pipelines",
    "containers",
    "builds",
    "packages",
    "webhooks",
];

impl Compiler<'_> {
    /// Reads `resources:`. Repositories are made use of; the rest is kept.
    pub(super) fn resources(&mut self, entry: &Pending) -> Vec<OtherResource> {
        let mut others = Vec::new();
        let Some(mut fields) = self.fields(&entry.value, &entry.scope, "`resources`") else {
            return others;
        };
        if let Some(repositories) = fields.take("repositories") {
            let mut names = Names::default();
            for (item, scope) in self.items(&repositories.value, &repositories.scope) {
                self.repository(&item, &scope, &mut names);
            }
        }
        for kind in &KINDS[1..] {
            let Some(list) = fields.take(kind) else { continue };
            let alias_key = kind.trim_end_matches('s');
            for (item, scope) in self.items(&list.value, &list.scope) {
                let value = self.expand(&item, &scope).to_value().to_json();
                let alias = value[alias_key].as_str().unwrap_or_default().to_owned();
                others.push(OtherResource {
                    kind: (*kind).to_owned(),
                    alias,
                    value,
                });
            }
        }
        self.finish(fields, &KINDS);
        others
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
            place: place.location(),
        };
        if let Some(trigger) = fields.take("trigger") {
            let _checked = self.trigger(&trigger);
        }
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
            if text.contains("$(") {
                self.report(
                    Diagnostic::error(codes::MACRO, "macros are not filled in in `resources`")
                        .with_help("use ${{ variables.name }} or a parameter"),
                    &place,
                );
            }
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

    fn repository_kind(&mut self, fields: &mut Fields) -> String {
        let allowed = ["git", "github", "githubenterprise", "bitbucket"];
        fields
            .take("type")
            .and_then(|entry| self.word(&entry, &allowed))
            .unwrap_or_else(|| "git".to_owned())
    }
}
