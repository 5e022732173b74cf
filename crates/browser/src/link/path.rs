//! How the bytes of a connection travel.

use js_sys::{Array, Map};
use sotto_engine::LinkPath;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::RtcPeerConnection;

use crate::js;

/// The path of the selected candidate pair. Where the browser does not say, direct: TURN is used only by those who
/// were given servers.
pub(super) async fn of(connection: &RtcPeerConnection) -> LinkPath {
    let Ok(report) = JsFuture::from(connection.get_stats()).await else { return LinkPath::Direct };
    let report: Map = report.unchecked_into();
    let types = [("localCandidateId", "relay"), ("remoteCandidateId", "relay")];
    let relayed = selected_pair(&report).is_some_and(|pair| {
        types.iter().any(|(side, relay)| {
            let candidate = report.get(&js::get(&pair, side));
            js::get(&candidate, "candidateType").as_string().as_deref() == Some(*relay)
        })
    });
    if relayed { LinkPath::Relayed } else { LinkPath::Direct }
}

fn selected_pair(report: &Map) -> Option<JsValue> {
    let entries: Vec<JsValue> = Array::from(&report.values()).iter().collect();
    let of_type = |entry: &&JsValue, kind: &str| js::get(entry, "type").as_string().as_deref() == Some(kind);
    let named = entries
        .iter()
        .find(|entry| of_type(entry, "transport"))
        .map(|transport| report.get(&js::get(transport, "selectedCandidatePairId")))
        .filter(JsValue::is_object);
    // Firefox has no transport entry but marks the pair.
    named.or_else(|| {
        entries
            .iter()
            .filter(|entry| of_type(entry, "candidate-pair"))
            .find(|pair| js::get(pair, "selected").is_truthy())
            .cloned()
    })
}
