//! What a signal shows of a network: kinds of candidates, and what is left of one for those who hide their address.

use sotto_wire::peer::Signal;

use crate::Candidates;

/// The one address that says nothing (RFC 8839 section 5.1 has it for a related address that is not told).
const NOWHERE: &str = "0.0.0.0";

/// Extensions of a candidate line that say nothing of where somebody is.
const HARMLESS: [&str; 2] = ["generation", "ufrag"];

/// The kind of a candidate line (RFC 8839 section 5.1), `candidate:` or `a=candidate:` in front.
fn kind(line: &str) -> Option<&str> {
    let mut words = line.split_ascii_whitespace().skip(6);
    (words.next() == Some("typ")).then(|| words.next()).flatten()
}

/// Adds the kinds of candidates in a signal to those known.
pub(crate) fn note(signal: &Signal, known: &mut Candidates) {
    let mut note = |line: &str| match kind(line) {
        Some("host") => known.host = true,
        Some("srflx" | "prflx") => known.reflexive = true,
        Some("relay") => known.relay = true,
        _ => {}
    };
    match signal {
        Signal::Candidate { candidate, .. } => note(candidate),
        Signal::Description { sdp, .. } => {
            sdp.lines().filter(|line| line.starts_with("a=candidate:")).for_each(note);
        }
    }
}

/// What of a signal may leave a device whose address is hidden: candidates of TURN servers without the address behind
/// them, and descriptions without any. The browser is told to gather nothing else; this does not rely on it.
pub(crate) fn conceal(signal: Signal) -> Option<Signal> {
    match signal {
        // "No more" names no address.
        Signal::Candidate { candidate, mid, line_index } if candidate.is_empty() => {
            Some(Signal::Candidate { candidate, mid, line_index })
        }
        Signal::Candidate { candidate, mid, line_index } => {
            let candidate = conceal_candidate(&candidate)?;
            Some(Signal::Candidate { candidate, mid, line_index })
        }
        Signal::Description { kind, sdp } => {
            let mut concealed = String::with_capacity(sdp.len());
            for line in sdp.lines().filter_map(conceal_line) {
                concealed.push_str(&line);
                concealed.push_str("\r\n");
            }
            Some(Signal::Description { kind, sdp: concealed })
        }
    }
}

/// Rebuilds a relay candidate from what is known to be harmless; `None` for any other.
fn conceal_candidate(line: &str) -> Option<String> {
    if kind(line) != Some("relay") {
        return None;
    }
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (candidate, extensions) = words.split_at_checked(8)?;
    let mut concealed = format!("{} raddr {NOWHERE} rport 0", candidate.join(" "));
    for pair in extensions.chunks_exact(2) {
        if let [name, value] = pair
            && HARMLESS.contains(name)
        {
            concealed.push_str(&format!(" {name} {value}"));
        }
    }
    Some(concealed)
}

fn conceal_line(line: &str) -> Option<String> {
    if line.starts_with("a=candidate:") {
        return conceal_candidate(line);
    }
    if line.starts_with("a=remote-candidates:") {
        return None;
    }
    if line.starts_with("c=") {
        return Some(format!("c=IN IP4 {NOWHERE}"));
    }
    if line.starts_with("a=rtcp:") {
        return Some(format!("a=rtcp:9 IN IP4 {NOWHERE}"));
    }
    if let Some(origin) = line.strip_prefix("o=") {
        // Name, session id and version stay: they tell an offer from the next (RFC 8866 section 5.2).
        let own: Vec<&str> = origin.split_ascii_whitespace().take(3).collect();
        return Some(format!("o={} IN IP4 {NOWHERE}", own.join(" ")));
    }
    if let Some(media) = line.strip_prefix("m=") {
        // The port of the default candidate; 9 where it is not told (RFC 8840 section 4.1), 0 where there is no media.
        let mut words: Vec<&str> = media.split_ascii_whitespace().collect();
        if let Some(port) = words.get_mut(1).filter(|port| **port != "0") {
            *port = "9";
        }
        return Some(format!("m={}", words.join(" ")));
    }
    Some(line.to_owned())
}

