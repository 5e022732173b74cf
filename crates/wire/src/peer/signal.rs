//! WebRTC signalling, carried as ephemeral messages in session, so that the DTLS fingerprints in it are
//! authenticated by the session.

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};
use minicbor::{Decode, Encode};

use super::codec::out_of_bounds;
use super::limits;

/// One step of the negotiation of a link. `Debug` leaves out what it says: network addresses.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum Signal {
    /// A session description (RFC 8829), at most 16 KiB.
    #[n(0)]
    Description {
        /// Offer or answer.
        #[n(0)]
        kind: DescriptionKind,
        /// The SDP.
        #[n(1)]
        #[cbor(decode_with = "bounded_sdp")]
        sdp: String,
    },
    /// An ICE candidate (RFC 8839), at most 1 KiB; empty for "no more".
    #[n(1)]
    Candidate {
        /// The candidate line.
        #[n(0)]
        #[cbor(decode_with = "bounded_line")]
        candidate: String,
        /// Identifier of the media section, at most 1 KiB.
        #[n(1)]
        #[cbor(with = "optional_line", has_nil)]
        mid: Option<String>,
        /// Index of the media section.
        #[n(2)]
        line_index: Option<u16>,
    },
}

impl core::fmt::Debug for Signal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Description { kind, .. } => f.debug_tuple("Description").field(kind).finish(),
            Self::Candidate { .. } => f.write_str("Candidate"),
        }
    }
}

/// Which side of the negotiation a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DescriptionKind {
    /// The first.
    #[n(0)]
    Offer,
    /// The reply.
    #[n(1)]
    Answer,
}

impl Signal {
    /// Whether it is within the bounds a receiver accepts.
    #[must_use]
    pub fn is_within_limits(&self) -> bool {
        match self {
            Self::Description { sdp, .. } => sdp.len() <= limits::SDP_MAX,
            Self::Candidate { candidate, mid, .. } => {
                candidate.len() <= limits::CANDIDATE_MAX
                    && mid.as_ref().is_none_or(|mid| mid.len() <= limits::CANDIDATE_MAX)
            }
        }
    }
}

fn text(d: &mut Decoder<'_>, max: usize) -> Result<String, Error> {
    let text = d.str()?;
    if text.len() <= max { Ok(text.to_owned()) } else { Err(out_of_bounds()) }
}

fn bounded_sdp<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<String, Error> {
    text(d, limits::SDP_MAX)
}

fn bounded_line<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<String, Error> {
    text(d, limits::CANDIDATE_MAX)
}

mod optional_line {
    use super::{Decoder, Encode, Encoder, Error, Write, limits, text};

    pub(super) fn encode<C, W: Write>(
        value: &Option<String>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        value.encode(e, ctx)
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Option<String>, Error> {
        if d.datatype()? == minicbor::data::Type::Null {
            d.null()?;
            return Ok(None);
        }
        text(d, limits::CANDIDATE_MAX).map(Some)
    }

    pub(super) fn nil() -> Option<Option<String>> {
        Some(None)
    }

    pub(super) fn is_nil(value: &Option<String>) -> bool {
        value.is_none()
    }
}
