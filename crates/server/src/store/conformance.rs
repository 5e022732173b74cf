//! What every store must do, as one function that each implementation's tests call.

use std::sync::Arc;

use sotto_wire::server::{
    Blob, BundleBytes, CreateInvite, EnvelopeId, InviteBundle, InviteCard, InviteId, MailboxId,
    OneTimePreKeyEntry, OwnerSecret, RedeemId, Sequence, TokenHash, limits,
};

use super::{
    CreateOutcome, InviteOutcome, ListOutcome, MailboxState, NewEnvelope, ONE_TIME_PREKEY_EVERY_S,
    ONE_TIME_PREKEYS_PER_TOKEN, OpenOutcome, PreKeysOutcome, PutOutcome, Quotas, Store, TOMBSTONE_S,
    Timestamp,
};

pub(super) const QUOTAS: Quotas = Quotas {
    mailbox_envelopes: 5,
    mailbox_bytes: 3 * 64 * 1024,
    mailbox_tokens: 4,
    mailbox_one_time_prekeys: 8,
    mailbox_idle_days: 10,
};

const NOW: Timestamp = Timestamp(1_800_000_000);
const ALICE: MailboxId = MailboxId::from_bytes([1; 16]);
const BOB: MailboxId = MailboxId::from_bytes([2; 16]);
const TOKEN: TokenHash = TokenHash::from_bytes([3; 32]);
const OTHER_TOKEN: TokenHash = TokenHash::from_bytes([4; 32]);
const KEY: [u8; 33] = [5; 33];
const OTHER_KEY: [u8; 33] = [6; 33];

/// Runs every case, each on a store that `open` makes empty with [`QUOTAS`].
pub(super) async fn conforms(open: impl AsyncFn() -> Arc<dyn Store>) {
    a_mailbox_belongs_to_its_first_key(&*open().await).await;
    envelopes_come_in_order_until_acknowledged(&*open().await).await;
    a_repetition_is_stored_once(&*open().await).await;
    it_knows_what_it_has_and_how_much_more_it_takes(&*open().await).await;
    only_valid_tokens_open_a_mailbox(&*open().await).await;
    quotas_hold_and_expiry_makes_room(&*open().await).await;
    what_has_expired_is_never_read(&*open().await).await;
    counters_agree_with_rows_after_reaping(&*open().await).await;
    one_time_prekeys_go_out_once(&*open().await).await;
    no_token_takes_all_one_time_prekeys(&*open().await).await;
    an_invite_is_used_once(&*open().await).await;
    of_many_attempts_at_once_one_wins(open().await).await;
    what_many_do_at_once_happens_once(open().await).await;
    a_mailbox_that_is_not_there_takes_nothing(&*open().await).await;
    invites_expire_and_are_revoked(&*open().await).await;
    idle_mailboxes_are_forgotten(&*open().await).await;
    a_closed_store_does_nothing(&*open().await).await;
}

async fn open_alice(store: &dyn Store) -> MailboxState {
    match store.open_mailbox(ALICE, KEY, NOW).await.unwrap() {
        OpenOutcome::Opened(state) => state,
        OpenOutcome::Refused => panic!("refused"),
    }
}

async fn alice_with_token(store: &dyn Store) {
    open_alice(store).await;
    assert_eq!(store.add_tokens(ALICE, vec![TOKEN]).await, Ok(ListOutcome::Done));
}

fn envelope(number: u8, size: usize) -> NewEnvelope {
    let blob = Blob::new(vec![number; size]).unwrap();
    NewEnvelope { mailbox: ALICE, token: TOKEN, envelope_id: blob.id(), expires: NOW.plus(3600), blob }
}

async fn put(store: &dyn Store, number: u8) -> PutOutcome {
    store.put(envelope(number, 1024), NOW).await.unwrap()
}

async fn waiting(store: &dyn Store, after: u64) -> Vec<u64> {
    let found = store.fetch(ALICE, Sequence(after), 100, NOW).await.unwrap();
    found.iter().map(|envelope| envelope.sequence.0).collect()
}

async fn reap_all(store: &dyn Store, now: Timestamp) {
    for _ in 0..100 {
        if !store.reap(now).await.unwrap() {
            return;
        }
    }
    panic!("reaping does not end");
}

