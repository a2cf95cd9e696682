//! A way to the names below `localhost`, for programs that ask the name service for them.
//!
//! Storage accounts of the local cloud have host names of their own, `{account}.blob.storage.pave.localhost`. Names
//! below `localhost` are this machine, but Go's programs ask a name service that need not know them. They heed
//! `HTTPS_PROXY`, so a command gets a proxy: on loopback, for as long as the command runs. It only understands
//! `CONNECT`, and sees nothing of what passes through.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Most bytes of the head of a request.
const HEAD: u64 = 16 * 1024;
/// Time for a head to come and for a connection to stand.
const PATIENCE: Duration = Duration::from_secs(30);

/// The proxy of one command; it ends with this.
pub(crate) struct Tunnel {
    port: u16,
    _end: DropGuard,
}

/// Where what is not on this machine goes: to the proxy that was set for the command before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Outer {
    proxy: Option<Proxy>,
    /// Hosts that are reached without it.
    direct: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Proxy {
    address: String,
    /// `Proxy-Authorization`.
    credentials: Option<String>,
}

impl Tunnel {
    /// Opens one for a command with this environment.
    pub(crate) async fn open(environment: &[(String, String)]) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let end = CancellationToken::new();
        let outer = Outer::read(environment);
        tokio::spawn(end.clone().run_until_cancelled_owned(accept(listener, outer)));
        Ok(Self {
            port,
            _end: end.drop_guard(),
        })
    }

    /// The environment of a command, with the way through here.
    pub(crate) fn lead(&self, environment: &mut Vec<(String, String)>) {
        environment.retain(|(name, _)| !is_setting(name));
        let proxy = format!("http://127.0.0.1:{}", self.port);
        environment.push(("HTTPS_PROXY".to_owned(), proxy));
    }
}

/// What is replaced: whoever is not to be asked through the outer proxy is known here.
fn is_setting(name: &str) -> bool {
    ["https_proxy", "no_proxy"].contains(&name.to_ascii_lowercase().as_str())
}

impl Outer {
    /// The settings of the command, or those that the agent itself was started with.
    fn read(environment: &[(String, String)]) -> Self {
        let of_command = |name: &str| {
            let mut found = environment
                .iter()
                .rev()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.clone())
        };
        let setting = |name: &str| {
            of_command(name)
                .or_else(|| std::env::var(name).ok())
                .or_else(|| std::env::var(name.to_ascii_lowercase()).ok())
        };
        Self::parse(
            &setting("HTTPS_PROXY").unwrap_or_default(),
            &setting("NO_PROXY").unwrap_or_default(),
        )
    }

    fn parse(proxy: &str, direct: &str) -> Self {
        let proxy = proxy.trim();
        let whole = if proxy.contains("://") {
            proxy.to_owned()
        } else {
            format!("http://{proxy}")
        };
        let url = url::Url::parse(&whole).ok().filter(|_| !proxy.is_empty());
        let proxy = url.and_then(|url| {
            let address = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
            let credentials = (!url.username().is_empty()).then(|| {
                use base64::Engine as _;
                let plain = format!("{}:{}", url.username(), url.password().unwrap_or_default());
                let encoded = base64::engine::general_purpose::STANDARD.encode(plain);
                format!("Proxy-Authorization: Basic {encoded}\r\n")
            });
            Some(Proxy { address, credentials })
        });
        let direct = direct
            .split(',')
            .map(|it| {
                it.trim()
                    .trim_start_matches("*.")
                    .trim_start_matches('.')
                    .to_ascii_lowercase()
            })
            .filter(|it| !it.is_empty())
            .collect();
        Self { proxy, direct }
    }

    /// The proxy for a host, unless it is reached without.
    fn proxy_for(&self, host: &str) -> Option<&Proxy> {
        let direct = |name: &String| name == "*" || host == name || host.ends_with(&format!(".{name}"));
        self.proxy.as_ref().filter(|_| !self.direct.iter().any(direct))
    }
}

async fn accept(listener: TcpListener, outer: Outer) {
    let outer = std::sync::Arc::new(outer);
    // They end with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let outer = std::sync::Arc::clone(&outer);
                connections.spawn(async move { drop(pass(stream, &outer).await) });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers one connection, and passes on what comes after.
async fn pass(mut stream: TcpStream, outer: &Outer) -> std::io::Result<()> {
    let asked = tokio::time::timeout(PATIENCE, read_request(&mut stream)).await;
    let Some((host, port)) = asked.unwrap_or(Ok(None))? else {
        let answer = "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(answer.as_bytes()).await;
    };
    let connected = tokio::time::timeout(PATIENCE, connect(&host, port, outer)).await;
    let connected = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    let Ok(mut further) = connected else {
        let answer = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(answer.as_bytes()).await;
    };
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    copy_bidirectional(&mut stream, &mut further).await?;
    Ok(())
}

/// Reads the head of a request. Nobody sends more before the answer has come.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<(String, u16)>> {
    let mut reader = BufReader::new(stream.take(HEAD));
    let mut first = String::new();
    reader.read_line(&mut first).await?;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).await? == 0 || line.trim().is_empty() {
            break;
        }
    }
    Ok(target(&first))
}

