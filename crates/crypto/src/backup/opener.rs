//! Reading a backup: chunks in, items out, at most one item and one chunk in memory.

use super::head::is_size;
use super::{BackupError, CHUNK, ChunkCipher, FRAME, ITEM_MAX, MAX_CHUNKS, SEALED_CHUNK, padme};
use crate::aead::TAG;
use zeroize::Zeroizing;

/// Items in their order.
pub type Items = Vec<Zeroizing<Vec<u8>>>;

/// Opens the chunks of one backup, in their order.
///
/// **Nothing it hands out counts before [`BackupOpener::open_last`] has succeeded**: until then the rest may be missing.
pub struct BackupOpener {
    chunks: ChunkCipher,
    next: u32,
    content: Content,
}

/// How far the content has been read.
#[derive(Clone)]
enum Content {
    /// The beginning of an item or of its length.
    Item(Zeroizing<Vec<u8>>),
    /// The end has come: how many chunks were needed. Only zeros may follow.
    Ended(u32),
}

impl BackupOpener {
    pub(super) fn new(chunks: ChunkCipher) -> Self {
        Self { chunks, next: 0, content: Content::Item(Zeroizing::default()) }
    }

    /// Opens the next chunk, which is not the last, and gives back the items that end in it.
    ///
    /// # Errors
    /// [`BackupError::WrongLength`], [`BackupError::BadChunk`], [`BackupError::Malformed`]; the chunk that belongs here
    /// can still be opened.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Items, BackupError> {
        // After the last number another one must follow.
        if self.next.saturating_add(1) >= MAX_CHUNKS {
            return Err(BackupError::WrongLength);
        }
        let (items, content) = self.read(sealed, false)?;
        self.content = content;
        self.next = self.next.saturating_add(1);
        Ok(items)
    }

    /// Opens the last chunk. When this succeeds the backup was whole.
    ///
    /// # Errors
    /// As [`BackupOpener::open`]; [`BackupError::WrongLength`] for a number of chunks that no backup has.
    pub fn open_last(self, sealed: &[u8]) -> Result<Items, BackupError> {
        let chunks = self.next.saturating_add(1);
        if !is_size(chunks) {
            return Err(BackupError::WrongLength);
        }
        match self.read(sealed, true)? {
            (items, Content::Ended(needed)) if padme(needed) == chunks => Ok(items),
            _ => Err(BackupError::Malformed),
        }
    }

    fn read(&self, sealed: &[u8], last: bool) -> Result<(Items, Content), BackupError> {
        if sealed.len() != SEALED_CHUNK {
            return Err(BackupError::WrongLength);
        }
        let (text, tag) = sealed.split_last_chunk::<TAG>().ok_or(BackupError::WrongLength)?;
        let started: &[u8] = match &self.content {
            Content::Item(started) => started,
            Content::Ended(_) => &[],
        };
        let mut content = Zeroizing::new(Vec::with_capacity(started.len().saturating_add(CHUNK)));
        content.extend_from_slice(started);
        content.extend_from_slice(text);
        let (_, text) = content.split_at_mut_checked(started.len()).ok_or(BackupError::WrongLength)?;
        self.chunks.open(self.next, last, text, tag)?;
        if let Content::Ended(needed) = self.content {
            return if is_zero(&content) {
                Ok((Items::new(), Content::Ended(needed)))
            } else {
                Err(BackupError::Malformed)
            };
        }
        let mut items = Items::new();
        let mut rest = content.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<FRAME>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BackupError::Malformed)?;
            if length == 0 {
                let needed = self.next.saturating_add(1);
                return if is_zero(after) {
                    Ok((items, Content::Ended(needed)))
                } else {
                    Err(BackupError::Malformed)
                };
            }
            if length > ITEM_MAX {
                return Err(BackupError::Malformed);
            }
            let Some((item, after)) = after.split_at_checked(length) else { break };
            items.push(Zeroizing::new(item.to_vec()));
            rest = after;
        }
        Ok((items, Content::Item(Zeroizing::new(rest.to_vec()))))
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

