//! From a process's output to the log: lines, logging commands, masking, and what to do with a flood.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::command;
use super::session::Session;

/// Longest line that is looked at; what follows in the same line is dropped.
const LONGEST: usize = 256 * 1024;

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// Reads a stream to its end.
pub(crate) async fn pump(mut reader: impl AsyncRead + Unpin, stream: Stream, session: Arc<Session>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut lines = Lines::default();
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => lines.feed(&buffer[..count], stream, &session),
        }
    }
    lines.finish(stream, &session);
}

#[derive(Default)]
struct Lines {
    /// A line of which the end is not here yet.
    started: Vec<u8>,
    /// Whether the rest of the line is dropped.
    dropping: bool,
}

impl Lines {
    fn feed(&mut self, mut bytes: &[u8], stream: Stream, session: &Session) {
        // In a flood, only chunks that may hold a command are looked at line by line.
        if !bytes.contains(&b'#') && !self.started.contains(&b'#') {
            let mut state = session.state();
            if let Some(step) = state.step.as_mut().filter(|step| step.log.is_full()) {
                step.complained |= stream == Stream::Error;
                let mut chunk = std::mem::take(&mut self.started);
                chunk.extend_from_slice(bytes);
                step.log.later(chunk);
                return;
            }
        }
        if self.dropping && !bytes.contains(&b'\n') {
            return;
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.end_line(stream, session);
        }
        self.extend(bytes);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.started.len());
        self.started.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.dropping |= bytes.len() > room;
    }

    fn end_line(&mut self, stream: Stream, session: &Session) {
        let line = std::mem::take(&mut self.started);
        self.dropping = false;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\r');
        // The part that is looked at may end within a secret: it is shorter than what is masked.
        handle(text, stream, session);
    }

    fn finish(&mut self, stream: Stream, session: &Session) {
        if !self.started.is_empty() {
            self.end_line(stream, session);
        }
    }
}

fn handle(line: &str, stream: Stream, session: &Session) {
    if stream == Stream::Output
        && line.contains("##vso[")
        && let Some(found) = pave_pipeline::logging_command(line)
    {
        command::obey(found, session);
        return;
    }
    let mut state = session.state();
    let masked = state.masker.mask(line).into_owned();
    let Some(step) = state.step.as_mut() else { return };
    step.complained |= stream == Stream::Error && !line.trim().is_empty();
    step.log.line(&masked);
    let number = step.log.lines();
    let Some(found) = step
        .reader
        .as_mut()
        .and_then(|reader| reader.line(&masked, number))
    else {
        return;
    };
    state.issue(found.kind, &found.message, found.data, found.line);
}
