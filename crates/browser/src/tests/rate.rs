//! How fast a file moves, beside a bare channel in the same page. `cargo xtask bench` runs it.

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{
    files::{blank, file_id, receive, send, until_over},
    pair::Pair,
};

/// MiB moved in each round.
const MIB: u32 = 100;
const ROUNDS: usize = 3;

/// A bare channel, filled as the worker fills ours, with frames of the size ours have.
const RAW: &str = "(async mib => {
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
    a.onicecandidate = event => event.candidate && b.addIceCandidate(event.candidate);
    b.onicecandidate = event => event.candidate && a.addIceCandidate(event.candidate);
    const [from, to] = [a, b].map(end => end.createDataChannel('raw', {negotiated: true, id: 0}));
    const opened = new Promise(done => from.onopen = done);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
    await opened;
    to.binaryType = 'arraybuffer';
    from.bufferedAmountLowThreshold = 256 << 10;
    const frame = new Uint8Array(65564), total = mib << 20;
    let sent = 0, came = 0;
    const begun = performance.now();
    const all = new Promise(done => to.onmessage = event => (came += event.data.byteLength) >= total && done());
    const fill = () => { while (sent < total && from.bufferedAmount < 1 << 20) { from.send(frame); sent += 65564; } };
    from.onbufferedamountlow = fill;
    fill();
    await all;
    const seconds = (performance.now() - begun) / 1000;
    a.close();
    b.close();
    return mib / seconds;
})";

#[wasm_bindgen_test]
async fn rate_beside_a_bare_channel() {
    for round in 1..=ROUNDS {
        let raw: Promise = js_sys::eval(&format!("{RAW}({MIB})")).unwrap().unchecked_into();
        let raw = JsFuture::from(raw).await.unwrap().as_f64().unwrap();
        let mut pair = Pair::connected().await;
        let (file, size) = (file_id(), u64::from(MIB) << 20);
        let source = blank(MIB);
        let begun = js_sys::Date::now();
        receive(&pair, file, &super::files::KEY, size);
        send(&pair, file, &source, size);
        until_over(&mut pair, file).await;
        let ours = f64::from(MIB) / ((js_sys::Date::now() - begun) / 1000.0);
        console_log!("round {round}: ours {ours:.1} MiB/s, bare {raw:.1} MiB/s, ratio {:.2}", ours / raw);
    }
}
