//! Connections by the address of their other end: no client may take all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client_network::client_network;

/// How many connections are open to whom; nobody with none.
pub(super) struct Peers {
    limit: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that counts for its peer, until it is dropped.
pub(super) struct Seat {
    peers: Arc<Peers>,
    network: IpAddr,
}

impl Peers {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        let open = Mutex::default();
        Arc::new(Self { limit, open })
    }

    /// A seat for one more connection of this peer, unless it has as many as it may.
    pub(super) fn seat(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let network = client_network(peer);
        let mut open = self.open();
        let count = open.get(&network).copied().unwrap_or_default();
        if count >= self.limit {
            return None;
        }
        open.insert(network, count + 1);
        let peers = Arc::clone(self);
        Some(Seat { peers, network })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.peers.open();
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_seats_and_gets_them_back() {
        let peers = Peers::new(2);
        let [one, other] = ["203.0.113.1", "203.0.113.2"].map(|text| text.parse().expect("an address"));
        let seats = [peers.seat(one), peers.seat(one)];
        assert!(seats.iter().all(Option::is_some) && peers.seat(one).is_none());
        assert!(peers.seat(other).is_some());
        drop(seats);
        assert!(peers.open().is_empty(), "nobody is remembered");
        assert!(peers.seat(one).is_some());
    }
}
