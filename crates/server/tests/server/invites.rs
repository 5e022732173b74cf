//! An invite over HTTP, from its making to its end.

use sotto_server::store::Timestamp;
use sotto_wire::server::{
    Accepted, CreateInvite, ErrorCode, InviteBundle, InviteCard, InviteCardAnswer, InviteId, LookAtInvite,
    Message, OwnerSecret, RedeemId, RedeemInvite, RedeemedInvite, RevokeInvite, path,
};

use crate::support::{Server, post, unique};

fn invite() -> CreateInvite {
    CreateInvite {
        invite_id: InviteId::from_bytes(unique()),
        owner_hash: OwnerSecret::from_bytes([1; 32]).hash(),
        expires_at: Timestamp::now().plus(3600).0,
        card: InviteCard::new(vec![2; 60]).unwrap(),
        bundle: InviteBundle::new(vec![3; 4096 + 28]).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_uses_nothing_up_and_redeeming_does() {
    let server = Server::start().await;
    let invite = invite();
    let look = LookAtInvite { invite_id: invite.invite_id };
    let redeem = |redeem_id| RedeemInvite { invite_id: invite.invite_id, redeem_id: RedeemId(redeem_id) };
    server.post(path::INVITE_CARD, &look).await.refused(ErrorCode::InviteGone);
    for _ in 0..2 {
        let created = server.post(path::INVITES, &invite).await;
        assert_eq!((created.status, created.decode::<Accepted>()), (201, Accepted {}));
    }
    for _ in 0..3 {
        let card: InviteCardAnswer = server.post(path::INVITE_CARD, &look).await.decode();
        assert_eq!((card.card, card.expires_at), (invite.card.clone(), invite.expires_at));
    }
    for _ in 0..2 {
        let redeemed: RedeemedInvite = server.post(path::INVITE_REDEEM, &redeem([1; 16])).await.decode();
        assert_eq!(redeemed.bundle, invite.bundle);
    }
    server.post(path::INVITE_REDEEM, &redeem([2; 16])).await.refused(ErrorCode::InviteUsed);
    server.post(path::INVITE_CARD, &look).await.refused(ErrorCode::InviteUsed);
    let other = CreateInvite { owner_hash: OwnerSecret::from_bytes([9; 32]).hash(), ..invite.clone() };
    server.post(path::INVITES, &other).await.refused(ErrorCode::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_cannot_redeem_the_same_invite() {
    let server = Server::start().await;
    let invite = invite();
    server.post(path::INVITES, &invite).await.decode::<Accepted>();
    let attempts = (0..16).map(|number| {
        let redeem = RedeemInvite { invite_id: invite.invite_id, redeem_id: RedeemId([number; 16]) };
        let address = server.address;
        tokio::spawn(async move { post(address, path::INVITE_REDEEM, &redeem.encode()).await })
    });
    let mut won = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        let response = attempt.await.unwrap();
        if response.status == 200 {
            won += 1;
        } else {
            response.refused(ErrorCode::InviteUsed);
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_owner_takes_an_invite_back() {
    let server = Server::start().await;
    let invite = invite();
    server.post(path::INVITES, &invite).await.decode::<Accepted>();
    let revoke =
        |secret| RevokeInvite { invite_id: invite.invite_id, owner_secret: OwnerSecret::from_bytes(secret) };
    server.post(path::INVITE_REVOKE, &revoke([8; 32])).await.refused(ErrorCode::InviteGone);
    assert_eq!(server.post(path::INVITE_REVOKE, &revoke([1; 32])).await.status, 200);
    let redeem = RedeemInvite { invite_id: invite.invite_id, redeem_id: RedeemId([1; 16]) };
    server.post(path::INVITE_REDEEM, &redeem).await.refused(ErrorCode::InviteGone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_ends_within_a_week_and_survives_a_restart() {
    let mut server = Server::start().await;
    let now = Timestamp::now();
    for expires_at in [0, now.0, now.plus(9 * 24 * 3600).0, u64::MAX] {
        let invite = CreateInvite { expires_at, ..invite() };
        server.post(path::INVITES, &invite).await.refused(ErrorCode::Malformed);
    }
    let used = invite();
    let open = CreateInvite { expires_at: now.plus(7 * 24 * 3600).0, ..invite() };
    server.post(path::INVITES, &used).await.decode::<Accepted>();
    server.post(path::INVITES, &open).await.decode::<Accepted>();
    let redeem =
        |invite: &CreateInvite| RedeemInvite { invite_id: invite.invite_id, redeem_id: RedeemId([1; 16]) };
    server.post(path::INVITE_REDEEM, &redeem(&used)).await.decode::<RedeemedInvite>();
    server.restart().await;
    let look = LookAtInvite { invite_id: used.invite_id };
    server.post(path::INVITE_CARD, &look).await.refused(ErrorCode::InviteUsed);
    server.post(path::INVITE_REDEEM, &redeem(&open)).await.decode::<RedeemedInvite>();
}
