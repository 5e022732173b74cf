//! How the bytes of a connection travel.

use js_sys::{Array, Map};
use sotto_engine::{CandidateKind, LinkFigures, LinkPath, PairEnd, RelayTransport};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::RtcPeerConnection;

use crate::js;

/// The path of the selected candidate pair, if the browser says enough of it.
pub(super) async fn of(connection: &RtcPeerConnection, relay_only: bool) -> Option<LinkPath> {
    let report = report(connection).await?;
    let pair = selected_pair(&report)?;
    let end = |side| end(&report.get(&js::get(&pair, side)));
    LinkPath::between(end("localCandidateId").as_ref(), end("remoteCandidateId").as_ref(), relay_only)
}

/// What has been moved on the selected candidate pair.
pub(super) async fn figures(connection: &RtcPeerConnection) -> LinkFigures {
    let Some(report) = report(connection).await else { return LinkFigures::default() };
    let Some(pair) = selected_pair(&report) else { return LinkFigures::default() };
    let number = |name| js::get(&pair, name).as_f64();
    LinkFigures {
        round_trip_us: number("currentRoundTripTime").map(|seconds| js::whole(seconds * 1e6)),
        sent: number("bytesSent").map_or(0, js::whole),
        received: number("bytesReceived").map_or(0, js::whole),
    }
}

async fn report(connection: &RtcPeerConnection) -> Option<Map> {
    Some(JsFuture::from(connection.get_stats()).await.ok()?.unchecked_into())
}

/// An `RTCIceCandidateStats` (W3C WebRTC statistics, section 8.19).
fn end(candidate: &JsValue) -> Option<PairEnd> {
    let text = |name| js::get(candidate, name).as_string();
    let kind = match text("candidateType")?.as_str() {
        "host" => CandidateKind::Host,
        "srflx" => CandidateKind::ServerReflexive,
        "prflx" => CandidateKind::PeerReflexive,
        "relay" => CandidateKind::Relay,
        _ => return None,
    };
    let transport = match text("relayProtocol").as_deref() {
        Some("udp") => Some(RelayTransport::Udp),
        Some("tcp") => Some(RelayTransport::Tcp),
        Some("tls") => Some(RelayTransport::Tls),
        _ => None,
    };
    Some(PairEnd { kind, address: text("address").and_then(|address| address.parse().ok()), transport })
}

fn selected_pair(report: &Map) -> Option<JsValue> {
    let entries: Vec<JsValue> = Array::from(&report.values()).iter().collect();
    let of_type = |entry: &&JsValue, kind: &str| js::get(entry, "type").as_string().as_deref() == Some(kind);
    let named = entries
        .iter()
        .find(|entry| of_type(entry, "transport"))
        .map(|transport| report.get(&js::get(transport, "selectedCandidatePairId")))
        .filter(JsValue::is_object);
    // Firefox has no transport entry but marks the pair, and after a restart also the one before.
    let sent = |pair: &&JsValue| js::get(pair, "lastPacketSentTimestamp").as_f64().map_or(0, js::whole);
    named.or_else(|| {
        entries
            .iter()
            .filter(|entry| of_type(entry, "candidate-pair"))
            .filter(|pair| js::get(pair, "selected").is_truthy())
            .max_by_key(sent)
            .cloned()
    })
}
