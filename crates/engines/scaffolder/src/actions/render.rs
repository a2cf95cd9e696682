//! Skeletons: rendering a tree of files into the workspace.

use pave_template::expression::Scope;
use pave_template::provenance::LeafTrace;
use pave_template::text::{Syntax, render};
use serde_json::Value;

use crate::action::{ActionContext, ActionError};
use crate::context::SourceFile;
use crate::glob::Globs;

/// How a skeleton is rendered, as the input says.
pub(super) struct Skeleton<'a> {
    values: &'a Value,
    traces: Vec<LeafTrace>,
    syntax: Syntax,
    cookiecutter: bool,
    /// Copied as they are; their paths are rendered.
    untouched: Globs,
    /// Copied as they are, paths too.
    unrendered: Globs,
    extension: Option<String>,
    replace: bool,
}

static EMPTY: Value = Value::Null;

impl<'a> Skeleton<'a> {
    pub(super) fn new(context: &'a ActionContext<'_>) -> Result<Self, ActionError> {
        let cookiecutter = context.flag("cookiecutterCompat");
        let extension = match context.input.get("templateFileExtension") {
            Some(Value::Bool(true)) => Some(".njk".to_owned()),
            Some(Value::String(extension)) if !extension.is_empty() => {
                Some(format!(".{}", extension.trim_start_matches('.')))
            }
            _ => None,
        };
        let below = |trace: &LeafTrace| {
            let pointer = trace.pointer.strip_prefix("/values")?.to_owned();
            Some(LeafTrace {
                pointer,
                pieces: trace.pieces.clone(),
            })
        };
        Ok(Self {
            values: context.input.get("values").unwrap_or(&EMPTY),
            traces: context.traces.iter().filter_map(below).collect(),
            syntax: Syntax {
                variable_start: if cookiecutter { "{{" } else { "${{" }.to_owned(),
                trim_blocks: context.flag("trimBlocks"),
                lstrip_blocks: context.flag("lstripBlocks"),
            },
            cookiecutter,
            untouched: Globs::new(context.texts("copyWithoutTemplating"))?,
            unrendered: Globs::new(context.texts("copyWithoutRender"))?,
            extension,
            replace: context.flag("replace"),
        })
    }

    fn scope(&self) -> Scope<'_> {
        let name = if self.cookiecutter {
            "cookiecutter"
        } else {
            "values"
        };
        Scope::new().with_traced(name, self.values, &self.traces)
    }

    /// Renders all files to below `target`.
    pub(super) async fn render_tree(
        &self,
        context: &ActionContext<'_>,
        files: &[SourceFile],
        target: &str,
    ) -> Result<(), ActionError> {
        context
            .log(&format!("Processing {} template files/directories", files.len()))
            .await;
        for file in files {
            let as_it_is = self.unrendered.matches(&file.path);
            let path = if as_it_is {
                file.path.clone()
            } else {
                self.path(&file.path)?
            };
            // A name that renders to nothing drops the file.
            if path.is_empty() || path.starts_with('/') || path.contains("//") {
                continue;
            }
            let copied = as_it_is || self.untouched.matches(&file.path);
            self.place(context, file, &format!("{target}/{path}"), copied)?;
        }
        Ok(())
    }

    fn path(&self, path: &str) -> Result<String, ActionError> {
        let rendered = render(path, &self.syntax, &self.scope()).map_err(|fault| {
            ActionError::new(
                "Error",
                format!("the file name `{path}` cannot be rendered: {fault}"),
            )
        })?;
        Ok(rendered.text)
    }

    /// Renders (or copies) one file to a path.
    pub(super) fn place(
        &self,
        context: &ActionContext<'_>,
        file: &SourceFile,
        path: &str,
        copied: bool,
    ) -> Result<(), ActionError> {
        let stripped = self
            .extension
            .as_deref()
            .and_then(|extension| path.strip_suffix(extension));
        let templated = !copied && (self.extension.is_none() || stripped.is_some());
        let path = if templated { stripped.unwrap_or(path) } else { path };
        let target = context.workspace.resolve(path)?;
        if target.symlink_metadata().is_ok() && !self.replace {
            return Ok(());
        }
        if file.symlink {
            return Ok(context
                .workspace
                .link(path, &String::from_utf8_lossy(&file.content))?);
        }
        let text = std::str::from_utf8(&file.content)
            .ok()
            .filter(|text| !text.contains('\0'));
        let (Some(text), true) = (text, templated) else {
            return Ok(context
                .workspace
                .write(path, &file.content, file.executable, Vec::new())?);
        };
        let rendered = render(text, &self.syntax, &self.scope()).map_err(|fault| {
            let before = text.get(..fault.range.start).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|char| *char != '\n').count() + 1;
            ActionError::new(
                "Error",
                format!("{}:{line}:{column}: {fault} [{}]", file.path, fault.code),
            )
        })?;
        Ok(context
            .workspace
            .write(path, rendered.text.as_bytes(), file.executable, rendered.pieces)?)
    }
}
