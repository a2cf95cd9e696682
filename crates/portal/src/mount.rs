//! Behind a reverse proxy the portal may stand below a path, as `app.baseUrl` says. Everything inside is written as if it
//! stood at the root: what comes in loses the prefix here, and the few places that name a path of their own put it back.

use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, Uri};
use tower::util::MapRequest;

use crate::context::{Addresses, Configuration, is_host_of};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// How the browser that sent a request reaches the portal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mounted {
    /// What stands before every path, `/pave`; empty at the root.
    pub(crate) prefix: String,
    /// Whether nothing travels in clear: a cookie then says so.
    pub(crate) secure: bool,
}

/// Where the portal stands.
#[derive(Clone)]
struct Mount {
    base: url::Url,
    addresses: Addresses,
}

/// Puts the routes where `app.baseUrl` says, and leaves them at the root too, for whoever comes without the proxy.
pub(crate) fn mount(routes: Router, configuration: &Configuration, addresses: &Addresses) -> Router {
    let Some(base) = configuration.reached_at() else {
        return routes;
    };
    let mount = Mount {
        base,
        addresses: addresses.clone(),
    };
    Router::new().fallback_service(MapRequest::new(routes, move |request: Request| {
        mount.enter(request)
    }))
}

impl Mount {
    /// `/pave`, without a slash at its end.
    fn prefix(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    fn enter(&self, mut request: Request) -> Request {
        let stripped = strip(request.uri(), self.prefix());
        let outside = stripped.is_some() || self.is_outside(request.headers());
        if let Some(uri) = stripped {
            *request.uri_mut() = uri;
        }
        if outside {
            request.extensions_mut().insert(Mounted {
                prefix: self.prefix().to_owned(),
                secure: self.base.scheme() == "https",
            });
        }
        request
    }

    /// Whether a request came through the proxy, which may have taken the prefix away already. The headers decide nothing but
    /// how addresses in the answer begin, so nobody gains by inventing them.
    fn is_outside(&self, headers: &HeaderMap) -> bool {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let named = |name: &HeaderName| {
            text(name)
                .is_some_and(|host| is_host_of(Some(&self.base), host) && !self.addresses.is_own_host(host))
        };
        let prefixed = text(&FORWARDED_PREFIX)
            .is_some_and(|it| !self.prefix().is_empty() && it.trim_end_matches('/') == self.prefix());
        prefixed || named(&HOST) || named(&FORWARDED_HOST)
    }
}

/// The address without the prefix; nothing where it does not begin with it.
fn strip(uri: &Uri, prefix: &str) -> Option<Uri> {
    if prefix.is_empty() {
        return None;
    }
    let rest = uri.path().strip_prefix(prefix)?;
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = if rest.is_empty() { "/" } else { rest };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn mount_at(base: &str) -> Mount {
        Mount {
            base: base.parse().unwrap(),
            addresses: Addresses {
                portal: "http://127.0.0.1:7007".into(),
                cluster: String::new(),
                forge: String::new(),
                azure: String::new(),
                data: String::new(),
                kubeconfig: String::new(),
            },
        }
    }

    #[test]
    fn prefixes_go_and_are_remembered() {
        let check =
            |base: &str, headers: &[(&str, &str)], uri: &str, expected: (&str, Option<(&str, bool)>)| {
                let mut request = Request::builder().uri(uri);
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                let entered = mount_at(base).enter(request.body(Body::empty()).unwrap());
                let found = entered
                    .extensions()
                    .get::<Mounted>()
                    .map(|it| (it.prefix.as_str(), it.secure));
                assert_eq!(
                    (entered.uri().to_string().as_str(), found),
                    expected,
                    "{base} {uri} {headers:?}"
                );
            };
        let local = [("host", "127.0.0.1:7007")];
        let outside = [("host", "dev.example.com")];
        let base = "https://dev.example.com/pave/";
        check(
            base,
            &outside,
            "/pave/runs/a?b=c",
            ("/runs/a?b=c", Some(("/pave", true))),
        );
        check(base, &outside, "/pave", ("/", Some(("/pave", true))));
        check(base, &outside, "/pave?x=1", ("/?x=1", Some(("/pave", true))));
        check(base, &outside, "/paved", ("/paved", Some(("/pave", true))));
        // A proxy that takes the prefix away itself.
        check(base, &outside, "/runs/a", ("/runs/a", Some(("/pave", true))));
        let rewritten = [
            ("host", "127.0.0.1:7007"),
            ("x-forwarded-host", "dev.example.com"),
        ];
        check(base, &rewritten, "/runs/a", ("/runs/a", Some(("/pave", true))));
        let prefixed = [("host", "127.0.0.1:7007"), ("x-forwarded-prefix", "/pave/")];
        check(base, &prefixed, "/", ("/", Some(("/pave", true))));
        // Without the proxy it stands at the root.
        check(base, &local, "/runs/a", ("/runs/a", None));
        let other = [("host", "127.0.0.1:7007"), ("x-forwarded-prefix", "/evil")];
        check(base, &other, "/", ("/", None));
        // A base without a path is the root, but a secure one.
        check(
            "https://dev.example.com",
            &outside,
            "/runs",
            ("/runs", Some(("", true))),
        );
        check("http://127.0.0.1:7007", &local, "/runs", ("/runs", None));
    }
}
