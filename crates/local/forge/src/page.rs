//! Where a browser that opens a `_git` URL is sent: the portal's page of the same thing.

use http::{HeaderMap, Method, header};
use url::Url;

/// What of a URL's query the page understands.
const KEPT: [&str; 3] = ["path", "version", "line"];

/// The portal's page for a `_git` URL, if a browser asks for one. Says nothing about whether the repository exists:
/// the portal finds out as the person.
pub(crate) fn page(
    portal: &Url,
    method: &Method,
    headers: &HeaderMap,
    name: &[String; 3],
    tail: &[String],
    query: &str,
) -> Option<Url> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_browser = accept.is_some_and(|accept| accept.contains("text/html"));
    if *method != Method::GET || !is_browser {
        return None;
    }
    let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
    let (area, id, more) = match tail.as_slice() {
        [] => ("repos", None, None),
        ["pullrequest" | "pullRequest", id] => ("pullrequests", Some(*id), None),
        ["commit", id] => ("repos", None, Some([("view", "commits"), ("commit", *id)])),
        ["branches", ..] => ("repos", None, Some([("view", "branches"), ("", "")])),
        _ => return None,
    };
    let mut page = portal.clone();
    page.set_query(None);
    page.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .push(area)
        .extend(name)
        .extend(id);
    let kept = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| KEPT.contains(&key.as_ref()));
    let kept = kept.map(|(key, value)| (key.into_owned(), value.into_owned()));
    let more = more.into_iter().flatten().filter(|(key, _)| !key.is_empty());
    let more = more.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let pairs: Vec<(String, String)> = kept.chain(more).collect();
    if !pairs.is_empty() {
        page.query_pairs_mut().extend_pairs(pairs);
    }
    Some(page)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn browsers_are_sent_to_the_page_of_the_same_thing() {
        let portal: Url = "http://127.0.0.1:7007".parse().unwrap();
        let check = |tail: &[&str], query: &str, accept: &'static str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            let name = ["pave", "my project", "demo"].map(str::to_owned);
            let tail: Vec<String> = tail.iter().map(|&part| part.to_owned()).collect();
            let found = page(&portal, &Method::GET, &headers, &name, &tail, query);
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{tail:?} {query}");
        };
        let html = "text/html,application/xhtml+xml,*/*;q=0.8";
        let demo = "http://127.0.0.1:7007/repos/pave/my%20project/demo";
        check(&[], "", html, Some(demo));
        check(
            &[],
            "path=/a%20b.yaml&version=GBmain&_a=contents",
            html,
            Some(&format!("{demo}?path=%2Fa+b.yaml&version=GBmain")),
        );
        check(
            &["pullrequest", "7"],
            "",
            html,
            Some("http://127.0.0.1:7007/pullrequests/pave/my%20project/demo/7"),
        );
        check(
            &["commit", "0a1b"],
            "",
            html,
            Some(&format!("{demo}?view=commits&commit=0a1b")),
        );
        check(&["info", "refs"], "service=git-upload-pack", html, None);
        check(&[], "", "*/*", None);
        check(&[], "", "application/json", None);
    }
}
