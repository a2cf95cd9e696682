//! Files of the workspace: `fs:*` and the two of Roadie's that write.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::schema::declare;
use super::{BuiltIn, Outcome};
use crate::action::{ActionContext, ActionError, Effect, Outputs};
use crate::glob::Globs;

pub(super) fn actions() -> Vec<BuiltIn> {
    vec![
        declare(
            "fs:delete",
            "Deletes files and directories from the workspace",
            &[(
                "files!",
                "strings",
                "A list of files and directories that will be deleted; patterns are allowed.",
            )],
            &[],
            |context| Box::pin(delete(context)) as Outcome<'_>,
        )
        .with_example("Delete a directory", "files:\n  - docs"),
        declare(
            "fs:rename",
            "Renames files and directories within the workspace",
            &[(
                "files!",
                "array",
                "A list of file and directory names that will be renamed",
            )],
            &[],
            |context| Box::pin(rename(context)) as Outcome<'_>,
        )
        .with_schema("files", rename_schema())
        .with_effect(Effect::Keyed),
        declare(
            "fs:readdir",
            "Reads files and directories from the workspace",
            &[
                ("paths!", "strings", "Directories to read."),
                ("recursive", "boolean", "Whether to go into directories."),
            ],
            &[
                ("files", "array", "Files: name, path, fullPath."),
                ("folders", "array", "Directories: name, path, fullPath."),
            ],
            |context| Box::pin(read_directories(context)) as Outcome<'_>,
        ),
        declare(
            "roadiehq:utils:fs:write",
            "Creates a file with the given content in the workspace.",
            &[
                ("path!", "string", "Relative path"),
                ("content!", "string", "This will be the content of the file"),
                (
                    "preserveFormatting",
                    "boolean",
                    "Accepted for compatibility: content is always written as it is.",
                ),
            ],
            &[("path", "string", "Path")],
            |context| Box::pin(write(context)) as Outcome<'_>,
        )
        .with_example(
            "Write a file",
            "path: environment.yaml\ncontent: |\n  name: ${{ parameters.name }}",
        ),
        declare(
            "roadiehq:utils:fs:append",
            "Appends content to the end of a file; the file is made when it does not exist.",
            &[
                ("path!", "string", "Path to existing file to append."),
                ("content!", "string", "This will be appended to the file"),
            ],
            &[("path", "string", "Path")],
            |context| Box::pin(async { append(context) }) as Outcome<'_>,
        )
        .with_effect(Effect::Once),
    ]
}

fn rename_schema() -> Value {
    json!({
        "type": "array",
        "description": "A list of file and directory names that will be renamed",
        "items": {
            "type": "object",
            "required": ["from", "to"],
            "properties": {
                "from": { "type": "string", "description": "The source location of the file to be renamed" },
                "to": { "type": "string", "description": "The destination of the new file" },
                "overwrite": { "type": "boolean", "description": "Overwrite existing file or directory, default is false" },
            },
        },
    })
}

async fn delete(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    for pattern in context.texts("files") {
        // A pattern is kept inside by what it is matched against; a plain path must be.
        context.workspace.resolve(pattern.trim_start_matches('!'))?;
        let globs = Globs::new([pattern])?;
        let mut count = 0;
        for file in context
            .workspace
            .files(".")?
            .iter()
            .filter(|file| globs.matches(&file.path))
        {
            let path = context.workspace.root().join(&file.path);
            std::fs::remove_file(&path).map_err(|error| format!("cannot delete `{}`: {error}", file.path))?;
            count += 1;
        }
        // An emptied directory goes as well.
        if let Ok(path) = context.workspace.resolve(pattern)
            && path.is_dir()
            && path != context.workspace.root()
        {
            std::fs::remove_dir_all(&path).map_err(|error| format!("cannot delete `{pattern}`: {error}"))?;
        }
        context
            .log(&format!("Deleted {count} files matching {pattern}"))
            .await;
    }
    Ok(Map::new())
}

async fn rename(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    for item in context.input["files"].as_array().into_iter().flatten() {
        let (from, to) = (
            item["from"].as_str().unwrap_or_default(),
            item["to"].as_str().unwrap_or_default(),
        );
        let (source, target) = (context.workspace.resolve(from)?, context.workspace.resolve(to)?);
        if !source.exists() && target.exists() && context.input.len() == 1 {
            // Run again after an interruption: this one was moved already.
            continue;
        }
        if target.exists() && item["overwrite"] != Value::Bool(true) {
            return Err(ActionError::new("Error", format!("dest already exists: {to}")));
        }
        let failed = |error: std::io::Error| format!("cannot rename `{from}` to `{to}`: {error}");
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::rename(&source, &target).map_err(failed)?;
        context
            .log(&format!("File {from} renamed to {to} successfully"))
            .await;
    }
    Ok(Map::new())
}

async fn read_directories(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for path in context.texts("paths") {
        let start = context.workspace.resolve(path)?;
        list(
            context,
            &start,
            context.flag("recursive"),
            &mut files,
            &mut folders,
        )
        .map_err(|error| format!("cannot read `{path}`: {error}"))?;
    }
    context
        .log(&format!(
            "Found {} files and {} folders",
            files.len(),
            folders.len()
        ))
        .await;
    Ok(Map::from_iter([
        ("files".to_owned(), json!(files)),
        ("folders".to_owned(), json!(folders)),
    ]))
}

fn list(
    context: &ActionContext<'_>,
    directory: &Path,
    recursive: bool,
    files: &mut Vec<Value>,
    folders: &mut Vec<Value>,
) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let found = json!({
            "name": entry.file_name().to_string_lossy(),
            "path": context.workspace.relative(directory),
            "fullPath": context.workspace.relative(&path),
        });
        if entry.file_type()?.is_dir() {
            folders.push(found);
            if recursive {
                list(context, &path, recursive, files, folders)?;
            }
        } else {
            files.push(found);
        }
    }
    Ok(())
}

async fn write(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let path = context.text("path").unwrap_or_default();
    let text = context.input["content"].as_str().unwrap_or_default();
    context
        .workspace
        .write(path, text.as_bytes(), false, context.pieces("/content"))?;
    context.log(&format!("Wrote {path}")).await;
    Ok(Map::from_iter([("path".to_owned(), Value::from(path))]))
}

fn append(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let path = context.text("path").unwrap_or_default();
    let target = context.workspace.resolve(path)?;
    let mut bytes = match std::fs::read(&target) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(format!("cannot read `{path}`: {error}").into()),
    };
    let mut pieces = context.workspace.pieces(&context.workspace.relative(&target));
    let offset = bytes.len();
    pieces.extend(context.pieces("/content").into_iter().map(|mut piece| {
        piece.start += offset;
        piece.end += offset;
        piece
    }));
    bytes.extend_from_slice(context.input["content"].as_str().unwrap_or_default().as_bytes());
    context.workspace.write(path, &bytes, false, pieces)?;
    Ok(Map::from_iter([("path".to_owned(), Value::from(path))]))
}