async fn a_mailbox_belongs_to_its_first_key(store: &dyn Store) {
    let empty = MailboxState { acknowledged_through: Sequence(0), one_time_left: 0, waiting: 0 };
    assert_eq!(store.open_mailbox(ALICE, KEY, NOW).await, Ok(OpenOutcome::Opened(empty)));
    assert_eq!(store.open_mailbox(ALICE, OTHER_KEY, NOW).await, Ok(OpenOutcome::Refused));
    assert_eq!(store.open_mailbox(BOB, OTHER_KEY, NOW).await, Ok(OpenOutcome::Opened(empty)));
    assert_eq!(store.open_mailbox(ALICE, KEY, NOW).await, Ok(OpenOutcome::Opened(empty)));
}

async fn envelopes_come_in_order_until_acknowledged(store: &dyn Store) {
    alice_with_token(store).await;
    for number in 1..=4 {
        assert_eq!(put(store, number).await, PutOutcome::Stored(Sequence(u64::from(number))));
    }
    assert_eq!(waiting(store, 0).await, [1, 2, 3, 4]);
    assert_eq!(waiting(store, 2).await, [3, 4]);
    let first = store.fetch(ALICE, Sequence(0), 1, NOW).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].blob.as_bytes(), [1; 1024]);
    assert_eq!(first[0].envelope_id, EnvelopeId::of(&[1; 1024]));
    let far = Sequence(u64::MAX);
    store.acknowledge(ALICE, vec![Sequence(3), Sequence(3), far], NOW).await.unwrap();
    store.acknowledge(ALICE, vec![Sequence(3)], NOW).await.unwrap();
    store.acknowledge(BOB, vec![Sequence(1)], NOW).await.unwrap();
    assert_eq!(waiting(store, 0).await, [1, 2, 4]);
    let state = open_alice(store).await;
    assert_eq!((state.waiting, state.acknowledged_through), (3, Sequence(3)));
    store.acknowledge(ALICE, vec![Sequence(1)], NOW).await.unwrap();
    assert_eq!(open_alice(store).await.acknowledged_through, Sequence(3), "it never goes back");
    assert_eq!(put(store, 9).await, PutOutcome::Stored(Sequence(5)));
}

async fn a_repetition_is_stored_once(store: &dyn Store) {
    alice_with_token(store).await;
    assert_eq!(put(store, 1).await, PutOutcome::Stored(Sequence(1)));
    assert_eq!(put(store, 1).await, PutOutcome::Repeated(Sequence(1)));
    store.acknowledge(ALICE, vec![Sequence(1)], NOW).await.unwrap();
    assert_eq!(put(store, 1).await, PutOutcome::Repeated(Sequence(1)));
    assert_eq!(waiting(store, 0).await, [0; 0]);
    reap_all(store, NOW.plus(TOMBSTONE_S - 1)).await;
    assert_eq!(put(store, 1).await, PutOutcome::Repeated(Sequence(1)));
    reap_all(store, NOW.plus(TOMBSTONE_S)).await;
    assert_eq!(put(store, 1).await, PutOutcome::Stored(Sequence(2)));
}

async fn it_knows_what_it_has_and_how_much_more_it_takes(store: &dyn Store) {
    let before = store.room().await.unwrap();
    assert_eq!(store.knows(ALICE).await, Ok(false));
    alice_with_token(store).await;
    assert_eq!((store.knows(ALICE).await, store.knows(BOB).await), (Ok(true), Ok(false)));
    for number in 0..3 {
        let outcome = store.put(envelope(number, 64 * 1024), NOW).await.unwrap();
        assert!(matches!(outcome, PutOutcome::Stored(_)), "{outcome:?}");
    }
    let full = store.room().await.unwrap();
    assert!(before.saturating_sub(full) >= 3 * 64 * 1024, "{before} before, {full} with three envelopes");
    reap_all(store, NOW.plus(3601)).await;
    let after = store.room().await.unwrap();
    assert!(after > full, "{after} after they ended");
}

