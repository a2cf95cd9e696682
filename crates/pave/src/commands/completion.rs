//! `pave completion`: the script by which a shell completes commands.

use clap::CommandFactory;

use crate::cli::{Cli, Shell};
use crate::output;

pub(crate) fn run(shell: Shell) {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pave", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end());
}
