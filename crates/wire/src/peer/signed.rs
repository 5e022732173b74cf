//! What is signed and the signature, side by side: the signature is verified over the very bytes that came.

use crate::FixedBytes;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct SignedBytes {
    #[n(0)]
    pub(super) signed: ByteVec,
    #[n(1)]
    pub(super) signature: FixedBytes<64>,
}