async fn only_valid_tokens_open_a_mailbox(store: &dyn Store) {
    alice_with_token(store).await;
    assert_eq!(store.authorise(ALICE, TOKEN).await, Ok(true));
    assert_eq!(store.authorise(ALICE, OTHER_TOKEN).await, Ok(false));
    assert_eq!(store.authorise(BOB, TOKEN).await, Ok(false));
    let stranger = NewEnvelope { token: OTHER_TOKEN, ..envelope(1, 1024) };
    assert_eq!(store.put(stranger, NOW).await, Ok(PutOutcome::Forbidden));
    let nowhere = NewEnvelope { mailbox: BOB, ..envelope(1, 1024) };
    assert_eq!(store.put(nowhere, NOW).await, Ok(PutOutcome::Forbidden));

    let more = |bytes: &[u8]| bytes.iter().map(|byte| TokenHash::from_bytes([*byte; 32])).collect::<Vec<_>>();
    assert_eq!(store.add_tokens(ALICE, more(&[3, 10, 10, 11])).await, Ok(ListOutcome::Done));
    assert_eq!(store.add_tokens(ALICE, more(&[12, 13, 3])).await, Ok(ListOutcome::Full));
    assert_eq!(store.authorise(ALICE, more(&[12])[0]).await, Ok(false), "all or none");
    assert_eq!(store.authorise(ALICE, TOKEN).await, Ok(true), "a refusal takes nothing away");
    assert_eq!(store.add_tokens(ALICE, more(&[12])).await, Ok(ListOutcome::Done));
    store.revoke_tokens(ALICE, more(&[3, 3, 99])).await.unwrap();
    assert_eq!(store.authorise(ALICE, TOKEN).await, Ok(false));
    assert_eq!(put(store, 1).await, PutOutcome::Forbidden);
    assert_eq!(store.add_tokens(ALICE, more(&[3])).await, Ok(ListOutcome::Done));
    assert_eq!(store.add_tokens(ALICE, more(&[14])).await, Ok(ListOutcome::Full));
}

async fn quotas_hold_and_expiry_makes_room(store: &dyn Store) {
    alice_with_token(store).await;
    for number in 1..=5 {
        assert!(matches!(put(store, number).await, PutOutcome::Stored(_)));
    }
    assert_eq!(put(store, 6).await, PutOutcome::Full);
    assert_eq!(put(store, 5).await, PutOutcome::Repeated(Sequence(5)), "a repetition needs no room");
    store.acknowledge(ALICE, vec![Sequence(1)], NOW).await.unwrap();
    assert!(matches!(put(store, 6).await, PutOutcome::Stored(_)));
    let later = NewEnvelope { expires: NOW.plus(9000), ..envelope(7, 1024) };
    assert!(matches!(store.put(later, NOW.plus(3600)).await, Ok(PutOutcome::Stored(_))));
    assert_eq!(open_alice(store).await.waiting, 1, "what had expired made room");

    for number in 10..12 {
        let large = envelope(number, 64 * 1024);
        assert!(matches!(store.put(large, NOW).await, Ok(PutOutcome::Stored(_))));
    }
    assert_eq!(store.put(envelope(12, 64 * 1024), NOW).await, Ok(PutOutcome::Full), "bytes count too");
    assert!(matches!(store.put(envelope(12, 16 * 1024), NOW).await, Ok(PutOutcome::Stored(_))));
}

async fn what_has_expired_is_never_read(store: &dyn Store) {
    alice_with_token(store).await;
    put(store, 1).await;
    let later = NewEnvelope { expires: NOW.plus(7200), ..envelope(2, 1024) };
    store.put(later, NOW).await.unwrap();
    let found = store.fetch(ALICE, Sequence(0), 100, NOW.plus(3600)).await.unwrap();
    assert_eq!(found.iter().map(|envelope| envelope.sequence).collect::<Vec<_>>(), [Sequence(2)]);
}

async fn counters_agree_with_rows_after_reaping(store: &dyn Store) {
    alice_with_token(store).await;
    for number in 1..=5 {
        put(store, number).await;
    }
    reap_all(store, NOW.plus(3599)).await;
    assert_eq!(open_alice(store).await.waiting, 5);
    reap_all(store, NOW.plus(3600)).await;
    assert_eq!(open_alice(store).await.waiting, 0);
    for number in 11..=15 {
        assert!(matches!(put(store, number).await, PutOutcome::Stored(_)));
    }
    assert_eq!(put(store, 16).await, PutOutcome::Full);
}

