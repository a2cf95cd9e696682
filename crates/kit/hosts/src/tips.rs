//! What a remote repository's branches and tags point to, asked for over smart HTTP with one small request: far
//! cheaper than a fetch that brings nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use pave_git::Credential;
use url::Url;

/// Names of references with the ids they point to: `HEAD`, branches, tags.
pub(crate) type Tips = BTreeMap<String, String>;

/// What version 2 of the protocol is asked.
const QUESTION: [&str; 3] = ["HEAD", "refs/heads/", "refs/tags/"];
/// The longest answer that is read; a repository with more references is fetched as Git does it.
const LONGEST: usize = 8 * 1024 * 1024;

/// Asks one repository.
pub(crate) struct Advertisement {
    http: reqwest::Client,
    url: Url,
    credential: Option<Credential>,
    /// Whether the host has said that it speaks version 2: then it need not be greeted again.
    speaks_2: AtomicBool,
}

/// What a greeting holds.
#[derive(Debug, PartialEq, Eq)]
enum Greeting {
    /// Versions 0 and 1: the references themselves.
    Tips(Tips),
    /// Version 2: they are to be asked for.
    Ask,
}

impl Advertisement {
    pub(crate) fn new(http: reqwest::Client, url: Url, credential: Option<Credential>) -> Self {
        Self {
            http,
            url,
            credential,
            speaks_2: AtomicBool::new(false),
        }
    }

    /// The references as they are now; nothing when the host did not tell, for whatever reason: then a fetch will
    /// find out, or say what is wrong in Git's own words.
    pub(crate) async fn tips(&self) -> Option<Tips> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return None;
        }
        if !self.speaks_2.load(Ordering::Relaxed) {
            match self.greet().await? {
                Greeting::Tips(tips) => return Some(tips),
                Greeting::Ask => self.speaks_2.store(true, Ordering::Relaxed),
            }
        }
        let tips = self.ask().await;
        if tips.is_none() {
            self.speaks_2.store(false, Ordering::Relaxed);
        }
        tips
    }

    async fn greet(&self) -> Option<Greeting> {
        let mut url = self.below(&["info", "refs"])?;
        url.set_query(Some("service=git-upload-pack"));
        let expected = "application/x-git-upload-pack-advertisement";
        parse_greeting(&self.answer(self.http.get(url), expected).await?)
    }

    async fn ask(&self) -> Option<Tips> {
        let mut question = packet("command=ls-refs\n") + "0001";
        for prefix in QUESTION {
            question += &packet(&format!("ref-prefix {prefix}\n"));
        }
        question += "0000";
        let request = self
            .http
            .post(self.below(&["git-upload-pack"])?)
            .header(header::CONTENT_TYPE, "application/x-git-upload-pack-request")
            .body(question);
        parse_tips(
            &self
                .answer(request, "application/x-git-upload-pack-result")
                .await?,
        )
    }

    async fn answer(&self, request: reqwest::RequestBuilder, expected: &str) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert("git-protocol", HeaderValue::from_static("version=2"));
        headers.insert(header::ACCEPT, HeaderValue::from_str(expected).ok()?);
        if let Some(credential) = &self.credential {
            let mut value = HeaderValue::from_str(&credential.header()).ok()?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut response = request.headers(headers).send().await.ok()?;
        let kind = response.headers().get(header::CONTENT_TYPE)?;
        if response.status() != StatusCode::OK || kind != expected {
            return None;
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return None;
            }
        }
        Some(body)
    }

    fn below(&self, tail: &[&str]) -> Option<Url> {
        let mut url = self.url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(tail);
        Some(url)
    }
}

/// A line in Git's framing: its length in four hexadecimal digits, then itself.
fn packet(line: &str) -> String {
    format!("{:04x}{line}", line.len() + 4)
}

/// Takes the framing away: lines, and nothing for what separates them.
fn packets(mut body: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let mut lines = Vec::new();
    while !body.is_empty() {
        let length = std::str::from_utf8(body.get(..4)?).ok()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        // Lengths below four are marks without a line.
        let line = if length < 4 {
            None
        } else {
            Some(body.get(4..length)?)
        };
        lines.push(line);
        body = body.get(length.max(4)..)?;
    }
    Some(lines)
}

