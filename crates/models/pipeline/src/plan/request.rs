//! What is asked of the compiler, and what it answers.

use pave_diagnostic::{Diagnostics, Location};
use serde::{Deserialize, Serialize};

use super::{Plan, RepositoryResource};

/// A parameter that the pipeline asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Upstream's word for its type, e.g. `string`.
    pub kind: String,
    /// Default; `None`: must be given.
    pub default: Option<serde_json::Value>,
    /// Allowed values; empty: any.
    pub values: Vec<serde_json::Value>,
    /// Where it stands.
    pub place: Location,
}

/// Reads files of repositories for templates.
pub trait Files {
    /// A file of the pipeline's own repository (`None`) or of an aliased one; `path` begins without `/`.
    fn read(&self, repository_alias: Option<&str>, path: &str) -> Option<String>;
}

/// Files that are already here: (alias, path) to text.
impl<S: std::hash::BuildHasher> Files for std::collections::HashMap<(Option<String>, String), String, S> {
    fn read(&self, repository_alias: Option<&str>, path: &str) -> Option<String> {
        self.get(&(repository_alias.map(str::to_owned), path.to_owned()))
            .cloned()
    }
}

/// A file that a template names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileReference {
    /// Alias of a repository resource; `None`: the pipeline's own.
    pub repository: Option<String>,
    /// Path without leading `/`.
    pub path: String,
}

/// What to compile.
pub struct CompileRequest<'a> {
    /// Path of the file in its repository.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Where templates come from.
    pub files: &'a dyn Files,
    /// Values for parameters, as given when queueing.
    pub parameters: &'a [(String, serde_json::Value)],
    /// Variables known before the start: predefined, of the definition, and set when queueing; later ones win.
    pub variables: &'a [KnownVariable],
}

/// A variable that is known before the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownVariable {
    /// Name.
    pub name: String,
    /// Value; leave empty for a secret.
    pub value: String,
    /// Whether it is secret: then `${{ }}` must not see it.
    pub secret: bool,
}

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// The pipeline, unless an error makes it unfit to run.
    pub plan: Option<Plan>,
    /// Everything that was found.
    pub diagnostics: Diagnostics,
    /// The parameters that the file declares.
    pub parameters: Vec<Parameter>,
    /// Repositories that the file declares, for fetching templates even when there is no plan yet.
    pub repositories: Vec<RepositoryResource>,
    /// Templates that were asked for and not found. Whoever reads files asynchronously fetches them and compiles again.
    pub missing_files: Vec<FileReference>,
    /// Templates that were read.
    pub used_files: Vec<FileReference>,
}