fn prekeys(ids: &[u32]) -> Vec<OneTimePreKeyEntry> {
    ids.iter().map(|id| OneTimePreKeyEntry { id: *id, key: [7; 33].into() }).collect()
}

async fn taken(store: &dyn Store) -> Option<u32> {
    taken_with(store, TOKEN, NOW).await
}

async fn taken_with(store: &dyn Store, token: TokenHash, now: Timestamp) -> Option<u32> {
    match store.take_prekeys(ALICE, token, now).await.unwrap() {
        PreKeysOutcome::Found(found) => found.one_time.map(|entry| entry.id),
        other => panic!("{other:?}"),
    }
}

async fn one_time_prekeys_go_out_once(store: &dyn Store) {
    alice_with_token(store).await;
    assert_eq!(store.take_prekeys(ALICE, TOKEN, NOW).await, Ok(PreKeysOutcome::NotPublished));
    assert_eq!(store.take_prekeys(ALICE, OTHER_TOKEN, NOW).await, Ok(PreKeysOutcome::Forbidden));
    assert_eq!(store.take_prekeys(BOB, TOKEN, NOW).await, Ok(PreKeysOutcome::Forbidden));
    let bundle = |byte| BundleBytes::new(vec![byte; 100]).unwrap();
    let publish = |byte, ids: &[u32]| store.publish_prekeys(ALICE, bundle(byte), prekeys(ids));
    assert_eq!(publish(1, &[0, 2, 1]).await, Ok(ListOutcome::Done));
    assert_eq!(open_alice(store).await.one_time_left, 3);
    assert_eq!(taken(store).await, Some(0));
    assert_eq!(taken(store).await, Some(1));
    assert_eq!(publish(2, &[0, 1, 2]).await, Ok(ListOutcome::Done), "a repetition");
    assert_eq!(taken(store).await, Some(2));
    assert_eq!(taken(store).await, None);
    match store.take_prekeys(ALICE, TOKEN, NOW).await.unwrap() {
        PreKeysOutcome::Found(found) => assert_eq!(found.bundle, bundle(2)),
        other => panic!("{other:?}"),
    }
    assert_eq!(publish(3, &[3, 4, 5, 6, 7, 8, 9, 10, 11]).await, Ok(ListOutcome::Full));
    assert_eq!(taken(store).await, None, "all or none");
    assert_eq!(publish(3, &[3, 4, 5, 6, 7, 8, 9, 10]).await, Ok(ListOutcome::Done));
    assert_eq!(taken(store).await, Some(3));
}

async fn no_token_takes_all_one_time_prekeys(store: &dyn Store) {
    alice_with_token(store).await;
    store.add_tokens(ALICE, vec![OTHER_TOKEN]).await.unwrap();
    let bundle = BundleBytes::new(vec![1; 100]).unwrap();
    let publish = |ids: Vec<u32>| store.publish_prekeys(ALICE, bundle.clone(), prekeys(&ids));
    publish((0..8).collect()).await.unwrap();
    let share = u32::try_from(ONE_TIME_PREKEYS_PER_TOKEN).unwrap();
    for id in 0..share {
        assert_eq!(taken(store).await, Some(id));
    }
    for _ in 0..3 {
        assert_eq!(taken(store).await, None, "the bundle alone, as often as asked");
    }
    let later = NOW.plus(ONE_TIME_PREKEY_EVERY_S);
    assert_eq!(taken_with(store, TOKEN, NOW.plus(ONE_TIME_PREKEY_EVERY_S - 1)).await, None);
    assert_eq!(taken_with(store, OTHER_TOKEN, NOW).await, Some(share), "another token has its own share");
    assert_eq!(taken_with(store, TOKEN, later).await, Some(share + 1));
    assert_eq!(taken_with(store, TOKEN, later).await, None);
    assert_eq!(open_alice(store).await.one_time_left, 1);

    // After a long time the share is whole, and no more than that.
    publish((8..15).collect()).await.unwrap();
    let much_later = NOW.plus(30 * 24 * 3600);
    for _ in 0..share {
        assert!(taken_with(store, TOKEN, much_later).await.is_some());
    }
    assert_eq!(taken_with(store, TOKEN, much_later).await, None);
    assert!(
        taken_with(store, TOKEN, NOW).await.is_some(),
        "a clock that went back a month refuses nobody for one"
    );
}

