use pave_diagnostic::Diagnostic;

use super::expand::Pending;
use super::fields::Fields;
use super::{CompileScope, Compiler};
use crate::source::Place;
use crate::tree::{Tree, TreeKind};
use crate::{Cron, Filter, Schedule, Trigger, codes};

impl Compiler<'_> {
    /// Reads `trigger:` or `pr:`.
    pub(super) fn trigger(&mut self, entry: &Pending) -> Trigger {
        let tree = self.expand(&entry.value, &entry.scope);
        match &tree.kind {
            TreeKind::Scalar { value, .. } => match value.to_text().as_deref() {
                Some("none") => Trigger::None,
                None | Some("") => Trigger::Default,
                Some(branch) => with_branches(vec![branch.to_owned()]),
            },
            TreeKind::List(_) => {
                let branches = self.texts(&Pending {
                    value: tree,
                    ..entry.clone()
                });
                with_branches(self.without_macros(branches))
            }
            TreeKind::Map(_) => self.filtered(&tree, &entry.scope, &entry.key),
            TreeKind::Failed => Trigger::None,
        }
    }

    fn filtered(&mut self, tree: &Tree, scope: &CompileScope, key: &str) -> Trigger {
        let what = if key == "pr" { "`pr`" } else { "`trigger`" };
        let Some(mut fields) = self.fields(tree, scope, what) else {
            return Trigger::None;
        };
        let branches = self.take_filter(&mut fields, "branches");
        let paths = self.take_filter(&mut fields, "paths");
        let (tags, batch, drafts, known): (_, _, _, &[&str]) = if key == "pr" {
            let _auto_cancel = self.take_boolean(&mut fields, "autoCancel");
            let drafts = self.take_boolean(&mut fields, "drafts").unwrap_or(true);
            (
                Filter::default(),
                false,
                drafts,
                &["autoCancel", "branches", "paths", "drafts"],
            )
        } else {
            let tags = self.take_filter(&mut fields, "tags");
            let batch = self.take_boolean(&mut fields, "batch").unwrap_or_default();
            (tags, batch, true, &["batch", "branches", "paths", "tags"])
        };
        self.finish(fields, known);
        Trigger::Filtered {
            branches,
            paths,
            tags,
            batch,
            drafts,
        }
    }

    pub(super) fn take_filter(&mut self, fields: &mut Fields, key: &str) -> Filter {
        let Some(entry) = fields.take(key) else {
            return Filter::default();
        };
        let tree = self.expand(&entry.value, &entry.scope);
        if matches!(tree.kind, TreeKind::Map(_)) {
            return self
                .fields(&tree, &entry.scope, "a filter")
                .map(|mut inner| {
                    let include = inner
                        .take("include")
                        .map(|entry| self.texts(&entry))
                        .unwrap_or_default();
                    let exclude = inner
                        .take("exclude")
                        .map(|entry| self.texts(&entry))
                        .unwrap_or_default();
                    self.finish(inner, &["include", "exclude"]);
                    Filter {
                        include: self.without_macros(include),
                        exclude: self.without_macros(exclude),
                    }
                })
                .unwrap_or_default();
        }
        let include = self.texts(&entry);
        Filter {
            include: self.without_macros(include),
            exclude: Vec::new(),
        }
    }

    fn without_macros(&mut self, texts: Vec<(String, crate::source::Place)>) -> Vec<String> {
        for (text, place) in &texts {
            if text.contains("$(") {
                self.report(
                    Diagnostic::error(codes::MACRO, "macros are not filled in in triggers")
                        .with_help("write the branch, path or tag itself; `*` and `**` are wildcards"),
                    place,
                );
            }
        }
        texts.into_iter().map(|(text, _)| text).collect()
    }

    /// Reads `schedules:`.
    pub(super) fn schedules(&mut self, entry: &Pending) -> Vec<Schedule> {
        let mut out = Vec::new();
        for (item, scope) in self.items(&entry.value, &entry.scope) {
            let Some(mut fields) = self.fields(&item, &scope, "a schedule") else {
                continue;
            };
            let cron = fields.take("cron");
            let place = cron
                .as_ref()
                .map_or_else(|| item.place.clone(), |entry| entry.value.place.clone());
            let cron = cron.and_then(|entry| self.text(&entry)).unwrap_or_default();
            self.check_cron(&cron, &place);
            out.push(Schedule {
                cron,
                display_name: self.take_text(&mut fields, "displayName").unwrap_or_default(),
                branches: self.take_filter(&mut fields, "branches"),
                always: self.take_boolean(&mut fields, "always").unwrap_or_default(),
                batch: self.take_boolean(&mut fields, "batch").unwrap_or_default(),
            });
            self.finish(fields, &["cron", "displayName", "branches", "always", "batch"]);
        }
        out
    }

    /// Says what is wrong with the five fields, at the field.
    fn check_cron(&mut self, text: &str, place: &Place) {
        let help = "write minute, hour, day of the month, month, day of the week in UTC: `0 3 * * 1-5`";
        let cron = match Cron::parse(text) {
            Ok(cron) => cron,
            Err(error) => {
                let at = place.within(text, error.range.clone(), 0..error.range.len());
                self.report(
                    Diagnostic::error(codes::VALUE, error.message).with_help(help),
                    &at,
                );
                return;
            }
        };
        for note in cron.notes() {
            let at = place.within(text, note.range.clone(), 0..note.range.len());
            self.report(
                Diagnostic::warning(codes::SCHEDULE, &note.message)
                    .with_help("a week begins with Sunday: all of it is `*` or `Sun-Sat`"),
                &at,
            );
        }
        if cron.is_due_on_either_day() {
            let message = "days of the month and days of the week are both given, and either is enough";
            self.report(
                Diagnostic::info(codes::SCHEDULE, message)
                    .with_help("write `*` for the one that should not count"),
                place,
            );
        }
    }
}

fn with_branches(include: Vec<String>) -> Trigger {
    Trigger::Filtered {
        branches: Filter {
            include,
            exclude: Vec::new(),
        },
        paths: Filter::default(),
        tags: Filter::default(),
        batch: false,
        drafts: true,
    }
}
