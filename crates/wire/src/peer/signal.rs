//! WebRTC signalling, carried as ephemeral messages in session, so that the DTLS fingerprints in it are
//! authenticated by the session.

/// One step of the negotiation of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A session description (RFC 8829), at most 16 KiB.
    Description {
        /// Offer or answer.
        kind: DescriptionKind,
        /// The SDP.
        sdp: String,
    },
    /// An ICE candidate (RFC 8839), at most 1 KiB; empty for "no more".
    Candidate {
        /// The candidate line.
        candidate: String,
        /// Identifier of the media section.
        mid: Option<String>,
        /// Index of the media section.
        line_index: Option<u16>,
    },
}

/// Which side of the negotiation a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptionKind {
    /// The first.
    Offer,
    /// The reply.
    Answer,
}
