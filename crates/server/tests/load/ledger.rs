//! The ledger notices what is not as promised.

use sotto_wire::server::{EnvelopeId, Sequence};

use crate::rows::ledger::Ledger;

const ONE: EnvelopeId = EnvelopeId::from_bytes([1; 16]);
const TWO: EnvelopeId = EnvelopeId::from_bytes([2; 16]);

#[test]
fn what_was_accepted_must_come_until_it_is_acknowledged() {
    let mut ledger = Ledger::default();
    ledger.accept(ONE);
    ledger.accept(TWO);
    let mut look = ledger.look();
    ledger.delivered(&mut look, ONE, Sequence(1));
    ledger.drained(&mut look);
    assert_eq!(ledger.broken.lost, 1);
    ledger.ask([ONE]);
    let mut look = ledger.look();
    ledger.delivered(&mut look, TWO, Sequence(2));
    ledger.drained(&mut look);
    assert_eq!((ledger.broken.lost, ledger.broken.twice), (1, 0));
}

#[test]
fn nothing_comes_after_its_acknowledgement_twice_or_out_of_order() {
    let mut ledger = Ledger::default();
    let mut look = ledger.look();
    ledger.delivered(&mut look, ONE, Sequence(2));
    ledger.delivered(&mut look, TWO, Sequence(1));
    assert_eq!((ledger.broken.out_of_order, ledger.broken.twice), (1, 0));
    ledger.forget([ONE]);
    let mut look = ledger.look();
    ledger.delivered(&mut look, ONE, Sequence(2));
    ledger.delivered(&mut look, TWO, Sequence(3));
    assert_eq!((ledger.broken.after_acknowledgement, ledger.broken.twice), (1, 1));
}
