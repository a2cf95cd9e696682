//! Opens the pipelines and what their steps need: the agent's program, Terraform's provider and its configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use pave_devops::{Area, Builds, Repositories};
use pave_keys::Keys;
use pave_local_forge::Forge;
use pave_local_pipelines::{
    AgentProgram, Limits, Options, Pipelines, TerraformSettings, reachable_workspaces,
};

use super::world::World;

/// Opens the pipelines, and lets the forge answer for them.
pub(super) async fn open(world: &World<'_>, forge: &Forge) -> anyhow::Result<()> {
    let data = world.place.pipelines();
    // Whoever runs steps passes through it to the workspaces, and reads nothing on the way.
    fs::create_dir_all(&data)?;
    set_mode(&data, 0o711)?;
    let workspaces = reachable_workspaces(&data);
    // Beside the workspaces, because whoever runs steps reaches those.
    let tools = workspaces.with_file_name("tools");
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let options = Options {
        data,
        workspaces: Some(workspaces),
        keys: world.keys.clone(),
        identities: world.identities.clone(),
        authorizer: world.cluster.authorizer(),
        repositories: Arc::new(forge.clone()) as Arc<dyn Repositories>,
        feed: world.feed.clone(),
        base_url: forge.base_url().clone(),
        tasks: world.tasks.clone(),
        terraform: terraform(&tools, &program, world.keys)
            .with_context(|| format!("cannot set up Terraform's provider in `{}`", tools.display()))?,
        agent: AgentProgram {
            program,
            arguments: vec!["agent".to_owned()],
        },
        authority: Some(world.keys.ca_path().to_owned()),
        isolation: None,
        limits: Limits::default(),
    };
    let pipelines = Pipelines::open(options).await?;
    forge.join(
        vec![Arc::clone(&pipelines) as Arc<dyn Area>],
        pipelines as Arc<dyn Builds>,
    );
    Ok(())
}

/// Writes the mirror with the small provider, and Terraform's configuration that names it.
fn terraform(tools: &Path, program: &Path, keys: &Keys) -> anyhow::Result<TerraformSettings> {
    open_directory(tools)?;
    let program = reachable(program, tools)?;
    let mirror = pave_local_terraform::write_mirror(tools, &program, pave_local_terraform::VERSIONS)?;
    // What a person configured for Terraform holds for steps, too.
    let own = std::env::var_os("TF_CLI_CONFIG_FILE").and_then(|path| fs::read_to_string(path).ok());
    let configuration = tools.join("terraform.tfrc");
    write_open(
        &configuration,
        pave_local_terraform::cli_config(&mirror.directory, own.as_deref())?.as_bytes(),
    )?;
    let authority = tools.join("authority.pem");
    write_open(&authority, keys.ca_pem().as_bytes())?;
    Ok(TerraformSettings {
        program: None,
        cli_config: Some(configuration),
        mirror: Some(mirror.directory),
        metadata_host_authority: Some(authority),
        visible: vec![tools.to_owned()],
    })
}

/// The program where everybody may execute it: itself, or a copy if it lies in somebody's home.
fn reachable(program: &Path, tools: &Path) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let open = |path: &Path| fs::metadata(path).is_ok_and(|found| found.mode() & 0o001 != 0);
    if !rustix::process::geteuid().is_root() || program.ancestors().all(open) {
        return Ok(program.to_owned());
    }
    let copy = tools.join("pave");
    let stamp = |path: &Path| {
        fs::metadata(path)
            .ok()
            .and_then(|it| Some((it.len(), it.modified().ok()?)))
    };
    let (ours, theirs) = (stamp(program), stamp(&copy));
    if theirs.is_none_or(|copied| ours.is_none_or(|own| own.0 != copied.0 || own.1 > copied.1)) {
        let fresh = tools.join("pave.fresh");
        fs::copy(program, &fresh)?;
        fs::rename(&fresh, &copy)?;
        set_mode(&copy, 0o755)?;
    }
    Ok(copy)
}

fn open_directory(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path)?;
    set_mode(path, 0o755)
}

/// Nothing in these files is secret, and steps of another user read them.
fn write_open(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|known| known == content) {
        return Ok(());
    }
    let fresh = path.with_extension("fresh");
    fs::write(&fresh, content)?;
    set_mode(&fresh, 0o644)?;
    fs::rename(&fresh, path)?;
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}
