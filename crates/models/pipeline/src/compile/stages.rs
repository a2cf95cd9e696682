use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::fields::Fields;
use super::names::Names;
use super::{CompileScope, Compiler};
use crate::source::Place;
use crate::tree::Tree;
use crate::{Plan, Pool, Stage, codes};

const KNOWN: [&str; 12] = [
    "stage",
    "displayName",
    "dependsOn",
    "condition",
    "variables",
    "jobs",
    "pool",
    "lockBehavior",
    "trigger",
    "isSkippable",
    "templateContext",
    "group",
];

impl Compiler<'_> {
    /// Reads a list of stages.
    pub(super) fn stages(&mut self, entry: &Pending, scope: &CompileScope, pool: &Pool, plan: &mut Plan) {
        let mut names = Names::default();
        let mut stages: Vec<(Stage, Place, bool)> = Vec::new();
        self.stage_list(&entry.value, scope, pool, &mut stages);
        let mut previous: Option<String> = None;
        for (index, (mut stage, place, depends)) in stages.into_iter().enumerate() {
            if stage.name.is_empty() {
                stage.name = format!("Stage{}", index + 1);
            }
            if stage.display_name.is_empty() {
                stage.display_name.clone_from(&stage.name);
            }
            self.claim(&mut names, "stage", &stage.name, &place);
            if !depends {
                stage.depends_on = previous.take().into_iter().collect();
            }
            previous = Some(stage.name.clone());
            plan.stages.push(stage);
        }
        if plan.stages.is_empty() {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "there is no stage to run"),
                &entry.key_place,
            );
        }
    }

    fn stage_list(
        &mut self,
        list: &Tree,
        scope: &CompileScope,
        pool: &Pool,
        out: &mut Vec<(Stage, Place, bool)>,
    ) {
        for (item, scope) in self.items(list, scope) {
            let Some(fields) = self.fields(&item, &scope, "a stage") else {
                continue;
            };
            if fields.has("template") {
                if let Some(opened) = self.template(fields, &["stages"], &scope)
                    && let Some(entry) = opened.root.entry("stages")
                {
                    self.stage_list(&entry.value, &opened.scope, pool, out);
                }
            } else {
                out.extend(self.stage(fields, &scope, pool));
            }
        }
    }

    /// A stage, where its name stands, and whether it says what it depends on.
    fn stage(
        &mut self,
        mut fields: Fields,
        scope: &CompileScope,
        pool: &Pool,
    ) -> Option<(Stage, Place, bool)> {
        let place = fields.place_of("stage");
        if !fields.has("stage") {
            self.report(
                Diagnostic::error(codes::STRUCTURE, "the item is no stage")
                    .with_help("begin with `- stage: name` or `- template: path`"),
                &place,
            );
            return None;
        }
        let name_entry = fields.take("stage")?;
        let name = self.text(&name_entry).unwrap_or_default();
        let mut scope = scope.clone();
        let mut stage = Stage {
            place: place.location(),
            ..Stage::default()
        };
        if let Some(entry) = fields.take("variables") {
            let (variables, inner) = self.variables(&entry);
            stage.variables = variables;
            fields.set_scope(&|scope| *scope = inner.clone());
            scope = inner;
        }
        stage.display_name = self.take_text(&mut fields, "displayName").unwrap_or_default();
        let depends = fields.take("dependsOn");
        let says = depends.is_some();
        if let Some(depends) = depends {
            stage.depends_on = self.texts(&depends).into_iter().map(|(text, _)| text).collect();
        }
        stage.condition = self
            .take_text(&mut fields, "condition")
            .filter(|text| !text.is_empty());
        stage.is_skippable = self.take_boolean(&mut fields, "isSkippable").unwrap_or(true);
        let trigger = fields.take("trigger");
        stage.manual = trigger
            .is_some_and(|entry| self.word(&entry, &["manual", "automatic"]).as_deref() == Some("manual"));
        if let Some(entry) = fields.take("lockBehavior") {
            stage.lock_behavior = self.word(&entry, &["sequential", "runLatest"]);
        }
        let own_pool = fields.take("pool").map(|entry| self.pool(&entry));
        fields.take("templateContext");
        if let Some(entry) = fields.take("jobs") {
            stage.jobs = self.jobs(&entry.value, &scope, own_pool.as_ref().unwrap_or(pool), &name);
        } else {
            self.report(
                Diagnostic::error(codes::STRUCTURE, format!("stage `{name}` has no `jobs`")),
                &place,
            );
        }
        self.finish(fields, &KNOWN);
        stage.name = name;
        Some((stage, name_entry.value.place, says))
    }
}
