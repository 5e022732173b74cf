//! Invites: those we made, and those of others that we are using.

use minicbor::{Decode, Encode};
use sotto_crypto::SessionId;
use sotto_crypto::envelope::TagKey;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::OneTimePreKey;
use sotto_wire::peer::{InviteLink, codec};
use sotto_wire::server::OwnerSecret;
use zeroize::Zeroizing;

use crate::contact::Issued;
use crate::{InviteId, InviteView, Timestamp, policy};

/// What is left of an invite's secrets.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) enum Stage {
    /// It can be used.
    #[n(0)]
    Open {
        #[n(0)]
        #[cbor(with = "codec::item")]
        secret: InviteSecret,
        #[n(1)]
        #[cbor(with = "codec::item")]
        one_time: OneTimePreKey,
        /// What is uploaded, made once, since its nonces must never meet another content.
        #[n(2)]
        #[cbor(with = "minicbor::bytes")]
        card: Vec<u8>,
        #[n(3)]
        #[cbor(with = "minicbor::bytes")]
        bundle: Vec<u8>,
    },
    /// Somebody came by it; its pre-shared key is gone. The tag key tells further first messages of the same session,
    /// and a second use of the link, from noise.
    #[n(1)]
    Used {
        #[n(0)]
        #[cbor(with = "codec::item")]
        tag: TagKey,
        /// The session in which it was used.
        #[n(1)]
        #[cbor(with = "codec::item")]
        session: SessionId,
        /// When the user was told that somebody else used it as well.
        #[n(2)]
        told: Option<Timestamp>,
    },
    /// Withdrawn; the server is still to be told.
    #[n(2)]
    Revoked {},
}

/// An invite of ours: one record.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Invite {
    #[n(0)]
    pub(crate) id: InviteId,
    #[n(1)]
    pub(crate) stage: Stage,
    /// By which the invitee writes to us; moves to the contact when it comes.
    #[n(2)]
    pub(crate) token: Option<Issued>,
    /// Withdraws it.
    #[n(3)]
    pub(crate) owner_secret: OwnerSecret,
    #[n(4)]
    pub(crate) expires_at: Timestamp,
    /// Whether the server has it.
    #[n(5)]
    pub(crate) uploaded: bool,
    /// Failed requests in a row.
    #[cbor(skip)]
    pub(crate) failures: u32,
    #[cbor(skip)]
    pub(crate) asking: bool,
    /// The screen was told that it has ended.
    #[cbor(skip)]
    pub(crate) ended: bool,
}

impl core::fmt::Debug for Invite {
    /// Without the secret that withdraws it.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Invite")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .field("uploaded", &self.uploaded)
            .finish_non_exhaustive()
    }
}

impl Invite {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    /// Whether somebody can still look at it and use it.
    pub(crate) fn is_offered(&self, now: Timestamp) -> bool {
        self.is_open() && now < self.expires_at
    }

    /// A number that the delivery key in it has at least: that key was at most due to be renewed when it was made.
    pub(crate) fn delivery_told(&self) -> u32 {
        let ages = policy::INVITE_LIFETIME.saturating_add(policy::ROTATION);
        let seconds = (self.expires_at.0 / 1000).saturating_sub(ages.as_secs());
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.uploaded && self.token.as_ref().is_some_and(|token| token.registered)
    }

    /// How it is shown, if it can still be used.
    pub(crate) fn view(&self, link: impl FnOnce(&InviteSecret) -> String) -> Option<InviteView> {
        let Stage::Open { secret, .. } = &self.stage else { return None };
        Some(InviteView {
            id: self.id,
            link: link(secret),
            expires_at: self.expires_at,
            ready: self.is_ready(),
        })
    }
}

/// The link that is being looked at.
pub(crate) struct Looked {
    pub(crate) link: InviteLink,
    pub(crate) id: InviteId,
    /// The inviter's name, once the card has come.
    pub(crate) name: Option<String>,
}

/// A link being used: one record, so that a reload goes on where it was, under the same redeem id.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Acceptance {
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub(crate) secret: InviteSecret,
    /// Hash of the inviter's account key.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) account: [u8; 32],
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) redeem_id: [u8; 16],
    /// What the card called the inviter.
    #[n(3)]
    pub(crate) name: String,
    #[cbor(skip)]
    pub(crate) failures: u32,
}

/// A copy of an invite's secret, for handing it on.
pub(crate) fn copy(secret: &InviteSecret) -> InviteSecret {
    let bytes: Zeroizing<[u8; 32]> = secret.to_bytes();
    InviteSecret::from_bytes(&bytes)
}
