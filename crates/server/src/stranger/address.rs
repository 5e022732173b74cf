//! What stands for an address: an HMAC under a key that lives in memory and is replaced every day.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sotto_wire::server::MailboxId;

use super::{NoRandomness, random};

const KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Bits of an IPv6 address that one stranger cannot choose.
const NETWORK_BITS: u8 = 64;

/// Bits of an IPv6 address that somebody with many networks cannot choose: providers and tunnel brokers give no more to
/// anybody who asks.
const SITE_BITS: u8 = 48;

/// Stands for an address, a site or a mailbox, for one day.
pub(super) type Key = [u8; 16];

/// Who answers for what an address stores.
pub(super) struct Holders {
    /// An IPv4 address, or an IPv6 /64.
    pub(super) network: Key,
    /// The IPv6 /48 around it.
    pub(super) site: Option<Key>,
}

struct Day {
    /// One block of SHA-256.
    secret: [u8; 64],
    began: Instant,
}

pub(super) struct Keys {
    day: RwLock<Day>,
}

impl Keys {
    pub(super) fn new() -> Result<Self, NoRandomness> {
        Ok(Self { day: RwLock::new(Day { secret: random()?, began: Instant::now() }) })
    }

    /// What counts as one stranger: an IPv4 address, or an IPv6 /64.
    pub(super) fn address(&self, address: IpAddr) -> Key {
        match address.to_canonical() {
            IpAddr::V4(address) => self.key(&[&[4], &address.octets()]),
            IpAddr::V6(address) => self.prefix(address, NETWORK_BITS),
        }
    }

    pub(super) fn holders(&self, address: IpAddr) -> Holders {
        let site = match address.to_canonical() {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(self.prefix(address, SITE_BITS)),
        };
        Holders { network: self.address(address), site }
    }

    pub(super) fn mailbox(&self, mailbox: MailboxId) -> Key {
        self.key(&[&[0], mailbox.as_bytes()])
    }

    fn prefix(&self, address: Ipv6Addr, bits: u8) -> Key {
        let rest = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
        self.key(&[&[6, bits], &(address.to_bits() & !rest).to_be_bytes()])
    }

    fn key(&self, parts: &[&[u8]]) -> Key {
        let day = self.day.read().unwrap_or_else(PoisonError::into_inner);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&day.secret.into());
        for part in parts {
            mac.update(part);
        }
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(tag) {
            *to = from;
        }
        key
    }

    /// True if there is a new key, so that nothing is found under the old one any more.
    pub(super) fn replace_after_a_day(&self) -> bool {
        let mut day = self.day.write().unwrap_or_else(PoisonError::into_inner);
        if day.began.elapsed() >= KEY_LIFE
            && let Ok(secret) = random()
        {
            *day = Day { secret, began: Instant::now() };
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_and_one_site_have_one_key() {
        let keys = Keys::new().unwrap();
        let of = |address: &str| keys.holders(address.parse().unwrap());
        let (one, same) = (of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::"));
        assert_eq!((one.network, one.site), (same.network, same.site));
        let neighbour = of("2001:db8:1:3::3");
        assert_ne!(one.network, neighbour.network);
        assert_eq!(one.site, neighbour.site);
        assert_ne!(one.site, of("2001:db8:2:2::3").site);
        // The first network of a site is not the site.
        assert_ne!(Some(of("2001:db8:1::").network), of("2001:db8:1::").site);
        assert_eq!(of("::ffff:192.0.2.1").network, of("192.0.2.1").network);
        assert_eq!(of("192.0.2.1").site, None);
        assert_ne!(of("192.0.2.1").network, Keys::new().unwrap().address("192.0.2.1".parse().unwrap()));
    }
}
