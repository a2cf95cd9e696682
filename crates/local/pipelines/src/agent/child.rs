//! One process of a step: started apart, watched, interrupted, and its output read.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::container::Inside;
use super::process::{MARK, signal_group};
use super::pump::{Stream, pump};
use super::session::Session;

/// How long output is still read after a process has ended; a background process may hold the stream for ever.
const AFTER_END: Duration = Duration::from_millis(700);
/// Most bytes of output that are captured instead of logged.
const CAPTURED: u64 = 64 * 1024 * 1024;

/// What to start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: PathBuf,
    /// Directories outside the workspace that it must see.
    pub(crate) visible: Vec<PathBuf>,
    /// Whether standard output is returned rather than logged.
    pub(crate) capture: bool,
    /// The container that it runs in.
    pub(crate) container: Option<Inside>,
}

/// How a process ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ended {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Whether it was interrupted by us.
    pub(crate) stopped: bool,
    pub(crate) output: Vec<u8>,
}

impl Ended {
    /// The exit code as a shell would say it.
    pub(crate) fn number(&self) -> i32 {
        self.code.unwrap_or(137)
    }
}

/// Runs a process to its end, or interrupts it when `stop` says so.
pub(crate) async fn run(
    session: &Arc<Session>,
    start: Start,
    stop: &CancellationToken,
) -> std::io::Result<Ended> {
    let mut child = spawn(session, &start)?;
    let group = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .unwrap_or_default();
    session.state().groups.insert(group);
    let output = child.stdout.take();
    let complaints = child.stderr.take();
    let mut captured = None;
    let mut readers = Vec::new();
    if let Some(output) = output {
        if start.capture {
            captured = Some(tokio::spawn(async move {
                let mut bytes = Vec::new();
                drop(output.take(CAPTURED).read_to_end(&mut bytes).await);
                bytes
            }));
        } else {
            readers.push(tokio::spawn(pump(output, Stream::Output, Arc::clone(session))));
        }
    }
    if let Some(complaints) = complaints {
        readers.push(tokio::spawn(pump(complaints, Stream::Error, Arc::clone(session))));
    }
    let mut ended = wait(session, &mut child, group, start.container.as_ref(), stop).await?;
    if let Some(captured) = captured
        && let Ok(Ok(bytes)) = tokio::time::timeout(Duration::from_secs(5), captured).await
    {
        ended.output = bytes;
    }
    for reader in readers {
        // It goes on reading in the background: who writes there must not be ended by a closed pipe.
        drop(tokio::time::timeout(AFTER_END, reader).await);
    }
    Ok(ended)
}

fn spawn(session: &Session, start: &Start) -> std::io::Result<Child> {
    let job = &session.job;
    let mut visible: Vec<&std::path::Path> = vec![&job.workspace];
    visible.extend(start.visible.iter().map(PathBuf::as_path));
    let (program, arguments) = match &start.container {
        Some(inside) => inside.wrap(start),
        None => job.isolation.wrap(&visible, &start.program, &start.arguments),
    };
    let mut command = Command::new(program);
    if start.container.is_none() {
        command.env_clear();
    }
    command
        .args(arguments)
        .envs(start.environment.iter().map(|(name, value)| (name, value)))
        .env(MARK, job.id.to_string())
        .current_dir(&start.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

async fn wait(
    session: &Session,
    child: &mut Child,
    group: i32,
    inside: Option<&Inside>,
    stop: &CancellationToken,
) -> std::io::Result<Ended> {
    tokio::select! {
        status = child.wait() => {
            return Ok(Ended { code: status?.code(), ..Ended::default() });
        }
        () = stop.cancelled() => {}
    }
    match inside {
        // The client would go, and what it started would stay.
        Some(inside) => inside.signal("INT").await,
        None => signal_group(group, Signal::INT),
    }
    let patience = Duration::from_secs(session.job.cancel_timeout);
    let stopped = |code| Ended {
        code,
        stopped: true,
        output: Vec::new(),
    };
    if let Ok(status) = tokio::time::timeout(patience, child.wait()).await {
        return Ok(stopped(status?.code()));
    }
    if let Some(inside) = inside {
        inside.signal("KILL").await;
    }
    signal_group(group, Signal::KILL);
    Ok(stopped(child.wait().await?.code()))
}
