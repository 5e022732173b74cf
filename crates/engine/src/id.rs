//! Names of the things an [`Input`](crate::Input) and an [`Output`](crate::Output) speak of.

use core::fmt;

/// Defines a 16-byte identifier that prints as hexadecimal.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] #[cbor(with = "minicbor::bytes")] pub [u8; 16]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                fmt::Display::fmt(self, f)?;
                f.write_str(")")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl core::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_id(text).map(Self)
            }
        }
    };
}

id! {
    /// A contact: the account id recomputed from its pinned account key.
    ContactId
}
id! {
    /// A message's name, random, chosen by its author.
    MessageId
}
id! {
    /// A file's name, random, chosen by its sender (`protocol.md`, Files).
    FileId
}
id! {
    /// An invite's name on the server, derived from the link's secret.
    InviteId
}

/// The text is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of 32 hexadecimal digits")]
pub struct ParseIdError;

fn parse_id(text: &str) -> Result<[u8; 16], ParseIdError> {
    if text.len() != 32 || !text.is_ascii() {
        return Err(ParseIdError);
    }
    let mut id = [0; 16];
    for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = core::str::from_utf8(digits).map_err(|_| ParseIdError)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| ParseIdError)?;
    }
    Ok(id)
}

/// One attempt at a live connection to one device of a contact. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Ties a [`Response`](crate::Response) to its [`Request`](crate::Request). Never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A file the user picked on this device, held by the driver under this number until it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalFile(pub u64);
