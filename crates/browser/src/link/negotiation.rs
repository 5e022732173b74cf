//! Who offers, who answers, and who gives way when both offer at once.

use js_sys::Promise;
use sotto_wire::peer::{DescriptionKind, Signal};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    RtcIceCandidateInit, RtcPeerConnection, RtcSdpType, RtcSessionDescriptionInit, RtcSignalingState,
};

/// Candidates that may come before the description they belong to.
const MAX_EARLY: usize = 64;

#[wasm_bindgen]
extern "C" {
    /// `RTCPeerConnection` with the `setLocalDescription` that makes the fitting description itself.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Connection;

    #[wasm_bindgen(method, js_name = setLocalDescription)]
    fn set_local_description(this: &Connection) -> Promise;
}

/// The one that answers is not the one that was connected: its page was opened anew, and nothing of the link is left
/// there.
#[derive(Debug)]
pub(super) struct AnotherPeer;

/// Perfect negotiation. Its steps are awaited one after the other, so an offer in the making, which the example of
/// the specification watches with a flag, cannot meet a description that comes in.
#[derive(Debug)]
pub(super) struct Negotiation {
    polite: bool,
    /// Whether to offer when the browser asks for it: the one that was told to wait does so only after it was offered
    /// something.
    may_offer: bool,
    ignoring: bool,
    early: Vec<RtcIceCandidateInit>,
}

impl Negotiation {
    pub(super) fn new(polite: bool, initiate: bool) -> Self {
        Self { polite, may_offer: initiate, ignoring: false, early: Vec::new() }
    }

    /// Makes an offer, if it is time for one.
    pub(super) async fn offer(&mut self, connection: &RtcPeerConnection) -> Option<Signal> {
        // The event can be overtaken by an offer from the other side, which settles it as well.
        if !self.may_offer || connection.signaling_state() != RtcSignalingState::Stable {
            return None;
        }
        describe(connection).await
    }

    /// Takes an offer back that was not answered, before another path is sought: it may have been lost, or its answer,
    /// and the browser asks for another only when none is open.
    pub(super) async fn withdraw(&self, connection: &RtcPeerConnection) {
        if connection.signaling_state() == RtcSignalingState::HaveLocalOffer {
            let rollback = RtcSessionDescriptionInit::new(RtcSdpType::Rollback);
            // Where it is refused, the other side's next offer still settles it.
            let _ = JsFuture::from(connection.set_local_description(&rollback)).await;
        }
    }

    /// Takes a signal of the other side; gives the answer to an offer. What does not fit is ignored: the link then
    /// does not come to be, which its time limit notices.
    ///
    /// # Errors
    /// [`AnotherPeer`]
    pub(super) async fn signal(
        &mut self,
        connection: &RtcPeerConnection,
        signal: Signal,
    ) -> Result<Option<Signal>, AnotherPeer> {
        match signal {
            Signal::Description { kind, sdp } => self.description(connection, kind, &sdp).await,
            Signal::Candidate { candidate, mid, line_index } => {
                if candidate.is_empty() {
                    return Ok(None);
                }
                let init = RtcIceCandidateInit::new(&candidate);
                init.set_sdp_mid(mid.as_deref());
                init.set_sdp_m_line_index(line_index);
                if connection.remote_description().is_some() {
                    add(connection, &init).await;
                } else if self.early.len() < MAX_EARLY {
                    self.early.push(init);
                }
                Ok(None)
            }
        }
    }

    async fn description(
        &mut self,
        connection: &RtcPeerConnection,
        kind: DescriptionKind,
        sdp: &str,
    ) -> Result<Option<Signal>, AnotherPeer> {
        let is_offer = kind == DescriptionKind::Offer;
        let collision = is_offer && connection.signaling_state() != RtcSignalingState::Stable;
        self.ignoring = !self.polite && collision;
        if self.ignoring {
            return Ok(None);
        }
        let known = connection.current_remote_description().map(|description| description.sdp());
        if known.is_some_and(|known| fingerprint(&known) != fingerprint(sdp)) {
            return Err(AnotherPeer);
        }
        let description =
            RtcSessionDescriptionInit::new(if is_offer { RtcSdpType::Offer } else { RtcSdpType::Answer });
        match their_role(connection).filter(|_| is_offer) {
            Some(role) => description.set_sdp(&sdp.replace(ANY_ROLE, role)),
            None => description.set_sdp(sdp),
        }
        // On a collision this rolls our own offer back.
        if JsFuture::from(connection.set_remote_description(&description)).await.is_err() {
            return Ok(None);
        }
        self.may_offer = true;
        for candidate in core::mem::take(&mut self.early) {
            add(connection, &candidate).await;
        }
        Ok(if is_offer { describe(connection).await } else { None })
    }
}

/// Leaves the DTLS role to whoever answers (RFC 8842 section 5.1).
const ANY_ROLE: &str = "a=setup:actpass";

/// The other side's DTLS role, as a line, once a first answer has settled it. It stays (RFC 8842 section 5.3), also where
/// the other side offers: Firefox would choose anew, and Chromium refuses its answer then.
fn their_role(connection: &RtcPeerConnection) -> Option<&'static str> {
    let theirs = connection.current_remote_description()?;
    let own = connection.current_local_description()?;
    let (answer, is_own) =
        if theirs.type_() == RtcSdpType::Answer { (theirs.sdp(), false) } else { (own.sdp(), true) };
    let is_active = role(&answer)? == "active";
    Some(if is_active == is_own { "a=setup:passive" } else { "a=setup:active" })
}

fn role(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=setup:"))
}

/// The DTLS fingerprint of a description (RFC 8122 section 5), which is the same as long as the other end is.
fn fingerprint(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=fingerprint:"))
}

/// Sets the local description that fits the state, and gives it.
async fn describe(connection: &RtcPeerConnection) -> Option<Signal> {
    let done = connection.unchecked_ref::<Connection>().set_local_description();
    JsFuture::from(done).await.ok()?;
    let description = connection.local_description()?;
    let kind = match description.type_() {
        RtcSdpType::Offer => DescriptionKind::Offer,
        RtcSdpType::Answer => DescriptionKind::Answer,
        _ => return None,
    };
    Some(Signal::Description { kind, sdp: description.sdp() })
}

/// Adds a candidate. One that the browser refuses, also because it belongs to an ignored offer, is one path less.
async fn add(connection: &RtcPeerConnection, candidate: &RtcIceCandidateInit) {
    let added: Promise = connection.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(candidate));
    let _: Result<JsValue, JsValue> = JsFuture::from(added).await;
}
