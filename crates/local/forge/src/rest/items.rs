//! Files and folders: as raw bytes, as JSON, or as a zip archive.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use pave_git::{Commit, EntryKind, TreeEntry, check_path};
use serde_json::{Value, json};

use super::query::Query;
use super::{Call, list, version};
use crate::error::ApiError;
use crate::event::api;
use crate::forge::Forge;
use crate::repository::Repository;

/// How an item is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Raw,
    Json,
    Zip,
}

/// What a query asks for, as a list: an item, and with a depth what is below it.
pub(super) async fn found(
    forge: &Forge,
    repository: &Repository,
    query: &Query,
) -> Result<Vec<Value>, ApiError> {
    let (commit, label) = version::resolve(repository, query, &[""]).await?;
    let path = clean(query.get(&["path"]).unwrap_or_default())?;
    let entry = find(repository, &commit, &path, &label).await?;
    let view = View {
        forge,
        repository,
        commit: &commit,
        path: &path,
    };
    let recursion = query.get(&["recursionLevel"]).unwrap_or("none").to_lowercase();
    view.tree(entry.as_ref(), &recursion).await
}

/// The entry of a path; the root has none.
async fn find(
    repository: &Repository,
    commit: &Commit,
    path: &str,
    label: &str,
) -> Result<Option<TreeEntry>, ApiError> {
    if path.is_empty() {
        return Ok(None);
    }
    let entry = repository.objects().entry(commit, path).await?;
    let missing = || ApiError::no_item(&format!("/{path}"), &repository.name, label);
    entry.ok_or_else(missing).map(Some)
}

/// `…/items[/{path}]`.
pub(crate) async fn serve(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    tail: &str,
) -> Result<Response, ApiError> {
    let (commit, label) = version::resolve(repository, &call.query, &["versionDescriptor.", ""]).await?;
    let scope = call.query.get(&["scopePath"]);
    let path = if tail.is_empty() {
        call.query.get(&["path"]).or(scope).unwrap_or("/")
    } else {
        tail
    };
    let path = clean(path)?;
    let entry = find(repository, &commit, &path, &label).await?;
    let is_folder = entry.as_ref().is_none_or(|entry| entry.kind != EntryKind::File);
    let view = View {
        forge,
        repository,
        commit: &commit,
        path: &path,
    };
    let recursion = call
        .query
        .get(&["recursionLevel"])
        .unwrap_or("none")
        .to_lowercase();
    match format(call, is_folder) {
        Format::Zip => view.zip(is_folder).await,
        Format::Raw if !is_folder => view.raw(call.query.get(&["download"]) == Some("true")).await,
        // A list is asked for by scope or depth; one item by its path.
        _ if scope.is_some() || !matches!(recursion.as_str(), "none" | "0") => {
            Ok(list(view.tree(entry.as_ref(), &recursion).await?))
        }
        _ => {
            view.one(
                entry.as_ref(),
                call.query.get(&["includeContent"]) == Some("true"),
            )
            .await
        }
    }
}

fn clean(path: &str) -> Result<String, ApiError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(String::new());
    }
    check_path(path).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// `$format` decides, else `Accept`; a file without either comes as it is.
fn format(call: &Call, is_folder: bool) -> Format {
    let accept = call
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let asked = call.query.get(&["$format"]).unwrap_or(accept).to_lowercase();
    if asked.contains("zip") {
        Format::Zip
    } else if asked.contains("json") || is_folder {
        Format::Json
    } else {
        Format::Raw
    }
}

struct View<'a> {
    forge: &'a Forge,
    repository: &'a Repository,
    commit: &'a Commit,
    path: &'a str,
}