#[cfg(test)]
mod tests {
    use sotto_wire::peer::DescriptionKind;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const HOST: &str = "candidate:1 1 UDP 2122252543 192.168.7.9 50000 typ host";
    const MDNS: &str =
        "candidate:0 1 udp 2113937151 1f4712db.local 47264 typ host generation 0 ufrag EsAw network-cost 999";
    const REFLEXIVE: &str =
        "candidate:2 1 udp 1677729535 203.0.113.5 47264 typ srflx raddr 192.168.7.9 rport 47264";
    const RELAY: &str = "candidate:3 1 udp 41885439 198.51.100.1 59000 typ relay raddr 203.0.113.5 rport 47264 generation 0 ufrag EsAw network-id 3 network-cost 50";

    fn candidate(line: &str) -> Signal {
        Signal::Candidate { candidate: line.to_owned(), mid: Some("0".to_owned()), line_index: Some(0) }
    }

    fn line(signal: Option<Signal>) -> Option<String> {
        match signal? {
            Signal::Candidate { candidate, .. } => Some(candidate),
            Signal::Description { sdp, .. } => Some(sdp),
        }
    }

    #[test]
    fn only_candidates_of_relays_leave_and_without_the_address_behind_them() {
        for own in
            [HOST, MDNS, REFLEXIVE, "candidate:4 1 udp 1 203.0.113.5 9 typ prflx", "candidate:x", "typ relay"]
        {
            assert_eq!(line(conceal(candidate(own))), None, "{own}");
        }
        assert_eq!(
            line(conceal(candidate(RELAY))).as_deref(),
            Some(
                "candidate:3 1 udp 41885439 198.51.100.1 59000 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw"
            )
        );
        assert_eq!(line(conceal(candidate(""))).as_deref(), Some(""));
    }

    #[test]
    fn nothing_in_a_description_says_where_somebody_is() {
        let sdp = [
            "v=0",
            "o=mozilla 42 0 IN IP6 2001:db8::77",
            "s=-",
            "t=0 0",
            "m=application 47264 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 203.0.113.5",
            "a=rtcp:47264 IN IP4 203.0.113.5",
            &format!("a={HOST}"),
            &format!("a={MDNS}"),
            &format!("a={REFLEXIVE}"),
            &format!("a={RELAY}"),
            "a=remote-candidates:1 203.0.113.5 9",
            "a=ice-ufrag:EsAw",
            "a=fingerprint:sha-256 00:11",
            "m=audio 0 UDP/TLS/RTP/SAVPF 0",
        ]
        .join("\r\n");
        let offer = Signal::Description { kind: DescriptionKind::Offer, sdp };
        let concealed = line(conceal(offer)).unwrap();
        for shown in ["203.0.113.5", "192.168.7.9", "2001:db8", ".local", "47264", "50000"] {
            assert!(!concealed.contains(shown), "{shown} in {concealed}");
        }
        for kept in [
            "o=mozilla 42 0 IN IP4 0.0.0.0\r\n",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
            "198.51.100.1 59000 typ relay raddr 0.0.0.0 rport 0",
            "a=ice-ufrag:EsAw\r\n",
            "a=fingerprint:sha-256 00:11\r\n",
            "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n",
        ] {
            assert!(concealed.contains(kept), "{kept} in {concealed}");
        }
    }

    #[test]
    fn kinds_are_read_from_candidates_and_descriptions() {
        let mut known = Candidates::default();
        note(&candidate(MDNS), &mut known);
        assert_eq!(known, Candidates { host: true, ..Candidates::default() });
        let sdp = format!("v=0\r\na={REFLEXIVE}\r\na={RELAY}\r\n");
        note(&Signal::Description { kind: DescriptionKind::Answer, sdp }, &mut known);
        assert_eq!(known, Candidates { host: true, reflexive: true, relay: true });
    }
}
