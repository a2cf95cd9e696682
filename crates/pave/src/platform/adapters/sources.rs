//! Files for the catalog and for templates: from hosts, and for templates of file locations from this machine.

use std::path::Path;

use futures::future::BoxFuture;
use pave_auth::Principal;
use pave_hosts::{FilesError, HostReader, Integrations, LocalFile, LocalFiles, Reader};
use pave_scaffolder::SourceFile;
use url::Url;

/// How a file of this machine is named between resolving a relative URL and reading it. Whatever a template itself hands
/// in has `://` or is resolved first, so that nobody else can name a file this way.
const FILE: &str = "file:";

/// Reads files of repositories for the catalog and for templates, and what lies beside a template that came from a file
/// of this machine.
pub(in crate::platform) struct Sources {
    reader: HostReader,
    integrations: Integrations,
    files: LocalFiles,
}

impl Sources {
    pub(in crate::platform) fn new(
        reader: HostReader,
        integrations: Integrations,
        files: LocalFiles,
    ) -> Self {
        Self {
            reader,
            integrations,
            files,
        }
    }

    async fn bytes(&self, url: &str) -> Result<Vec<u8>, String> {
        refuse_files(url)?;
        self.reader
            .read_url(url)
            .await
            .map(|file| file.bytes)
            .map_err(|error| error.to_string())
    }

    /// Reads from disk beside the threads that serve requests.
    async fn local<T: Send + 'static>(
        &self,
        read: impl FnOnce(&LocalFiles) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, String> {
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || read(&files)).await;
        read.map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }
}

/// Upstream's words for a URL that no reader takes, with what to do about files.
fn refuse_files(url: &str) -> Result<(), String> {
    let is_file = Url::parse(url).is_ok_and(|url| url.scheme() == "file");
    if is_file || url.starts_with('/') {
        return Err(format!(
            "Reading from '{url}' is not allowed. Files of this machine are read for templates that the configuration names with `type: file`, by relative paths"
        ));
    }
    Ok(())
}

/// The path that [`pave_scaffolder::SourceReader::resolve`] gave out.
fn resolved_file(url: &str) -> Option<&Path> {
    let path = url.strip_prefix(FILE)?;
    (path.starts_with('/') && !path.contains("//")).then(|| Path::new(path))
}

impl pave_catalog::SourceReader for Sources {
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(self.bytes(url))
    }

    fn resolve(&self, base: &str, target: &str) -> Result<String, String> {
        // Within a repository `/x` is its root.
        if !target.starts_with('/') {
            refuse_files(target)?;
        }
        refuse_files(base)?;
        self.integrations
            .resolve(base, target)
            .map_err(|error| error.to_string())
    }
}

impl pave_scaffolder::SourceReader for Sources {
    fn read_tree<'a>(
        &'a self,
        _principal: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SourceFile>, String>> {
        Box::pin(async move {
            if let Some(path) = resolved_file(url) {
                let path = path.to_owned();
                let files = self.local(move |files| files.tree_beside(&path)).await?;
                return Ok(files.into_iter().map(of_disk).collect());
            }
            refuse_files(url)?;
            let tree = self
                .reader
                .read_tree(url)
                .await
                .map_err(|error| error.to_string())?;
            let file = |file: pave_hosts::TreeFile| SourceFile {
                path: file.path,
                content: file.bytes,
                executable: file.executable,
                symlink: false,
            };
            Ok(tree.files.into_iter().map(file).collect())
        })
    }

    fn read_file<'a>(
        &'a self,
        _principal: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async move {
            if let Some(path) = resolved_file(url) {
                let path = path.to_owned();
                return self.local(move |files| files.read_beside(&path)).await;
            }
            self.bytes(url).await
        })
    }

    fn resolve(&self, base: &str, url: &str) -> Result<String, String> {
        let Some(template) = base.strip_prefix("file://") else {
            return pave_catalog::SourceReader::resolve(self, base, url);
        };
        if Url::parse(url).is_ok() {
            refuse_files(url)?;
            return Ok(url.to_owned());
        }
        let found = self.files.beside(Path::new(template), url);
        let found = found.map_err(|error| error.to_string())?;
        Ok(format!("{FILE}{}", found.display()))
    }
}

