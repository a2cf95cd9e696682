//! `fetch:*` and `workspace:template*`: files from elsewhere into the workspace.

use serde_json::Map;

use super::render::Skeleton;
use super::schema::{Property, declare};
use super::{BuiltIn, Outcome};
use crate::action::{ActionContext, ActionError, Outputs};
use crate::context::SourceFile;

const URL: Property = (
    "url!",
    "string",
    "Relative path or absolute URL pointing to what is fetched",
);
const SOURCE: Property = (
    "sourcePath!",
    "string",
    "Path within the workspace that is the template",
);
const TARGET: Property = ("targetPath", "string", "Target path within the workspace");
const NEEDED_TARGET: Property = (
    "targetPath!",
    "string",
    "Target path within the workspace of the file",
);
const TOKEN: Property = (
    "token",
    "string",
    "An optional token to use for authentication when reading",
);
const RENDERING: [Property; 5] = [
    ("values", "object", "Values to pass on to the templating engine"),
    (
        "cookiecutterCompat",
        "boolean",
        "Reads `{{ cookiecutter.x }}`, for templates made for cookiecutter",
    ),
    ("replace", "boolean", "Whether files that exist are replaced"),
    ("trimBlocks", "boolean", "Removes the newline after a statement"),
    (
        "lstripBlocks",
        "boolean",
        "Removes blanks before a statement that begins a line",
    ),
];
const TREE: [Property; 3] = [
    (
        "copyWithoutTemplating",
        "strings",
        "Patterns of files that are copied as they are; their paths are rendered",
    ),
    (
        "copyWithoutRender",
        "strings",
        "Patterns of files that are copied as they are, paths too",
    ),
    (
        "templateFileExtension",
        "string|boolean",
        "Only files with this extension (`.njk` for true) are rendered; it is removed",
    ),
];

pub(super) fn actions() -> Vec<BuiltIn> {
    let with = |parts: &[&[Property]]| parts.concat();
    vec![
        declare("fetch:plain", "Downloads content and places it in the workspace, or optionally in a subdirectory specified by the `targetPath` input option.", &[URL, TARGET, TOKEN], &[], |context| {
            Box::pin(plain(context)) as Outcome<'_>
        })
        .with_example("Download a directory", "url: ./skeleton\ntargetPath: ."),
        declare("fetch:plain:file", "Downloads a single file and places it in the workspace.", &[URL, NEEDED_TARGET, TOKEN], &[], |context| {
            Box::pin(plain_file(context)) as Outcome<'_>
        }),
        declare("fetch:template", "Downloads a skeleton, templates variables into file and directory names and content, and places the result in the workspace, or optionally in a subdirectory specified by the `targetPath` input option.", &with(&[&[URL, TARGET], &RENDERING, &TREE, &[TOKEN]]), &[], |context| {
            Box::pin(template(context)) as Outcome<'_>
        })
        .with_example("Render a skeleton", "url: ./skeleton\nvalues:\n  name: ${{ parameters.name }}"),
        declare("fetch:template:file", "Downloads a single file and places it in the workspace, with variables templated into its content.", &with(&[&[URL, NEEDED_TARGET], &RENDERING, &[TOKEN]]), &[], |context| {
            Box::pin(template_file(context)) as Outcome<'_>
        }),
        declare("workspace:template", "Templates variables into file and directory names and content of a directory of the workspace.", &with(&[&[SOURCE, TARGET], &RENDERING, &TREE]), &[], |context| {
            Box::pin(workspace_template(context)) as Outcome<'_>
        }),
        declare("workspace:template:file", "Templates variables into a file of the workspace.", &with(&[&[SOURCE, NEEDED_TARGET], &RENDERING]), &[], |context| {
            Box::pin(async { workspace_template_file(context) }) as Outcome<'_>
        }),
    ]
}

/// Where a `url` points: into the directory handed in, or to a host.
enum Source<'a> {
    Directory(&'a [SourceFile], String),
    Host(String),
}

fn source<'a>(context: &'a ActionContext<'_>) -> Result<Source<'a>, ActionError> {
    let url = context.input["url"].as_str().unwrap_or_default();
    if url.contains("://") {
        return Ok(Source::Host(url.to_owned()));
    }
    if !context.directory.is_empty() {
        let path = url.trim_start_matches("./").trim_matches('/');
        if path.split('/').any(|part| part == "..") {
            return Err(ActionError::input(format!(
                "`{url}` leaves the uploaded directory"
            )));
        }
        return Ok(Source::Directory(
            context.directory,
            if path == "." {
                String::new()
            } else {
                path.to_owned()
            },
        ));
    }
    let Some(base) = context.base_url else {
        return Err(ActionError::input(format!(
            "Failed to fetch, template location could not be determined and the fetch URL is relative, {url}"
        )));
    };
    Ok(Source::Host(context.services.reader.resolve(base, url)?))
}

