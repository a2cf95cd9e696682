/// Why an identity could not be read, made or proven.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The identity store failed.
    #[error("the identity store failed")]
    Store(#[from] pave_store::StoreError),
    /// A token could not be signed.
    #[error("a token could not be made")]
    Keys(#[from] pave_keys::KeysError),
    /// Nobody by that reference is known.
    #[error("`{0}` is not known here")]
    UnknownPrincipal(String),
}
