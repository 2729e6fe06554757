//! A network for everybody: an address of this machine's loopback, by which the shop's CDN on this machine knows its callers.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use local::outcome::Outcome;
use reqwest::Client;

use super::plan::{Cast, SPRAYERS, Who};

/// Timeout of a login: nobody waits longer, and API Gateway gives up at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The clients of all networks.
pub(crate) struct Networks(BTreeMap<Who, Client>);

impl Networks {
    /// Takes an address for each. Only Linux has all of 127.0.0.0/8 by itself.
    pub(crate) fn new(cast: &Cast) -> Outcome<Self> {
        if !cfg!(target_os = "linux") {
            return Err(
                "--logins calls from many addresses of 127.0.0.0/8, which takes Linux".into(),
            );
        }
        let owners = (0..cast.owners).map(Who::Owner);
        let sprayers = (0..SPRAYERS).map(|network| Who::Sprayer { network });
        let everybody = owners
            .chain(sprayers)
            .chain([Who::TargetsOwner, Who::Guesser]);
        let mut clients = BTreeMap::new();
        for (number, who) in everybody.enumerate() {
            clients.insert(who, client(address(number)?)?);
        }
        Ok(Self(clients))
    }

    /// The client of somebody.
    pub(crate) fn of(&self, who: Who) -> &Client {
        &self.0[&who]
    }
}

/// Addresses from 127.1.0.1 on.
fn address(number: usize) -> Outcome<Ipv4Addr> {
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 1));
    Ok(Ipv4Addr::from(first + u32::try_from(number)?))
}

fn client(address: Ipv4Addr) -> Outcome<Client> {
    Ok(Client::builder()
        .local_address(std::net::IpAddr::from(address))
        .timeout(PATIENCE)
        .pool_max_idle_per_host(256)
        .build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_an_address_of_their_own() {
        assert_eq!(address(0).unwrap(), Ipv4Addr::new(127, 1, 0, 1));
        assert_eq!(address(255).unwrap(), Ipv4Addr::new(127, 1, 1, 0));
    }
}
