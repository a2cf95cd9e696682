//! Who may connect: `pg_hba.conf` out of firewall rules and network settings.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// What decides who gets in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of a server"
)]
pub(crate) struct Network {
    /// Public access is on; without it, firewall rules admit nobody.
    pub(crate) public: bool,
    /// The server stands in a private network, which here is this machine.
    pub(crate) private: bool,
    /// Password logins are on.
    pub(crate) passwords: bool,
    /// Only TLS connections are let in; Azure's default.
    pub(crate) secure_only: bool,
    /// First and last address of each rule.
    pub(crate) rules: Vec<(Ipv4Addr, Ipv4Addr)>,
}

/// Renders `pg_hba.conf`. Clients come from loopback, since the server listens nowhere else.
pub(crate) fn render_access(network: &Network) -> String {
    let mut text = String::from(
        "# Written by Pave from the server's firewall rules; changes here are lost.\n\
         # The socket lies in a directory that only the server's own user can enter.\n\
         local all azuresu trust\n\
         local all all reject\n\
         host all azuresu all reject\n\
         host replication all all reject\n",
    );
    let kind = if network.secure_only { "hostssl" } else { "host" };
    if network.passwords {
        for block in admitted(network) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{kind} all all {block} scram-sha-256");
        }
    }
    text
}

fn admitted(network: &Network) -> Vec<String> {
    const LOOPBACK: &str = "127.0.0.0/8";
    if network.private {
        return vec![LOOPBACK.to_owned()];
    }
    if !network.public {
        return Vec::new();
    }
    let mut blocks = Vec::new();
    for (first, last) in &network.rules {
        // 0.0.0.0 alone means "all services inside Azure"; what runs on this machine stands for them.
        if first.is_unspecified() && last.is_unspecified() {
            blocks.push(LOOPBACK.to_owned());
        } else {
            blocks.extend(to_blocks(*first, *last));
        }
    }
    blocks
}

/// Splits a range into address blocks, largest first.
fn to_blocks(first: Ipv4Addr, last: Ipv4Addr) -> Vec<String> {
    let (mut from, to) = (u64::from(u32::from(first)), u64::from(u32::from(last)));
    let mut blocks = Vec::new();
    while from <= to {
        let aligned = if from == 0 {
            32
        } else {
            from.trailing_zeros().min(32)
        };
        let fitting = (to - from + 1).ilog2();
        let bits = aligned.min(fitting);
        let Ok(address) = u32::try_from(from) else { break };
        blocks.push(format!("{}/{}", Ipv4Addr::from(address), 32 - bits));
        from += 1 << bits;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &[(&str, &str)], expected: &[&str]) {
        let rules = rules
            .iter()
            .map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()))
            .collect();
        let network = Network {
            public: true,
            passwords: true,
            secure_only: true,
            rules,
            private: false,
        };
        let text = render_access(&network);
        let found: Vec<&str> = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("hostssl all all ")?
                    .strip_suffix(" scram-sha-256")
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn rules_become_blocks() {
        check(&[], &[]);
        check(&[("0.0.0.0", "0.0.0.0")], &["127.0.0.0/8"]);
        check(&[("127.0.0.1", "127.0.0.1")], &["127.0.0.1/32"]);
        check(&[("0.0.0.0", "255.255.255.255")], &["0.0.0.0/0"]);
        check(
            &[("10.0.0.1", "10.0.0.4")],
            &["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/32"],
        );
        check(&[("10.0.0.4", "10.0.0.1")], &[]);
    }

    #[test]
    fn private_and_closed_networks() {
        let open = Network {
            passwords: true,
            rules: vec![(Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST)],
            ..Network::default()
        };
        assert!(!render_access(&open).contains("scram"), "public access is off");
        let private = Network {
            private: true,
            ..open
        };
        assert!(render_access(&private).contains("host all all 127.0.0.0/8 scram-sha-256"));
    }
}
