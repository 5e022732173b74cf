//! What of the other side's signals reaches the browser: no more than a link needs, and nothing that makes a device look
//! names up whose address is hidden.

use core::net::IpAddr;

use sotto_wire::peer::Signal;

use crate::policy;

/// What has been let through in one attempt.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    /// Of the last description (RFC 8839 section 5.4): another one begins an ICE generation.
    ufrag: Option<String>,
    /// Candidates of this generation.
    candidates: usize,
}

impl Admission {
    /// Gives what may reach the browser. Every media section can become a transport that gathers on each server, and every
    /// candidate is checked from each of ours; a link has one section, of data channels, and few candidates.
    pub(crate) fn admit(&mut self, signal: Signal, relay_only: bool) -> Option<Signal> {
        match signal {
            Signal::Candidate { candidate, mid, line_index } => self
                .candidate(&candidate, relay_only)
                .then_some(Signal::Candidate { candidate, mid, line_index }),
            Signal::Description { kind, sdp } => {
                Some(Signal::Description { kind, sdp: self.description(&sdp, relay_only)? })
            }
        }
    }

    fn description(&mut self, sdp: &str, relay_only: bool) -> Option<String> {
        // A carriage return alone ends a line for some parsers.
        let lines = || sdp.split(['\r', '\n']).filter(|line| !line.is_empty());
        let mut media = lines().filter(|line| line.starts_with("m="));
        let is_data = media.next()?.starts_with("m=application ");
        if !is_data || media.next().is_some() {
            return None;
        }
        let ufrag = lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
        if ufrag != self.ufrag.as_deref() {
            *self = Self { ufrag: ufrag.map(ToOwned::to_owned), candidates: 0 };
        }
        let mut admitted = String::with_capacity(sdp.len());
        for line in lines() {
            let candidate = line.strip_prefix("a=").filter(|line| line.starts_with("candidate:"));
            if candidate.is_none_or(|candidate| self.candidate(candidate, relay_only)) {
                admitted.push_str(line);
                admitted.push_str("\r\n");
            }
        }
        Some(admitted)
    }

    fn candidate(&mut self, line: &str, relay_only: bool) -> bool {
        let is_one_line = !line.chars().any(char::is_control);
        let admitted = is_one_line
            && self.candidates < policy::CANDIDATES_MAX
            && (!relay_only || line.is_empty() || names_an_address(line));
        self.candidates = self.candidates.saturating_add(usize::from(admitted));
        admitted
    }
}

/// Whether the address of a candidate line (RFC 8839 section 5.1) is one, and not a name that would be looked up.
fn names_an_address(line: &str) -> bool {
    // Two spaces in a row are one for some parsers and an empty word for others.
    !line.contains("  ") && line.split(' ').nth(4).is_some_and(|word| word.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use sotto_wire::peer::DescriptionKind;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const MEDIA: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel";
    const HOST: &str = "candidate:1 1 UDP 2122252543 192.168.7.9 50000 typ host";
    const NAME: &str = "candidate:0 1 udp 2113937151 1f4712db.local 47264 typ host generation 0";

    fn candidate(line: &str) -> Signal {
        Signal::Candidate { candidate: line.to_owned(), mid: None, line_index: Some(0) }
    }

    fn offer(lines: &[&str]) -> Signal {
        Signal::Description { kind: DescriptionKind::Offer, sdp: lines.join("\r\n") }
    }

    fn sdp(signal: Option<Signal>) -> Option<String> {
        match signal? {
            Signal::Description { sdp, .. } => Some(sdp),
            Signal::Candidate { .. } => None,
        }
    }

    #[test]
    fn a_description_is_of_data_channels_and_nothing_else() {
        let mut admission = Admission::default();
        let plain = ["v=0", MEDIA, "a=ice-ufrag:EsAw"];
        let passed = sdp(admission.admit(offer(&plain), false)).unwrap();
        assert_eq!(passed, "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:EsAw\r\n");
        for refused in [
            &["v=0"][..],
            &["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 0"],
            &["v=0", MEDIA, "m=audio 9 UDP/TLS/RTP/SAVPF 0"],
            &["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 0", MEDIA],
            &["v=0", MEDIA, MEDIA],
            &["v=0", MEDIA, "a=x\rm=audio 9 UDP/TLS/RTP/SAVPF 0"],
            &["v=0", MEDIA, "a=x\nm=audio 9 UDP/TLS/RTP/SAVPF 0"],
        ] {
            assert_eq!(admission.admit(offer(refused), false), None, "{refused:?}");
        }
    }

    #[test]
    fn candidates_are_counted_until_another_generation() {
        let most = policy::CANDIDATES_MAX;
        let mut admission = Admission::default();
        let first = ["v=0", MEDIA, "a=ice-ufrag:one", &format!("a={HOST}"), &format!("a={HOST}")];
        let passed = sdp(admission.admit(offer(&first), false)).unwrap();
        assert_eq!(passed.matches(HOST).count(), 2);
        let taken = (0..1000).filter(|_| admission.admit(candidate(HOST), false).is_some()).count();
        assert_eq!(taken, most - 2);
        let again = sdp(admission.admit(offer(&first), false)).unwrap();
        assert!(!again.contains("candidate"), "the same generation: {again}");
        let lines = vec![format!("a={HOST}"); 200].join("\r\n");
        let next = sdp(admission.admit(offer(&["v=0", MEDIA, "a=ice-ufrag:two", &lines]), false)).unwrap();
        assert_eq!(next.matches(HOST).count(), most);
        assert_eq!(admission.admit(candidate(HOST), false), None);
    }

    #[test]
    fn whoever_hides_looks_no_names_up() {
        let mut admission = Admission::default();
        for (line, hidden) in [
            (HOST, true),
            ("candidate:1 1 udp 1 2001:db8::1 9 typ host", true),
            ("", true),
            (NAME, false),
            ("candidate:1 1 udp 1 victim.example 9 typ host", false),
            ("candidate:1 1 udp 10.0.0.1", false),
            ("candidate:1 1 udp  10.0.0.1 victim.example 9 typ host", false),
        ] {
            assert_eq!(admission.admit(candidate(line), true).is_some(), hidden, "{line}");
            assert!(admission.admit(candidate(line), false).is_some(), "{line}");
        }
        for smuggled in [format!("{HOST}\r\na={NAME}"), format!("{HOST}\n"), HOST.replace(' ', "\t")] {
            for relay_only in [true, false] {
                assert_eq!(admission.admit(candidate(&smuggled), relay_only), None, "{smuggled:?}");
            }
        }
        let both = ["v=0", MEDIA, &format!("a={NAME}"), &format!("a={HOST}")];
        let passed = sdp(admission.admit(offer(&both), true)).unwrap();
        assert!(passed.contains(HOST) && !passed.contains(".local"), "{passed}");
    }
}
