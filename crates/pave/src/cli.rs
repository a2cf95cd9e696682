//! The command line, and nothing of what it does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An internal developer platform in one binary.
#[derive(Debug, Parser)]
#[command(name = "pave", version, about, long_about = None, max_term_width = 100)]
pub(crate) struct Cli {
    /// Directory that holds everything [default: .pave].
    #[arg(long, global = true, env = "PAVE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Log more: -v for progress, -vv for detail. Logs go to standard error.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the platform and keep it running.
    Up(Up),
    /// Stop the platform and its databases.
    Down,
    /// Say what runs, and where.
    Status(Read),
    /// Look for what would keep the platform from working.
    Doctor(Read),
    /// Delete everything below the data directory.
    Reset(Reset),
    /// Print the exports that kubectl, git, terraform, az, the Azure SDKs and node need.
    Env(Env),
    /// Make, list and revoke tokens.
    #[command(subcommand)]
    Token(Token),
    /// Type-check a road: templates, definitions, compositions, claims, Applications.
    Check(Check),
    /// Show what a request would write and make, without making it.
    Preview(Preview),
    /// Show the road of anything: a claim, a commit, a task, an environment.
    Trace(Trace),
    /// Make, list, show and delete environments.
    #[command(subcommand)]
    Request(Request),
    /// Show or check what `app-config.yaml`, the environment and the defaults say together.
    #[command(subcommand)]
    Config(Config),
    /// Explain a diagnostic code.
    Explain {
        /// Code, such as PV2104.
        code: String,
    },
    /// Run one job of a pipeline: started by the platform, and outlives it.
    #[command(hide = true)]
    Agent {
        /// The job's directory.
        directory: String,
    },
    /// Serve a Terraform provider: started by Terraform.
    #[command(hide = true)]
    TerraformProvider {
        /// Provider.
        #[arg(value_parser = ["azurerm"])]
        name: String,
    },
    /// Print a shell's completion script.
    Completion {
        /// Shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Seed the demo: a repository with a product, a template and two teams.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Backstage's app-config.yaml; again for further files, each covering those before it.
    ///
    /// Without it, app-config.yaml and app-config.local.yaml of the working directory are read, where they are there.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// Port of the portal at the first start; 0 takes any free port for every listener.
    #[arg(long, value_name = "PORT")]
    pub(crate) portal_port: Option<u16>,
    /// Let the forge be reached under a further name too, as `https://dev.azure.com`; again for more.
    ///
    /// It listens on 127.0.0.1 at the URL's port, its certificate covers the name, and URLs in answers begin with the name that
    /// a client asked by. docs/dev-azure-com.md says what else that needs.
    #[arg(long, value_name = "URL")]
    pub(crate) forge_at: Vec<String>,
    /// How to print the summary.
    #[arg(long, short, default_value = "text")]
    pub(crate) output: SummaryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryFormat {
    /// For people.
    Text,
    /// One JSON object on standard output, once everything is ready.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    /// How to print.
    #[arg(long, short, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// One name per line.
    Name,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Do it, rather than name what would be deleted.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    /// Syntax of the exports.
    #[arg(long, short, default_value = "shell")]
    pub(crate) output: EnvFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormat {
    /// `export NAME=value` lines.
    Shell,
    /// One JSON object.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is shown this once.
    Create {
        /// Whose: `alice`, or `user:default/alice`.
        #[arg(long)]
        user: String,
        /// What it is for.
        #[arg(long, default_value = "command line")]
        purpose: String,
        /// Days until it expires; without, it does not.
        #[arg(long, value_name = "DAYS")]
        days: Option<u64>,
    },
    /// List a person's tokens.
    List {
        /// Whose.
        #[arg(long)]
        user: String,
        /// How to print.
        #[arg(long, short, default_value = "table")]
        output: Format,
    },
    /// Make a token worthless.
    Revoke {
        /// Id, as `pave token list` shows it.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files and folders.
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// How to print: for people, or a JSON array of diagnostics.
    #[arg(long, short, default_value = "text")]
    pub(crate) output: SummaryFormat,
    /// Write the offered fixes into the files, after showing each.
    #[arg(long)]
    pub(crate) fix: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// Template: its name, or `template:default/name`.
    pub(crate) template: String,
    /// Values, as `name=value`; a value that is JSON is taken as JSON.
    #[arg(value_name = "NAME=VALUE")]
    pub(crate) values: Vec<String>,
    /// How to print.
    #[arg(long, short, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// `team-a/orders`, `claim/team-a/orders`, `task/<id>`, `pullrequest/<id>`, `run/<id>`, a commit hash, an id of the cloud, or a road id.
    pub(crate) what: String,
    /// Follow it until it has settled.
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// How to print.
    #[arg(long, short, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Request {
    /// Run a template.
    New {
        /// Template: its name, or `template:default/name`.
        template: String,
        /// Values, as `name=value`.
        #[arg(value_name = "NAME=VALUE")]
        values: Vec<String>,
        /// Wait until what was asked for is there: an approval by somebody else included.
        #[arg(long)]
        wait: bool,
        /// How to print.
        #[arg(long, short, default_value = "table")]
        output: Format,
    },
    /// List environments, and requests that go by pull request.
    List(Read),
    /// Show one of them.
    Show {
        /// `team-a/orders`, or `pullrequest/7`.
        name: String,
        /// How to print.
        #[arg(long, short, default_value = "table")]
        output: Format,
    },
    /// Delete an environment: commits the removal of its file.
    Delete {
        /// `team-a/orders`.
        name: String,
        /// Wait until everything is gone.
        #[arg(long)]
        wait: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print every value; secrets are masked.
    Show(ConfigShow),
    /// Say what is unknown, missing or wrong, with its line.
    Check(ConfigCheck),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShow {
    /// Key to show, with everything below it, such as `integrations.azure`.
    pub(crate) key: Option<String>,
    /// Say where each value comes from: file and line, environment variable, flag, or default.
    #[arg(long)]
    pub(crate) origin: bool,
    /// File to read; again for further files.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// How to print.
    #[arg(long, short, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigCheck {
    /// File to read; again for further files.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// How to print: for people, or a JSON array of diagnostics.
    #[arg(long, short, default_value = "text")]
    pub(crate) output: SummaryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}