fn invite(number: u8) -> CreateInvite {
    CreateInvite {
        invite_id: InviteId::from_bytes([number; 16]),
        owner_hash: OwnerSecret::from_bytes([number; 32]).hash(),
        expires_at: NOW.plus(7200).0,
        card: InviteCard::new(vec![number; 64]).unwrap(),
        bundle: InviteBundle::new(vec![number; 4096]).unwrap(),
    }
}

async fn an_invite_is_used_once(store: &dyn Store) {
    let ours = invite(1);
    let id = ours.invite_id;
    let (mine, another) = (RedeemId([1; 16]), RedeemId([2; 16]));
    assert_eq!(store.create_invite(ours.clone(), NOW).await, Ok(CreateOutcome::Created));
    assert_eq!(store.create_invite(ours.clone(), NOW).await, Ok(CreateOutcome::Created));
    let theirs = CreateInvite { owner_hash: OwnerSecret::from_bytes([9; 32]).hash(), ..invite(1) };
    assert_eq!(store.create_invite(theirs, NOW).await, Ok(CreateOutcome::Conflict));
    for _ in 0..2 {
        let Ok(InviteOutcome::Open(answer)) = store.invite_card(id, NOW).await else { panic!("not open") };
        assert_eq!((answer.card, answer.expires_at), (ours.card.clone(), ours.expires_at));
    }
    let open = Ok(InviteOutcome::Open(ours.bundle.clone()));
    assert_eq!(store.redeem_invite(id, mine, NOW).await, open);
    assert_eq!(store.redeem_invite(id, another, NOW).await, Ok(InviteOutcome::Used));
    assert_eq!(store.invite_card(id, NOW).await, Ok(InviteOutcome::Used));
    let just_in_time = NOW.plus(limits::INVITE_REDEEM_AGAIN_S - 1);
    reap_all(store, just_in_time).await;
    assert_eq!(store.redeem_invite(id, mine, just_in_time).await, open);
    let too_late = NOW.plus(limits::INVITE_REDEEM_AGAIN_S);
    assert_eq!(store.redeem_invite(id, mine, too_late).await, Ok(InviteOutcome::Used));
    reap_all(store, too_late).await;
    assert_eq!(store.redeem_invite(id, mine, NOW).await, Ok(InviteOutcome::Used));
    assert_eq!(store.create_invite(ours.clone(), too_late).await, Ok(CreateOutcome::Created), "a repetition");
    assert_eq!(
        store.invite_card(id, too_late).await,
        Ok(InviteOutcome::Used),
        "which does not open it again"
    );
}

async fn of_many_attempts_at_once_one_wins(store: Arc<dyn Store>) {
    let id = invite(1).invite_id;
    store.create_invite(invite(1), NOW).await.unwrap();
    let attempts = (0..32).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.redeem_invite(id, RedeemId([number; 16]), NOW).await.unwrap() })
    });
    let mut won = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            InviteOutcome::Open(_) => won += 1,
            InviteOutcome::Used => {}
            InviteOutcome::Gone => panic!("gone"),
        }
    }
    assert_eq!(won, 1);
}

async fn what_many_do_at_once_happens_once(store: Arc<dyn Store>) {
    alice_with_token(&*store).await;
    let entries = prekeys(&[1, 2, 3, 4]);
    store.publish_prekeys(ALICE, BundleBytes::new(vec![1]).unwrap(), entries).await.unwrap();
    let all = (0..32).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { (put(&*store, 1).await, taken(&*store).await) })
    });
    let (mut stored, mut ids) = (0, Vec::new());
    for answers in all.collect::<Vec<_>>() {
        let (put, one_time) = answers.await.unwrap();
        match put {
            PutOutcome::Stored(Sequence(1)) => stored += 1,
            other => assert_eq!(other, PutOutcome::Repeated(Sequence(1))),
        }
        ids.extend(one_time);
    }
    ids.sort_unstable();
    assert_eq!((stored, ids), (1, vec![1, 2, 3, 4]));
    assert_eq!(waiting(&*store, 0).await, [1]);
}

