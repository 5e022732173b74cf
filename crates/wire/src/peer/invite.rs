//! The invite link and what lies encrypted behind it on the server.

use base64ct::{Base64UrlUnpadded, Encoding};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{AccountHash, OneTimePreKeyPublic};
use sotto_crypto::{DeliveryToken, MailboxId, Timestamp};
use zeroize::Zeroizing;

use super::codec::{self, decode, encode};
use super::{Bundle, DeviceList, PeerError, limits};

const PATH: &str = "/i";
const VERSION: &str = "v1";

/// Why a text is not an invite link for this page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Cut off, mistyped or altered, or no invite link at all.
    #[error("not an invite link, or not a whole one")]
    Malformed,
    /// Made by a newer version.
    #[error("the invite link was made by a newer version")]
    NewerVersion,
    /// It leads to another server.
    #[error("the invite link leads to another server")]
    OtherServer {
        /// Host, and port if it is named, of that server.
        host: String,
    },
}

/// What an invite link says: `https://HOST/i#v1.BASE64URL(s ‖ SHA-256(label ‖ AIK))`, without padding.
#[derive(Debug)]
pub struct InviteLink {
    /// The link's secret.
    pub secret: InviteSecret,
    /// Hash of the inviter's account key.
    pub account: AccountHash,
}

impl InviteLink {
    /// Reads a whole link, or the fragment of one with or without its `#`.
    ///
    /// # Errors
    /// [`LinkError`]; the origin is compared only when the text names one.
    pub fn parse(text: &str, origin: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > limits::LINK_MAX {
            return Err(LinkError::Malformed);
        }
        let fragment = match text.split_once("://") {
            None => text.strip_prefix('#').unwrap_or(text),
            Some((scheme, rest)) => {
                let (address, fragment) = rest.split_once('#').ok_or(LinkError::Malformed)?;
                let (host, path) = address.split_at(address.find(['/', '?']).unwrap_or(address.len()));
                if host.is_empty()
                    || !(scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
                {
                    return Err(LinkError::Malformed);
                }
                let theirs = origin.split_once("://");
                if !theirs.is_some_and(|(own_scheme, own_host)| {
                    own_scheme.eq_ignore_ascii_case(scheme) && own_host.eq_ignore_ascii_case(host)
                }) {
                    return Err(LinkError::OtherServer { host: host.to_ascii_lowercase() });
                }
                if path.trim_end_matches('/') != PATH {
                    return Err(LinkError::Malformed);
                }
                fragment
            }
        };
        let (version, payload) = fragment.split_once('.').ok_or(LinkError::Malformed)?;
        if version != VERSION {
            let is_newer = version.strip_prefix('v').is_some_and(|digits| {
                (1..=3).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit())
            }) && version != "v0";
            return Err(if is_newer { LinkError::NewerVersion } else { LinkError::Malformed });
        }
        let mut bytes = Zeroizing::new([0; 64]);
        let decoded =
            Base64UrlUnpadded::decode(payload, bytes.as_mut_slice()).map_err(|_| LinkError::Malformed)?;
        let (secret, rest) = decoded.split_first_chunk().ok_or(LinkError::Malformed)?;
        let account = rest.try_into().map_err(|_| LinkError::Malformed)?;
        Ok(Self { secret: InviteSecret::from_bytes(secret), account: AccountHash::from_bytes(account) })
    }

    /// The whole link on a page of this origin (`https://HOST`).
    #[must_use]
    pub fn format(&self, origin: &str) -> String {
        let mut bytes = Zeroizing::new([0; 64]);
        let secret = self.secret.to_bytes();
        for (to, from) in bytes.iter_mut().zip(secret.iter().chain(self.account.as_bytes())) {
            *to = *from;
        }
        let mut buffer = Zeroizing::new([0; 86]);
        let payload = Base64UrlUnpadded::encode(bytes.as_slice(), buffer.as_mut_slice()).unwrap_or_default();
        let parts = [origin, PATH, "#", VERSION, ".", payload];
        // Joined in one place: a text that grew would leave the secret behind.
        parts.concat()
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Content {
    #[n(0)]
    device_list: ByteVec,
    #[n(1)]
    bundle: ByteVec,
    #[n(2)]
    #[cbor(with = "codec::item")]
    one_time: OneTimePreKeyPublic,
    #[n(3)]
    #[cbor(with = "codec::item")]
    mailbox: MailboxId,
    #[n(4)]
    #[cbor(with = "codec::item")]
    token: DeliveryToken,
}

/// What the invitee needs to write the first message: the content of the invite's bundle box.
#[derive(Debug)]
pub struct InviteContents {
    /// The inviter's devices.
    pub device_list: DeviceList,
    /// Bundle of the device that made the invite.
    pub bundle: Bundle,
    /// A one-time prekey made for this invite only.
    pub one_time: OneTimePreKeyPublic,
    /// The inviter's mailbox.
    pub mailbox: MailboxId,
    /// What lets the invitee write to it.
    pub token: DeliveryToken,
}

impl InviteContents {
    /// The content of the bundle box.
    #[must_use]
    pub fn encode(
        device_list: &DeviceList,
        bundle: &[u8],
        one_time: OneTimePreKeyPublic,
        mailbox: MailboxId,
        token: DeliveryToken,
    ) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(encode(&Content {
            device_list: device_list.as_bytes().to_vec().into(),
            bundle: bundle.to_vec().into(),
            one_time,
            mailbox,
            token,
        }))
    }

    /// Reads the opened bundle box and verifies that it comes from the account the link names.
    ///
    /// # Errors
    /// [`PeerError`]; [`PeerError::WrongAccount`] if it is another account's.
    pub fn decode(bytes: &[u8], account: &AccountHash, now: Timestamp) -> Result<Self, PeerError> {
        let content: Content = decode(bytes, limits::INVITE_BUNDLE_MAX)?;
        let device_list = DeviceList::decode(&content.device_list)?;
        if device_list.account().hash() != *account {
            return Err(PeerError::WrongAccount);
        }
        let bundle = Bundle::decode(&content.bundle, &device_list, now)?;
        let Content { one_time, mailbox, token, .. } = content;
        Ok(Self { device_list, bundle, one_time, mailbox, token })
    }
}
