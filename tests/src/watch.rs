//! Looking into a page from outside: its connections, and the random bytes its keys are made of. The product has no
//! part in this; the browser is asked to run these scripts before the page's own.

use serde_json::Value;

use crate::person::Person;
use crate::wait::{Outcome, trouble};

const WATCH: &str = "
    globalThis.__watched = { links: [], drawn: [] };
    const Native = globalThis.RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Native {
        constructor(...rest) { super(...rest); globalThis.__watched.links.push(this); }
    };
    const draw = Crypto.prototype.getRandomValues;
    Crypto.prototype.getRandomValues = function (array) {
        const filled = draw.call(this, array);
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        globalThis.__watched.drawn.push([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
        return filled;
    };
";

const SELECTED_PAIRS: &str = "
    const pairs = globalThis.__watched.links
        .filter((link) => link.connectionState === 'connected')
        .map(async (link) => {
            const stats = await link.getStats();
            const all = [...stats.values()];
            const chosen = all.find((entry) => entry.type === 'transport')?.selectedCandidatePairId;
            const pair = chosen
                ? stats.get(chosen)
                // After a restart Firefox marks the one before as well.
                : all.filter((entry) => entry.type === 'candidate-pair' && entry.selected)
                    .sort((a, b) => b.lastPacketSentTimestamp - a.lastPacketSentTimestamp)[0];
            if (!pair) return 'none';
            const kind = (id) => stats.get(id)?.candidateType;
            const reached = stats.get(pair.localCandidateId)?.relayProtocol;
            const own = kind(pair.localCandidateId) + (reached ? `/${reached}` : '');
            return `${own} ${kind(pair.remoteCandidateId)} ${pair.state}`;
        });
    return Promise.all(pairs);
";

/// A browser that knows no WebRTC: everything has to go through the server.
const NO_WEBRTC: &str = "delete globalThis.RTCPeerConnection;";

impl Person {
    /// Watches every page opened from now on.
    pub async fn be_watched(&self) -> Outcome {
        self.preload(WATCH).await
    }

    /// Takes WebRTC away from every page opened from now on.
    pub async fn do_without_webrtc(&self) -> Outcome {
        self.preload(NO_WEBRTC).await
    }

    /// The candidate pairs in use, as `getStats` tells: `host prflx succeeded`, `relay/tcp host succeeded`.
    pub async fn candidate_pairs(&self) -> Outcome<Vec<String>> {
        Ok(self.driver().await?.execute(SELECTED_PAIRS, vec![]).await?.convert()?)
    }

    /// Every draw of random bytes that is as long as a key, and the same in reverse: whichever way a number is read.
    pub async fn drawn_keys(&self) -> Outcome<Vec<Vec<u8>>> {
        let drawn: Vec<String> = match self.script("return globalThis.__watched.drawn", vec![]).await? {
            Value::Array(drawn) => {
                drawn.into_iter().filter_map(|hex| hex.as_str().map(str::to_owned)).collect()
            }
            other => return Err(trouble(format!("no draws: {other}"))),
        };
        let keys: Vec<Vec<u8>> =
            drawn.iter().filter(|hex| hex.len() == 64).filter_map(|hex| from_hex(hex)).collect();
        let reversed: Vec<Vec<u8>> = keys.iter().map(|key| key.iter().rev().copied().collect()).collect();
        Ok([keys, reversed].concat())
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    Some(digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect())
}
