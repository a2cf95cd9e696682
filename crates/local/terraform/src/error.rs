use std::path::PathBuf;

/// Why the provider cannot be offered or served.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// Somebody started the provider by hand.
    #[error(
        "this is a Terraform provider: `terraform` starts it by itself, as the file in `.terraform/providers`; there is \
         nothing to run here"
    )]
    NotFromTerraform,
    /// The program that started it speaks another protocol.
    #[error("the program that started the provider speaks plugin protocol {offered}; this provider speaks 5")]
    Protocol {
        /// What it offers.
        offered: String,
    },
    /// A file could not be written or made.
    #[error("cannot write {path}")]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection to Terraform could not be set up.
    #[error("cannot listen for terraform")]
    Listen(#[source] std::io::Error),
    /// The certificate for that connection could not be made.
    #[error("cannot make a certificate for the connection to terraform: {0}")]
    Certificate(String),
    /// The user's own CLI configuration is not HCL.
    #[error("the Terraform CLI configuration does not parse: {0}")]
    CliConfiguration(String),
}
