//! Repository URLs: when two spellings mean one repository.

/// One spelling for all spellings of a repository: host (with port, where it is not the scheme's own) and path, in
/// lower case, without user, scheme and `.git`. All forms of an Azure DevOps URL become one.
#[must_use]
pub fn normalise(url: &str) -> String {
    let parts = split(url);
    join(&parts, true)
}

/// As [`normalise`], without the port: what a webhook's URL is matched by.
#[must_use]
pub fn canonical(url: &str) -> String {
    join(&split(url), false)
}

/// Whether two URLs mean one repository, up to scheme, user, port, letter case, `.git` and Azure's many forms.
#[must_use]
pub fn same_repository(left: &str, right: &str) -> bool {
    canonical(left) == canonical(right)
}

struct Parts {
    host: String,
    port: String,
    path: Vec<String>,
}

fn split(url: &str) -> Parts {
    let trimmed = url.trim().trim_end_matches('/');
    let (scheme, rest) = match trimmed.split_once("://") {
        Some((scheme, rest)) => (scheme.to_lowercase(), rest.to_owned()),
        // `user@host:path`, as ssh writes it.
        None => match trimmed.split_once(':') {
            Some((host, path)) if !host.contains('/') => ("ssh".to_owned(), format!("{host}/{path}")),
            _ => (String::new(), trimmed.to_owned()),
        },
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest.as_str(), ""));
    let host = authority.rsplit('@').next().unwrap_or_default().to_lowercase();
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name.to_owned(), port.to_owned())
        }
        _ => (host, String::new()),
    };
    let own = matches!(
        (scheme.as_str(), port.as_str()),
        ("https", "443") | ("http", "80") | ("ssh", "22")
    );
    let path = path
        .split('/')
        .filter(|it| !it.is_empty())
        .map(|it| decode(it).to_lowercase())
        .collect();
    Parts {
        host,
        port: if own { String::new() } else { port },
        path,
    }
}

fn join(parts: &Parts, with_port: bool) -> String {
    let Parts { host, port, path } = parts;
    let mut path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(last) = path.last_mut() {
        *last = last.strip_suffix(".git").unwrap_or(last);
    }
    if let Some((organization, project, repository)) = azure(host, &path) {
        return format!("dev.azure.com/{organization}/{project}/_git/{repository}");
    }
    let host = host
        .strip_prefix("ssh.")
        .or_else(|| host.strip_prefix("altssh."))
        .unwrap_or(host);
    let port = if with_port && !port.is_empty() {
        format!(":{port}")
    } else {
        String::new()
    };
    // A server that speaks Azure DevOps' URLs under its own host: `/{organization}/{repository}` is short as well.
    if let [organization, "_git", repository] = path.as_slice() {
        return format!("{host}{port}/{organization}/{repository}/_git/{repository}");
    }
    format!("{host}{port}/{}", path.join("/"))
}

/// Organization, project and repository, from any of the forms in which Azure DevOps writes a URL.
fn azure<'a>(host: &'a str, path: &[&'a str]) -> Option<(&'a str, &'a str, &'a str)> {
    let path = match path {
        ["v3", rest @ ..] if host == "ssh.dev.azure.com" || host == "vs-ssh.visualstudio.com" => {
            let [organization, project, repository] = rest else {
                return None;
            };
            return Some((organization, project, repository));
        }
        _ if host == "dev.azure.com" => path.to_vec(),
        _ => {
            let organization = host.strip_suffix(".visualstudio.com")?;
            let rest = path.strip_prefix(&["defaultcollection"]).unwrap_or(path);
            [&[organization], rest].concat()
        }
    };
    match path.as_slice() {
        [organization, project, "_git", repository] => Some((organization, project, repository)),
        // The project may be left out where it is called like the repository.
        [organization, "_git", repository] => Some((organization, repository, repository)),
        _ => None,
    }
}

fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let byte = hex
            .and_then(|it| u8::from_str_radix(it, 16).ok())
            .filter(|_| *first == b'%');
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_an_azure_url_are_one() {
        for url in [
            "https://dev.azure.com/Org/My%20Project/_git/Repo",
            "https://alice@dev.azure.com/org/my project/_git/repo/",
            "https://org.visualstudio.com/My%20Project/_git/repo",
            "https://org.visualstudio.com/DefaultCollection/My%20Project/_git/repo.git",
            "git@ssh.dev.azure.com:v3/org/My%20Project/repo",
            "ssh://git@ssh.dev.azure.com:22/v3/org/my%20project/repo",
            "org@vs-ssh.visualstudio.com:v3/org/my%20project/repo",
        ] {
            assert_eq!(canonical(url), "dev.azure.com/org/my project/_git/repo", "{url}");
        }
        assert_eq!(
            canonical("https://org.visualstudio.com/_git/r"),
            "dev.azure.com/org/r/_git/r"
        );
    }

    #[test]
    fn other_urls_match_up_to_scheme_user_port_and_case() {
        let check = |left: &str, right: &str, expected: bool| {
            assert_eq!(same_repository(left, right), expected, "{left} and {right}");
        };
        check("https://github.com/a/b.git", "git@github.com:A/b", true);
        check("https://github.com/a/b", "https://github.com/a/c", false);
        check(
            "https://127.0.0.1:8443/pave/platform/_git/x",
            "http://u:t@127.0.0.1/pave/platform/_git/X",
            true,
        );
        check("https://h/pave/_git/x", "https://h/pave/x/_git/x", true);
        check("file:///srv/git/x.git", "file:///srv/git/x", true);
        assert_ne!(normalise("https://h:1/a"), normalise("https://h:2/a"));
        assert_eq!(normalise("https://h:443/a"), normalise("https://h/a"));
    }
}
