//! One valid example of everything a client sends.

use sotto_wire::server::{
    BundleBytes, Class, ClientFrame, CreateInvite, DeliveryToken, FetchPreKeys, InviteBundle, InviteCard,
    InviteId, ListedToken, LookAtInvite, Message, OneTimePreKeyEntry, OneTimePreKeys, OwnerHash, OwnerSecret,
    RedeemId, RedeemInvite, RevokeInvite, TokenHashes, path,
};

use crate::client::device::{Device, fresh_blob};

/// Every body, with the path it goes to.
pub fn bodies(device: &Device) -> Vec<(&'static str, Vec<u8>)> {
    let invite_id = InviteId::from_bytes([7; 16]);
    let create = CreateInvite {
        invite_id,
        owner_hash: OwnerHash([1; 32]),
        expires_at: u64::MAX,
        card: InviteCard::new(vec![1; 64]).unwrap(),
        bundle: InviteBundle::new(vec![2; 600]).unwrap(),
    };
    let fetch = FetchPreKeys { mailbox: device.mailbox, token: DeliveryToken::from_bytes(&device.token) };
    vec![
        (path::ENVELOPES, device.envelope(Class::Stored, fresh_blob(1024)).encode()),
        (path::ENVELOPES, device.envelope(Class::Ephemeral, fresh_blob(1024)).encode()),
        (path::INVITES, create.encode()),
        (path::INVITE_CARD, LookAtInvite { invite_id }.encode()),
        (path::INVITE_REDEEM, RedeemInvite { invite_id, redeem_id: RedeemId([3; 16]) }.encode()),
        (
            path::INVITE_REVOKE,
            RevokeInvite { invite_id, owner_secret: OwnerSecret::from_bytes([4; 32]) }.encode(),
        ),
        (path::PREKEYS, fetch.encode()),
    ]
}

/// Every frame but the first.
pub fn frames(device: &Device) -> Vec<Vec<u8>> {
    let hashes = || {
        let hash = DeliveryToken::from_bytes(&device.token).hash();
        TokenHashes::new(vec![ListedToken(hash)]).unwrap()
    };
    let one_time = (0..20).map(|id| OneTimePreKeyEntry { id, key: [2; 33].into() }).collect();
    let frames = [
        ClientFrame::Credit { n: 64 },
        ClientFrame::acknowledge((1..40).map(sotto_wire::server::Sequence).collect()).unwrap(),
        ClientFrame::AddTokens { request: 1, hashes: hashes() },
        ClientFrame::RevokeTokens { request: 2, hashes: hashes() },
        ClientFrame::PublishPreKeys {
            request: 3,
            bundle: BundleBytes::new(vec![5; 400]).unwrap(),
            one_time: OneTimePreKeys::new(one_time).unwrap(),
        },
        ClientFrame::Ping { n: 9 },
    ];
    frames.iter().map(Message::encode).collect()
}
