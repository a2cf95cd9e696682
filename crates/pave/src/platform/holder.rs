//! Who holds a port, read from /proc: for the error that says a port is taken, and for `pave doctor`.

use std::fs;
use std::net::Ipv4Addr;

/// State of a listening socket in /proc/net/tcp.
const LISTEN: &str = "0A";

/// A listening socket.
struct Listening {
    address: Ipv4Addr,
    inode: String,
}

/// Describes the process that listens on a port of loopback or of all addresses, such as `postgres (process 123)`.
pub(crate) fn of_port(port: u16) -> Option<String> {
    listening(port)
        .into_iter()
        .find(|it| it.address.is_loopback() || it.address.is_unspecified())
        .map(|it| describe(&it.inode))
}

/// Describes the process that listens on a port of *all* addresses, and so on every loopback address too.
pub(crate) fn of_wildcard(port: u16) -> Option<String> {
    let wildcard6 = rows("/proc/net/tcp6", port)
        .into_iter()
        .find(|row| row.0.bytes().all(|byte| byte == b'0'));
    listening(port)
        .into_iter()
        .find(|it| it.address.is_unspecified())
        .map(|it| it.inode)
        .or_else(|| wildcard6.map(|row| row.1))
        .map(|inode| describe(&inode))
}

fn listening(port: u16) -> Vec<Listening> {
    rows("/proc/net/tcp", port)
        .into_iter()
        .filter_map(|(address, inode)| {
            // The kernel prints the address as one number in the machine's byte order.
            let address = u32::from_str_radix(&address, 16).ok()?;
            Some(Listening {
                address: Ipv4Addr::from(address.swap_bytes()),
                inode,
            })
        })
        .collect()
}

/// Address (hex) and inode of the sockets that listen on a port.
fn rows(table: &str, port: u16) -> Vec<(String, String)> {
    let wanted = format!("{port:04X}");
    let text = fs::read_to_string(table).unwrap_or_default();
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, found) = fields.get(1)?.split_once(':')?;
            let matches = found == wanted && *fields.get(3)? == LISTEN;
            matches.then(|| (address.to_owned(), (*fields.get(9).unwrap_or(&"")).to_owned()))
        })
        .collect()
}

fn describe(inode: &str) -> String {
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let id = process.file_name().to_string_lossy().into_owned();
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let files = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        if files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|target| target.to_string_lossy() == socket)
        {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return format!("`{}` (process {id})", name.trim());
        }
    }
    "a process of another user".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_this_process_as_the_holder() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = of_port(port).unwrap();
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        assert_eq!(of_wildcard(port), None);
    }
}
