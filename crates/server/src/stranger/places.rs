//! How many connections each address has open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::address::{Holders, Key};
use super::{TooMany, lock};

/// What a site may have open, in shares of a network.
const SITE: u32 = 4;

/// When to try again: some connection may have ended by then.
const AGAIN: Duration = Duration::from_secs(10);

type Open = Arc<Mutex<HashMap<Key, u32>>>;

pub(super) struct Places {
    open: Open,
    most: u32,
}

/// One of an address's connections, until it is dropped.
#[derive(Debug)]
pub struct Place {
    open: Open,
    keys: Vec<Key>,
}

impl Places {
    pub(super) fn new(most: u32) -> Self {
        Self { open: Open::default(), most }
    }

    pub(super) fn take(&self, holders: &Holders) -> Result<Place, TooMany> {
        let each = std::iter::once((holders.network, 1)).chain(holders.site.map(|site| (site, SITE)));
        let mut open = lock(&self.open);
        let full = |(key, shares): (Key, u32)| {
            open.get(&key).is_some_and(|count| *count >= self.most.saturating_mul(shares))
        };
        if each.clone().any(full) {
            return Err(TooMany::after(AGAIN));
        }
        let keys: Vec<Key> = each.map(|(key, _)| key).collect();
        for key in &keys {
            let count = open.entry(*key).or_insert(0);
            *count = count.saturating_add(1);
        }
        Ok(Place { open: Arc::clone(&self.open), keys })
    }

    /// One that is not counted.
    pub(super) fn uncounted(&self) -> Place {
        Place { open: Arc::clone(&self.open), keys: Vec::new() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        for key in &self.keys {
            if let Some(count) = open.get_mut(key) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    open.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(network: u8, site: Option<u8>) -> Holders {
        Holders { network: [network; 16], site: site.map(|site| [site; 16]) }
    }

    #[test]
    fn an_address_and_its_site_have_so_many_and_leave_nothing_behind() {
        let places = Places::new(2);
        let one = holders(1, Some(100));
        let mut held = vec![places.take(&one).unwrap(), places.take(&one).unwrap()];
        assert_eq!(places.take(&one).unwrap_err(), TooMany { retry_after_s: 11 });
        assert!(places.take(&holders(2, None)).is_ok(), "another");
        for network in 3..6 {
            held.push(places.take(&holders(network, Some(100))).unwrap());
            held.push(places.take(&holders(network, Some(100))).unwrap());
        }
        assert!(places.take(&holders(9, Some(100))).is_err(), "eight of one site");
        drop(held.pop());
        assert!(places.take(&holders(9, Some(100))).is_ok());
        held.clear();
        assert!(lock(&places.open).is_empty());
    }
}
