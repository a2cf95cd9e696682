//! `git-receive-pack`: push.

use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use pave_auth::Principal;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::{Input, answer, feed, not_started, protocol, settings, with_protocol};
use crate::ForgeError;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::hook::{Dialogue, Question};
use crate::repository::Repository;
use crate::store::Update;

/// How long Git may take to move references once it was allowed to.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `git receive-pack` in a task of its own: once its objects are in, a push ends well or badly, but it ends,
/// whether the client still listens or not.
pub(super) async fn serve(
    forge: &Forge,
    principal: Principal,
    repository: Repository,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let input = super::input(&parts.headers, body).await?;
    let dialogue = forge.hooks().dialogue()?;
    let git = settings(with_protocol(
        repository.git(),
        protocol(&parts.headers).as_deref(),
    ))
    .config("core.hooksPath", &forge.hooks().path())
    .env("PAVE_PUSH", &dialogue.path());
    let directory = repository.directory.display().to_string();
    let mut command = git.command(&["receive-pack", "--stateless-rpc", &directory]);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let child = command.spawn().map_err(|source| not_started("git", &source))?;
    let (sender, receiver): (_, UnboundedReceiver<std::io::Result<Bytes>>) = unbounded_channel();
    let push = Push {
        forge: forge.clone(),
        principal,
        repository,
        dialogue,
        sender,
    };
    forge
        .tasks()
        .spawn("forge push", async move { push.run(child, input).await });
    let body = Body::from_stream(UnboundedReceiverStream::new(receiver));
    Ok(answer("application/x-git-receive-pack-result", body))
}

struct Push {
    forge: Forge,
    principal: Principal,
    repository: Repository,
    dialogue: Dialogue,
    /// The report is small, so it may wait in memory for a slow client.
    sender: UnboundedSender<std::io::Result<Bytes>>,
}

impl Push {
    async fn run(mut self, mut child: Child, input: Input) {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let sender = self.sender.clone();
        let talk =
            async move { tokio::try_join!(feed(input, stdin), pass_on(stdout, sender)).map(|((), ())| ()) };
        tokio::pin!(talk);
        let question = tokio::select! {
            ended = &mut talk => {
                // Nothing was asked: an empty request, a broken pack, or a client that went away.
                if let Err(error) = ended {
                    tracing::debug!(%error, "push broken off");
                    child.start_kill().ok();
                }
                child.wait().await.ok();
                return;
            }
            question = self.dialogue.question() => question,
        };
        let question = match question {
            Ok(question) => question,
            Err(error) => {
                tracing::error!(%error, "the hook cannot be heard");
                child.start_kill().ok();
                child.wait().await.ok();
                return;
            }
        };
        let _turn = self.forge.turn(&self.repository).await;
        let (lines, admitted) = self.decide(&question).await;
        if let Err(error) = self.dialogue.answer(&lines, admitted.is_some()).await {
            tracing::error!(%error, "the hook cannot be answered");
        }
        let end = async {
            talk.await.ok();
            child.wait().await.ok();
        };
        if tokio::time::timeout(PATIENCE, end).await.is_err() {
            tracing::error!(
                repository = self.repository.full_name(),
                "receive-pack does not end; it is stopped"
            );
            child.start_kill().ok();
            child.wait().await.ok();
        }
        if let Some(id) = admitted {
            self.settle(id, &question.updates).await;
        }
    }

    async fn decide(&self, question: &Question) -> (Vec<String>, Option<i64>) {
        let git = self
            .repository
            .git()
            .env("GIT_OBJECT_DIRECTORY", &question.objects)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &question.alternates);
        match self
            .forge
            .admit(&self.principal, &self.repository, &git, &question.updates)
            .await
        {
            Ok(id) => (Vec::new(), Some(id)),
            Err(ForgeError::Refused(lines) | ForgeError::Guarded(lines) | ForgeError::Locked(lines)) => {
                (lines, None)
            }
            Err(ForgeError::Store(error)) if error.is_full() => (
                vec!["the disk of the forge is full; nothing was changed".to_owned()],
                None,
            ),
            Err(error) => {
                let id = uuid::Uuid::new_v4();
                tracing::error!(%id, error = &error as &dyn std::error::Error, "push cannot be checked");
                (
                    vec![format!(
                        "the forge could not check this push; its log has the cause under {id}"
                    )],
                    None,
                )
            }
        }
    }

    /// The client gets the end of the answer only after this: what it was told of, others will be told of.
    async fn settle(&self, id: i64, updates: &[Update]) {
        if let Err(error) = self.forge.settle(id, &self.repository, updates).await {
            tracing::error!(
                push = id,
                error = &error as &dyn std::error::Error,
                "push not noted; will try again"
            );
            self.forge.recover_later();
        }
    }
}

async fn pass_on(
    stdout: Option<ChildStdout>,
    sender: UnboundedSender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    let Some(mut stdout) = stdout else { return Ok(()) };
    let mut buffer = BytesMut::with_capacity(4096);
    while stdout.read_buf(&mut buffer).await? > 0 {
        // A client that has gone does not stop the push.
        sender.send(Ok(buffer.split().freeze())).ok();
        buffer.reserve(4096);
    }
    Ok(())
}