impl View<'_> {
    async fn raw(&self, download: bool) -> Result<Response, ApiError> {
        let content = self.content().await?;
        let kind = if std::str::from_utf8(&content).is_ok() {
            "text/plain; charset=utf-8"
        } else {
            "application/octet-stream"
        };
        let mut response = Response::new(Body::from(content));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.commit)) {
            headers.insert(header::ETAG, tag);
        }
        if download {
            headers.insert(
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment"),
            );
        }
        Ok(response)
    }

    async fn content(&self) -> Result<Vec<u8>, ApiError> {
        let content = self.repository.objects().read(self.commit, self.path).await?;
        content.ok_or_else(|| {
            ApiError::no_item(
                &format!("/{}", self.path),
                &self.repository.name,
                self.commit.short(),
            )
        })
    }

    async fn one(&self, entry: Option<&TreeEntry>, with_content: bool) -> Result<Response, ApiError> {
        let mut value = self.describe(entry);
        if with_content && entry.is_some_and(|entry| entry.kind == EntryKind::File) {
            value["content"] = json!(String::from_utf8_lossy(&self.content().await?));
        }
        Ok(Json(value).into_response())
    }

    /// The item itself, then what is below it.
    async fn tree(&self, entry: Option<&TreeEntry>, recursion: &str) -> Result<Vec<Value>, ApiError> {
        let mut items = vec![self.describe(entry)];
        if entry.is_some_and(|entry| entry.kind == EntryKind::File) || matches!(recursion, "none" | "0") {
            return Ok(items);
        }
        let full = recursion.starts_with("full") || recursion == "120";
        let below = self
            .repository
            .objects()
            .list(self.commit, self.path, full)
            .await?;
        if full {
            let folders = folders(&below, self.path);
            items.extend(folders.into_iter().map(|path| self.describe_folder(&path)));
        }
        items.extend(below.iter().map(|entry| self.describe(Some(entry))));
        Ok(items)
    }

    fn describe(&self, entry: Option<&TreeEntry>) -> Value {
        let Some(entry) = entry else {
            return self.describe_folder("");
        };
        let is_folder = entry.kind == EntryKind::Folder;
        let mut value = json!({
            "objectId": entry.object,
            "gitObjectType": if is_folder { "tree" } else { "blob" },
            "commitId": self.commit,
            "path": format!("/{}", entry.path),
            "url": self.url(&entry.path),
        });
        if is_folder {
            value["isFolder"] = json!(true);
        }
        value
    }

    fn describe_folder(&self, path: &str) -> Value {
        json!({
            "gitObjectType": "tree", "commitId": self.commit, "path": format!("/{path}"), "isFolder": true,
            "url": self.url(path),
        })
    }

    fn url(&self, path: &str) -> url::Url {
        let mut url = api(self.forge.base_url(), self.repository, &["items"]);
        url.query_pairs_mut()
            .append_pair("path", &format!("/{path}"))
            .append_pair("versionType", "Commit")
            .append_pair("version", self.commit.as_str());
        url
    }

    /// Entries begin with the name of the folder asked for; those of the whole repository have nothing in front.
    async fn zip(&self, is_folder: bool) -> Result<Response, ApiError> {
        let (parent, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        let tree = format!("{}:{}", self.commit, if is_folder { self.path } else { parent });
        let prefix = format!("--prefix={name}/");
        let mut arguments = vec!["archive", "--format=zip"];
        if is_folder && !name.is_empty() {
            arguments.push(&prefix);
        }
        arguments.push(&tree);
        if !is_folder {
            arguments.push(name);
        }
        let archive = self.repository.git().run(&arguments, b"").await?;
        Ok(([(header::CONTENT_TYPE, "application/zip")], archive).into_response())
    }
}

/// The folders on the way to some files, below `base`, in order.
fn folders(files: &[TreeEntry], base: &str) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for file in files {
        let mut path = file.path.as_str();
        while let Some((folder, _)) = path.rsplit_once('/') {
            if folder.len() <= base.len() || !found.insert(folder.to_owned()) {
                break;
            }
            path = folder;
        }
    }
    found.into_iter().collect()
}