impl core::fmt::Debug for BackupOpener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BackupOpener").field("next", &self.next).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::BackupHead;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Reads a text that the key's owner sealed, whatever it says, in chunks of which the last is the last.
    fn read(text: &[u8]) -> Result<usize, BackupError> {
        let cipher = || BackupHead::seal(None, &[1; 32], &mut ChaCha12Rng::seed_from_u64(1));
        let sealer = cipher();
        let count = text.len() / CHUNK;
        let seal = |index: usize| {
            let mut sealed = text[index * CHUNK..][..CHUNK].to_vec();
            let tag = sealer.seal(u32::try_from(index).unwrap(), index + 1 == count, &mut sealed);
            sealed.extend(tag);
            sealed
        };
        let mut opener = BackupOpener::new(cipher());
        let mut items = 0;
        for index in 0..count - 1 {
            items += opener.open(&seal(index))?.len();
        }
        Ok(items + opener.open_last(&seal(count - 1))?.len())
    }

    /// These bytes and zeros up to so many chunks.
    fn text(parts: &[&[u8]], chunks: usize) -> Vec<u8> {
        let mut text = parts.concat();
        text.resize(chunks * CHUNK, 0);
        text
    }

    #[test]
    fn what_was_sealed_wrongly_is_malformed() {
        let item = [[0, 0, 0, 1].as_slice(), b"x"].concat();
        assert_eq!(read(&text(&[], 1)), Ok(0));
        assert_eq!(read(&text(&[&item, &item], 1)), Ok(2));
        // An item longer than any may be, as far as it is announced.
        for length in [60 * 1024 + 1, 1 << 16, u32::MAX] {
            assert_eq!(read(&text(&[&item, &length.to_be_bytes()], 1)), Err(BackupError::Malformed));
            assert_eq!(read(&text(&[&length.to_be_bytes()], 2)), Err(BackupError::Malformed));
        }
        // Something after the end: next to it, at the end of its chunk, in a later chunk.
        for at in [item.len() + 4, CHUNK - 1] {
            let mut text = text(&[&item], 1);
            text[at] = 1;
            assert_eq!(read(&text), Err(BackupError::Malformed), "{at}");
        }
        let long = text(&[&60_000_u32.to_be_bytes(), &vec![1; 60_000]], 1).repeat(8);
        let nine = [&long[..], &text(&[&item], 1)].concat();
        assert_eq!(read(&nine).err(), Some(BackupError::Malformed), "zeros between items end the row");
        // No end: an item that goes on, a length that does, nothing at all.
        assert_eq!(
            read(&text(&[&60_000_u32.to_be_bytes(), &[1; 60_000], &[0, 0, 0xf0]], 1)),
            Err(BackupError::Malformed)
        );
        let rest = vec![1; CHUNK - 4 - 60_000 - 4];
        let full = [
            &60_000_u32.to_be_bytes()[..],
            &[1; 60_000],
            &u32::try_from(rest.len()).unwrap().to_be_bytes(),
            &rest,
        ]
        .concat();
        assert_eq!(full.len(), CHUNK);
        assert_eq!(read(&full), Err(BackupError::Malformed));
        for cut in 1..4 {
            let length = u32::try_from(rest.len() - cut).unwrap();
            let short = [&full[..60_004], &length.to_be_bytes(), &rest[cut..]].concat();
            assert_eq!(read(&text(&[&short], 1)), Err(BackupError::Malformed), "{cut} bytes for the end");
        }
        // The end may be cut by the end of a chunk.
        let length = u32::try_from(rest.len() - 2).unwrap();
        let cut = [&full[..60_004], &length.to_be_bytes(), &rest[2..]].concat();
        assert_eq!(read(&text(&[&cut], 2)), Ok(2));
    }

    #[test]
    fn padding_is_as_much_as_it_must_be() {
        let item = [[0, 0, 0, 1].as_slice(), b"x"].concat();
        assert_eq!(read(&text(&[&item], 2)), Err(BackupError::Malformed), "one chunk would do");
        let row: Vec<u8> = [&60_000_u32.to_be_bytes()[..], &[1; 60_000]].concat().repeat(9);
        assert_eq!(read(&text(&[&row], 9)), Err(BackupError::WrongLength), "no backup has nine");
        assert_eq!(read(&text(&[&row], 10)), Ok(9));
        assert_eq!(read(&text(&[&row], 12)), Err(BackupError::Malformed));
    }

    #[test]
    fn numbers_of_chunks_end() {
        let mut opener =
            BackupOpener::new(BackupHead::seal(None, &[1; 32], &mut ChaCha12Rng::seed_from_u64(1)));
        opener.next = MAX_CHUNKS - 1;
        assert_eq!(opener.open(&[0; SEALED_CHUNK]).err(), Some(BackupError::WrongLength));
        assert_eq!(
            opener.open_last(&[0; SEALED_CHUNK]).err(),
            Some(BackupError::BadChunk),
            "this is the last"
        );
    }
}
