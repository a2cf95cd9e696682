//! The log of one step: what was printed, with the time, masked, and never larger than allowed.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// Longest line that is kept.
const LONGEST_LINE: usize = 64 * 1024;

/// A log file that keeps head and tail.
pub(crate) struct StepLog {
    file: File,
    written: u64,
    lines: u64,
    head: u64,
    tail: VecDeque<Vec<u8>>,
    tail_size: usize,
    tail_limit: usize,
    /// Bytes that will not be kept.
    cut: u64,
    full: bool,
}

impl StepLog {
    pub(crate) fn create(path: &Path, head: u64, tail: u64) -> std::io::Result<Self> {
        Ok(Self {
            file: OpenOptions::new().create(true).append(true).open(path)?,
            written: 0,
            lines: 0,
            head,
            tail: VecDeque::new(),
            tail_size: 0,
            tail_limit: usize::try_from(tail).unwrap_or(usize::MAX),
            cut: 0,
            full: false,
        })
    }

    /// Lines written so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether the head is full, so that only the last output is kept from now on.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Adds a line that was masked before.
    pub(crate) fn line(&mut self, text: &str) {
        if self.full {
            self.later(format!("{text}\n").into_bytes());
            return;
        }
        self.write(text);
        if self.written >= self.head {
            self.full = true;
            let limit = self.head / 1024;
            self.write(&format!("##[warning]The output is longer than {limit} KiB; what follows is cut, its end is shown when the step ends."));
        }
    }

    /// Adds raw output that comes after the head is full. It is masked when it is written, if ever.
    pub(crate) fn later(&mut self, bytes: Vec<u8>) {
        self.tail_size += bytes.len();
        self.tail.push_back(bytes);
        while let Some(first) = self.tail.front()
            && self.tail_size - first.len() >= self.tail_limit
        {
            self.tail_size -= first.len();
            self.cut += first.len() as u64;
            self.tail.pop_front();
        }
    }

    /// Writes the tail, with a line that says what is missing.
    pub(crate) fn finish(&mut self, mask: &dyn Fn(&str) -> String) {
        if !self.full {
            return;
        }
        let kept: Vec<u8> = std::mem::take(&mut self.tail).into_iter().flatten().collect();
        let start = kept.len().saturating_sub(self.tail_limit);
        // A line whose beginning is gone is left out: half a secret would not be recognised.
        let whole = if start == 0 && self.cut == 0 {
            0
        } else {
            kept[start..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(kept.len(), |at| start + at + 1)
        };
        let cut = self.cut + whole as u64;
        if cut > 0 {
            self.write(&format!("##[warning]{cut} bytes of output are cut here."));
        }
        let text = mask(&String::from_utf8_lossy(&kept[whole..]));
        for line in text.lines() {
            self.write(line);
        }
        self.full = false;
        self.head = u64::MAX;
        self.tail_size = 0;
    }

    fn write(&mut self, text: &str) {
        let text = if text.len() > LONGEST_LINE {
            &text[..boundary(text, LONGEST_LINE)]
        } else {
            text
        };
        let time = pave_runtime::clock::now();
        let line = format!("{time:.7} {text}\n");
        self.written += line.len() as u64;
        self.lines += 1;
        // A full disk must not end an apply that is under way; the log is short then.
        drop(self.file.write_all(line.as_bytes()));
    }
}

/// The largest place up to `most` where a text can be cut.
fn boundary(text: &str, most: usize) -> usize {
    (0..=most)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_are_kept_and_the_gap_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.log");
        let mut log = StepLog::create(&path, 200, 100).unwrap();
        for number in 0..1000 {
            log.line(&format!("line {number}"));
        }
        log.finish(&|text| text.replace("999", "***"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() < 1500, "{}", text.len());
        let last = text.lines().last().unwrap();
        assert!(
            text.contains("line 0\n")
                && text.contains("bytes of output are cut here")
                && last.ends_with("line ***"),
            "{text}"
        );
        assert_eq!(usize::try_from(log.lines()).unwrap(), text.lines().count());
    }
}
