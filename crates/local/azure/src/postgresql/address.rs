//! Loopback addresses: each server has its own, since ARM knows no port.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

/// How many addresses are tried before somebody else is blamed.
const TRIES: u16 = 16;

/// Why no address could be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// Somebody listens on every address of the machine.
    #[error("port {port} is taken on every address of this machine{}; a server of its own address cannot listen there (help: stop that program or let it listen on 127.0.0.1 only)", holder_words(.holder.as_deref()))]
    Wildcard { port: u16, holder: Option<String> },
    /// The addresses that were tried are in use or refused.
    #[error("no free loopback address was found for port {port}: {reason}")]
    NoneFree { port: u16, reason: String },
}

fn holder_words(holder: Option<&str>) -> String {
    holder.map(|holder| format!(" by {holder}")).unwrap_or_default()
}

/// Finds an address in 127.64.0.0/16 that nobody in `taken` has and on which `port` is free.
///
/// `seed` differs between installations, so that two of them on one machine seldom want the same.
pub(crate) fn choose(port: u16, seed: u16, taken: &[String]) -> Result<Ipv4Addr, AddressError> {
    let candidates = (0..u16::MAX)
        .map(|step| nth(seed.wrapping_add(step)))
        .filter(|address| !matches!(address.octets()[3], 0 | 255) && !taken.contains(&address.to_string()));
    let mut reason = String::from("all are in use");
    for address in candidates.take(usize::from(TRIES)) {
        match TcpListener::bind((address, port)) {
            Ok(_) => return Ok(address),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(wildcard_listener(port).unwrap_or(AddressError::NoneFree { port, reason }))
}

/// Checks that a server can (again) listen on its address; call it while the server does not run.
pub(crate) fn check_free(address: Ipv4Addr, port: u16) -> Result<(), AddressError> {
    match TcpListener::bind((address, port)) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let reason = format!("{address}:{port} is in use by another program");
            Err(wildcard_listener(port).unwrap_or(AddressError::NoneFree { port, reason }))
        }
        _ => Ok(()),
    }
}

fn nth(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 64, high, low)
}

/// A listener on all addresses, if there is one: the finding that `pave doctor` shows.
pub(crate) fn wildcard_listener(port: u16) -> Option<AddressError> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = tables.iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| wildcard_socket(line, port))
    })?;
    Some(AddressError::Wildcard {
        port,
        holder: holder_of(&inode),
    })
}

/// The socket's inode if a line of the kernel's table is a wildcard listener on this port.
fn wildcard_socket(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (address, found) = fields.get(1)?.split_once(':')?;
    let listening = *fields.get(3)? == "0A";
    let everywhere = address.bytes().all(|byte| byte == b'0');
    let same = u16::from_str_radix(found, 16).ok()? == port;
    (listening && everywhere && same).then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
}

/// The program that holds a socket, as far as we are allowed to see it.
fn holder_of(inode: &str) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let number: u32 = process.file_name().to_str()?.parse().ok()?;
        let descriptors = fs::read_dir(process.path().join("fd")).ok()?;
        let holds = descriptors
            .flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.to_str() == Some(&wanted)));
        if !holds {
            return None;
        }
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("`{}` (process {number})", name.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_an_address_that_is_free_and_not_promised() {
        let held = TcpListener::bind(("127.64.7.1", 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let address = choose(port, 0x0700, &["127.64.7.2".to_owned()]).unwrap();
        assert_eq!(address.to_string(), "127.64.7.3");
        assert!(check_free("127.64.7.1".parse().unwrap(), port).is_err());
    }

    #[test]
    fn names_who_listens_everywhere() {
        let held = TcpListener::bind(("0.0.0.0", 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = choose(port, 1, &[]).unwrap_err();
        assert!(matches!(error, AddressError::Wildcard { .. }), "{error}");
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
    }
}