async fn a_mailbox_that_is_not_there_takes_nothing(store: &dyn Store) {
    assert_eq!(store.add_tokens(ALICE, vec![TOKEN]).await, Ok(ListOutcome::Full));
    let bundle = BundleBytes::new(vec![1]).unwrap();
    assert_eq!(store.publish_prekeys(ALICE, bundle, prekeys(&[1])).await, Ok(ListOutcome::Full));
    store.revoke_tokens(ALICE, vec![TOKEN]).await.unwrap();
    store.acknowledge(ALICE, vec![Sequence(1)], NOW).await.unwrap();
    assert_eq!(waiting(store, 0).await, [0; 0]);
    assert_eq!(store.authorise(ALICE, TOKEN).await, Ok(false));
    assert_eq!(open_alice(store).await.one_time_left, 0);
}

async fn invites_expire_and_are_revoked(store: &dyn Store) {
    let gone = Ok(InviteOutcome::Gone);
    let owner = |number| OwnerSecret::from_bytes([number; 32]).hash();
    let attempt = RedeemId([1; 16]);
    assert_eq!(store.invite_card(invite(1).invite_id, NOW).await, Ok(InviteOutcome::Gone), "never there");
    for number in 1..=3 {
        store.create_invite(invite(number), NOW).await.unwrap();
    }
    let (first, second, third) = (invite(1).invite_id, invite(2).invite_id, invite(3).invite_id);
    assert_eq!(store.revoke_invite(first, owner(2), NOW).await, gone, "not the owner");
    assert!(matches!(store.invite_card(first, NOW).await, Ok(InviteOutcome::Open(_))));
    assert_eq!(store.revoke_invite(first, owner(1), NOW).await, Ok(InviteOutcome::Open(())));
    assert_eq!(store.revoke_invite(first, owner(1), NOW).await, gone);
    assert_eq!(store.redeem_invite(first, attempt, NOW).await, Ok(InviteOutcome::Gone));
    store.redeem_invite(second, attempt, NOW).await.unwrap();
    assert_eq!(store.revoke_invite(second, owner(2), NOW).await, Ok(InviteOutcome::Used));

    let end = NOW.plus(7200);
    assert_eq!(store.redeem_invite(third, attempt, end).await, Ok(InviteOutcome::Gone));
    assert_eq!(store.invite_card(second, end).await, Ok(InviteOutcome::Gone));
    assert_eq!(store.revoke_invite(third, owner(3), end).await, gone);
    reap_all(store, end).await;
    assert_eq!(store.invite_card(third, NOW).await, Ok(InviteOutcome::Gone));
    let long = CreateInvite { expires_at: u64::MAX, ..invite(4) };
    store.create_invite(long, NOW).await.unwrap();
    let after_a_week = NOW.plus(limits::INVITE_LIFETIME_MAX_S);
    assert_eq!(store.invite_card(invite(4).invite_id, after_a_week).await, Ok(InviteOutcome::Gone));
}

async fn idle_mailboxes_are_forgotten(store: &dyn Store) {
    const DAY_S: u64 = 24 * 3600;
    alice_with_token(store).await;
    store.publish_prekeys(ALICE, BundleBytes::new(vec![1]).unwrap(), prekeys(&[1])).await.unwrap();
    put(store, 1).await;
    store.acknowledge(ALICE, vec![Sequence(1)], NOW).await.unwrap();
    reap_all(store, NOW.plus(10 * DAY_S)).await;
    assert_eq!(open_alice(store).await.acknowledged_through, Sequence(1));
    reap_all(store, NOW.plus(11 * DAY_S)).await;
    assert_eq!(store.authorise(ALICE, TOKEN).await, Ok(false));
    let state = open_alice(store).await;
    assert_eq!((state.acknowledged_through, state.one_time_left), (Sequence(0), 0));
    assert_eq!(put(store, 1).await, PutOutcome::Forbidden);
}

async fn a_closed_store_does_nothing(store: &dyn Store) {
    alice_with_token(store).await;
    store.close().await.unwrap();
    assert!(store.put(envelope(1, 1024), NOW).await.is_err());
    assert!(store.authorise(ALICE, TOKEN).await.is_err());
    store.close().await.unwrap();
}