fn parse_greeting(body: &[u8]) -> Option<Greeting> {
    let packets = packets(body)?;
    let lines: Vec<&[u8]> = packets
        .into_iter()
        .flatten()
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.starts_with(b"# service="))
        .collect();
    if lines.first() == Some(&b"version 2".as_slice()) {
        let foreign = |line: &&[u8]| line.starts_with(b"object-format=") && !line.ends_with(b"=sha1");
        return (!lines.iter().any(foreign)).then_some(Greeting::Ask);
    }
    let lines = lines.into_iter().filter(|line| *line != b"version 1");
    let tips: Option<Vec<_>> = lines.map(parse_tip).collect();
    tips.map(only_wanted).map(Greeting::Tips)
}

fn parse_tips(body: &[u8]) -> Option<Tips> {
    let packets = packets(body)?;
    // Without the mark at the end the answer was cut off.
    if packets.last() != Some(&None) {
        return None;
    }
    let lines = packets.into_iter().flatten().map(<[u8]>::trim_ascii_end);
    let tips: Option<Vec<_>> = lines.map(parse_tip).collect();
    tips.map(only_wanted)
}

/// `<id> <name>`, with what the protocol adds to it taken away.
fn parse_tip(line: &[u8]) -> Option<(String, String)> {
    let line = line.split(|byte| *byte == 0).next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ');
    let (id, name) = (words.next()?, words.next()?);
    let is_id = id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| (name.to_owned(), id.to_owned()))
}

/// Versions 0 and 1 tell of all references, and of what tags lead to.
fn only_wanted(tips: Vec<(String, String)>) -> Tips {
    let is_wanted = |name: &str| {
        !name.ends_with("^{}")
            && (name == "HEAD" || name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))
    };
    tips.into_iter().filter(|(name, _)| is_wanted(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn body(lines: &[&str]) -> Vec<u8> {
        let framed = lines.iter().map(|line| {
            if line.is_empty() {
                "0000".to_owned()
            } else {
                packet(line)
            }
        });
        framed.collect::<String>().into_bytes()
    }

    fn tips(list: &[(&str, &str)]) -> Tips {
        list.iter()
            .map(|(name, id)| ((*name).to_owned(), (*id).to_owned()))
            .collect()
    }

    #[test]
    fn greetings_of_every_version_are_understood() {
        let check = |lines: &[&str], expected: Option<Greeting>| {
            assert_eq!(parse_greeting(&body(lines)), expected, "{lines:?}");
        };
        let service = "# service=git-upload-pack\n";
        let head = format!("{ONE} HEAD\0side-band symref=HEAD:refs/heads/main\n");
        let main = format!("{ONE} refs/heads/main\n");
        let (tag, peeled) = (
            format!("{TWO} refs/tags/v1\n"),
            format!("{ONE} refs/tags/v1^{{}}\n"),
        );
        let pull = format!("{TWO} refs/pull/1/merge\n");
        let found = || {
            Greeting::Tips(tips(&[
                ("HEAD", ONE),
                ("refs/heads/main", ONE),
                ("refs/tags/v1", TWO),
            ]))
        };
        check(
            &[service, "", &head, &main, &pull, &tag, &peeled, ""],
            Some(found()),
        );
        check(
            &[service, "", "version 1\n", &head, &main, &tag, ""],
            Some(found()),
        );
        let empty = format!("{} capabilities^{{}}\0side-band\n", "0".repeat(40));
        check(&[service, "", &empty, ""], Some(Greeting::Tips(Tips::new())));
        check(
            &["version 2\n", "ls-refs\n", "object-format=sha1\n", ""],
            Some(Greeting::Ask),
        );
        check(
            &[service, "", "version 2\n", "ls-refs=unborn\n", ""],
            Some(Greeting::Ask),
        );
        check(&["version 2\n", "ls-refs\n", "object-format=sha256\n", ""], None);
        check(&[service, "", "ERR no\n", ""], None);
        assert_eq!(parse_greeting(b"<html>Sign in</html>"), None);
    }

    #[test]
    fn answers_that_are_cut_off_count_for_nothing() {
        let whole = body(&[
            &format!("{ONE} HEAD symref-target:refs/heads/main\n"),
            &format!("{ONE} refs/heads/main\n"),
            "",
        ]);
        assert_eq!(
            parse_tips(&whole),
            Some(tips(&[("HEAD", ONE), ("refs/heads/main", ONE)]))
        );
        for end in 0..whole.len() {
            assert_eq!(parse_tips(&whole[..end]), None, "{end}");
        }
        assert_eq!(parse_tips(b"0000"), Some(Tips::new()));
    }
}
