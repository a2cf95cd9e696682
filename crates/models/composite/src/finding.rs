use pave_diagnostic::Diagnostic;
use pave_yaml::Document;

/// A diagnostic about a place that is known as a JSON pointer into the object.
///
/// Objects from the cluster have no file; for those read from one, [`Finding::at`] adds file, line and column.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Where, in the object that was looked at.
    pub pointer: String,
    /// The composed resource concerned, by the name of its template.
    pub resource: Option<String>,
    /// What was found.
    pub diagnostic: Diagnostic,
}

impl Finding {
    /// A finding about a place.
    #[must_use]
    pub fn new(pointer: impl Into<String>, diagnostic: Diagnostic) -> Self {
        Self {
            pointer: pointer.into(),
            resource: None,
            diagnostic,
        }
    }

    /// Says which composed resource is concerned.
    #[must_use]
    pub fn about(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// The diagnostic with the place in the file that the object was read from.
    #[must_use]
    pub fn at(self, document: &Document) -> Diagnostic {
        let label = document.label(&self.pointer);
        self.diagnostic.with_label(label)
    }
}