async fn tree(context: &ActionContext<'_>) -> Result<Vec<SourceFile>, ActionError> {
    let mut files = match source(context)? {
        Source::Host(url) => {
            context.log(&format!("Fetching from {url}")).await;
            context.services.reader.read_tree(context.principal, &url).await?
        }
        Source::Directory(files, path) => below(files, &path),
    };
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn below(files: &[SourceFile], path: &str) -> Vec<SourceFile> {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    files
        .iter()
        .filter_map(|file| {
            let path = file.path.strip_prefix(&prefix)?.to_owned();
            Some(SourceFile { path, ..file.clone() })
        })
        .collect()
}

async fn file(context: &ActionContext<'_>) -> Result<SourceFile, ActionError> {
    let (path, bytes) = match source(context)? {
        Source::Host(url) => {
            let bytes = context.services.reader.read_file(context.principal, &url).await?;
            (url, bytes)
        }
        Source::Directory(files, path) => {
            let found = files.iter().find(|file| file.path == path);
            let found = found
                .ok_or_else(|| ActionError::new("NotFoundError", format!("there is no file `{path}`")))?;
            (path, found.content.clone())
        }
    };
    Ok(SourceFile {
        path,
        content: bytes,
        ..SourceFile::default()
    })
}

fn target<'a>(context: &'a ActionContext<'_>) -> Result<&'a str, ActionError> {
    let path = context.text("targetPath").unwrap_or("./");
    context.workspace.resolve(path)?;
    Ok(path)
}

async fn plain(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let target = target(context)?;
    for file in tree(context).await? {
        let path = format!("{target}/{}", file.path);
        if file.symlink {
            context
                .workspace
                .link(&path, &String::from_utf8_lossy(&file.content))?;
        } else {
            context
                .workspace
                .write(&path, &file.content, file.executable, Vec::new())?;
        }
    }
    Ok(Map::new())
}

async fn plain_file(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let file = file(context).await?;
    context
        .workspace
        .write(target(context)?, &file.content, false, Vec::new())?;
    Ok(Map::new())
}

async fn template(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let target = target(context)?;
    let files = tree(context).await?;
    Skeleton::new(context)?
        .render_tree(context, &files, target)
        .await?;
    context.log(&format!("Template result written to {target}")).await;
    Ok(Map::new())
}

async fn template_file(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let target = target(context)?;
    let file = file(context).await?;
    Skeleton::new(context)?.place(context, &file, target, false)?;
    Ok(Map::new())
}

fn workspace_files(context: &ActionContext<'_>) -> Result<Vec<SourceFile>, ActionError> {
    let path = context.text("sourcePath").unwrap_or(".");
    let root = context.workspace.relative(&context.workspace.resolve(path)?);
    let files = context.workspace.files(path)?.into_iter().map(|file| {
        let path = file
            .path
            .strip_prefix(&root)
            .unwrap_or(&file.path)
            .trim_start_matches('/')
            .to_owned();
        SourceFile {
            path,
            content: file.content,
            executable: file.executable,
            symlink: file.symlink,
        }
    });
    Ok(files.collect())
}

async fn workspace_template(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let target = target(context)?;
    let from = context
        .workspace
        .resolve(context.text("sourcePath").unwrap_or("."))?;
    if context.workspace.resolve(target)?.starts_with(&from) {
        return Err(ActionError::input("targetPath must not be within template path"));
    }
    let files = workspace_files(context)?;
    Skeleton::new(context)?
        .render_tree(context, &files, target)
        .await?;
    Ok(Map::new())
}

fn workspace_template_file(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let target = target(context)?;
    let path = context.text("sourcePath").unwrap_or_default();
    let mut files = workspace_files(context)?;
    let Some(mut file) = files.pop().filter(|_| files.is_empty()) else {
        return Err(ActionError::input(format!("`{path}` is not a file")));
    };
    path.clone_into(&mut file.path);
    Skeleton::new(context)?.place(context, &file, target, false)?;
    Ok(Map::new())
}