/// `CONNECT host:port HTTP/1.1`
fn target(line: &str) -> Option<(String, u16)> {
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let (host, port) = target.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (method == "CONNECT" && !host.is_empty()).then_some((host.to_ascii_lowercase(), port.parse().ok()?))
}

async fn connect(host: &str, port: u16, outer: &Outer) -> std::io::Result<TcpStream> {
    if host == "localhost" || host.ends_with(".localhost") {
        return TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    }
    // Azure's own clients ask their proxy for addresses of this machine, too.
    let own = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let Some(proxy) = outer.proxy_for(host).filter(|_| !own) else {
        return TcpStream::connect((host, port)).await;
    };
    let mut stream = TcpStream::connect(&proxy.address).await?;
    let credentials = proxy.credentials.as_deref().unwrap_or_default();
    let shown = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let request = format!("CONNECT {shown} HTTP/1.1\r\nHost: {shown}\r\n{credentials}\r\n");
    stream.write_all(request.as_bytes()).await?;
    read_answer(&mut stream).await?;
    Ok(stream)
}

/// Reads the head of the outer proxy's answer, and no byte more: what follows is not ours.
async fn read_answer(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() as u64 >= HEAD {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    match head.split_whitespace().nth(1) {
        Some(status) if status.starts_with('2') => Ok(()),
        _ => Err(std::io::ErrorKind::ConnectionRefused.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_go_through_the_outer_proxy_unless_they_are_excepted() {
        for (proxy, direct, host, expected) in [
            ("http://proxy:3128", "", "example.com", Some("proxy:3128")),
            ("proxy:3128", "", "example.com", Some("proxy:3128")),
            ("http://proxy:3128", "example.com", "example.com", None),
            ("http://proxy:3128", ".example.com,b", "a.example.com", None),
            (
                "http://proxy:3128",
                "example.com",
                "anexample.com",
                Some("proxy:3128"),
            ),
            ("http://proxy:3128", "*", "example.com", None),
            ("", "", "example.com", None),
        ] {
            let outer = Outer::parse(proxy, direct);
            let found = outer.proxy_for(host).map(|proxy| proxy.address.as_str());
            assert_eq!(found, expected, "{proxy} {direct} {host}");
        }
    }

    #[test]
    fn only_connect_is_understood() {
        for (line, expected) in [
            (
                "CONNECT a.blob.storage.pave.localhost:8443 HTTP/1.1\r\n",
                Some(("a.blob.storage.pave.localhost", 8443)),
            ),
            ("CONNECT [::1]:443 HTTP/1.1\r\n", Some(("::1", 443))),
            ("CONNECT example.com HTTP/1.1\r\n", None),
            ("GET http://example.com/ HTTP/1.1\r\n", None),
            ("", None),
        ] {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(target(line), expected, "{line}");
        }
    }

    /// Answers one connection with what comes first, and gives that.
    async fn echo(listener: TcpListener) -> Vec<u8> {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn names_below_localhost_lead_to_this_machine_for_as_long_as_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(echo(listener));
        let tunnel = Tunnel::open(&[]).await.unwrap();
        let mut environment = vec![("https_proxy".to_owned(), "http://other".to_owned())];
        tunnel.lead(&mut environment);
        let own = format!("http://127.0.0.1:{}", tunnel.port);
        assert_eq!(environment, [("HTTPS_PROXY".to_owned(), own)]);

        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, tunnel.port))
            .await
            .unwrap();
        let request = format!("CONNECT a.b.localhost:{port} HTTP/1.1\r\nHost: a\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        read_answer(&mut client).await.unwrap();
        client.write_all(b"ping").await.unwrap();
        let mut bytes = vec![0; 4];
        client.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"ping");
        assert_eq!(server.await.unwrap(), b"ping");

        drop(tunnel);
        assert_eq!(client.read(&mut bytes).await.unwrap_or_default(), 0);
    }

    #[tokio::test]
    async fn everything_else_goes_on_through_the_outer_proxy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outer = format!("http://user:word@{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
            String::from_utf8(head).unwrap()
        });
        let tunnel = Tunnel::open(&[("HTTPS_PROXY".to_owned(), outer)]).await.unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, tunnel.port))
            .await
            .unwrap();
        let request = b"CONNECT registry.example:443 HTTP/1.1\r\n\r\n";
        client.write_all(request).await.unwrap();
        read_answer(&mut client).await.unwrap();
        let mut bytes = vec![0; 5];
        client.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"hello");
        let head = server.await.unwrap();
        assert!(
            head.starts_with("CONNECT registry.example:443 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.contains("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n"),
            "{head}"
        );
    }
}
