/// Why the catalog could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The store failed.
    #[error("the catalog's store failed")]
    Store(#[from] pave_store::StoreError),
    /// What was asked does not make sense; the text is upstream's where upstream has one.
    #[error("{0}")]
    Input(String),
    /// It is there already.
    #[error("{0}")]
    Conflict(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
}