fn of_disk(file: LocalFile) -> SourceFile {
    SourceFile {
        path: file.path,
        content: file.bytes,
        executable: file.executable,
        symlink: file.symlink,
    }
}

#[cfg(test)]
mod tests {
    use pave_scaffolder::SourceReader as _;

    use super::*;

    /// What a fetch action does with a `url`: whole URLs go to the reader as they are.
    async fn fetch(sources: &Sources, base: &str, url: &str) -> Result<Vec<SourceFile>, String> {
        let principal = Principal::service_account("pave-system", "test");
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            pave_scaffolder::SourceReader::resolve(sources, base, url)?
        };
        if let Ok(content) = sources.read_file(&principal, &url).await {
            return Ok(vec![SourceFile {
                content,
                ..SourceFile::default()
            }]);
        }
        sources.read_tree(&principal, &url).await
    }

    #[tokio::test]
    async fn a_template_of_a_file_reads_beside_it_and_nobody_reads_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let path = |path: &str| root.join(path).to_string_lossy().into_owned();
        for (name, text) in [
            ("app-config.yaml", "secret"),
            ("template/template.yaml", "kind: Template"),
            ("template/content/a.txt", "a"),
            ("template/own.yaml", "secret"),
            ("outside/b.txt", "b"),
        ] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink(root.join("outside"), root.join("template/out")).unwrap();
        let files = LocalFiles::new(vec![root.join("template/own.yaml")]);
        files.set_templates([root.join("template/template.yaml")]);
        let integrations = Integrations::from_config(&serde_json::json!({})).unwrap();
        // Another test may have been first.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = pave_hosts::http_client(None).unwrap();
        let reader = HostReader::new(integrations.clone(), http, root.join("mirrors"), None);
        let sources = Sources::new(reader, integrations, files);
        let base = format!("file://{}", path("template/template.yaml"));

        let tree = fetch(&sources, &base, "./content").await.unwrap();
        assert_eq!(
            (tree[0].path.as_str(), tree[0].content.as_slice()),
            ("a.txt", &b"a"[..])
        );
        let file = fetch(&sources, &base, "content/a.txt").await.unwrap();
        assert_eq!(file[0].content, b"a");

        let forged = format!("file://{}", path("outside/b.txt"));
        let far = "https://dev.azure.com/o/p/_git/r?path=/template.yaml";
        let check = async |base: &str, url: &str, words: &str| {
            let error = fetch(&sources, base, url).await.unwrap_err();
            assert!(error.contains(words), "{base} {url}: {error}");
        };
        for escape in ["../app-config.yaml", "/etc/passwd", "./content/../../outside"] {
            check(&base, escape, "outside its parent").await;
        }
        check(&base, "./own.yaml", "is not allowed").await;
        check(&base, "./out", "is not allowed").await;
        check(&base, "./out/b.txt", "is not allowed").await;
        check(&base, "./none", "does not exist").await;
        check(&forged, "./b.txt", "is not allowed").await;
        // A whole file URL is nobody's, wherever the template came from and however it is written.
        let inside = path("template/content/a.txt");
        for base in [base.as_str(), far] {
            for url in [
                "file:///etc/passwd".to_owned(),
                "FILE:///etc/passwd".to_owned(),
                "file:/etc/passwd".to_owned(),
                format!("file://{inside}"),
                format!("file:{inside}"),
                format!("file:{inside}?x=://"),
            ] {
                check(base, &url, "is not allowed").await;
            }
        }
        let read = pave_catalog::SourceReader::read(&sources, "file:///etc/passwd").await;
        assert!(read.unwrap_err().contains("is not allowed"));
    }
}
