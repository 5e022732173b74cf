//! The hash tree over a file's ciphertext, built left to right in logarithmic memory (RFC 6962 §2.1).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Hash of one sealed chunk: `SHA-256(00 ‖ u32(i) ‖ ciphertext ‖ tag)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf([u8; 32]);

impl Leaf {
    /// Takes the leaf from durable storage.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The leaf of a sealed chunk, ciphertext and tag.
    pub fn of(index: u32, sealed: &[u8]) -> Self {
        Self(
            Sha256::new()
                .chain_update([0])
                .chain_update(index.to_be_bytes())
                .chain_update(sealed)
                .finalize()
                .into(),
        )
    }
}

/// The root a file is judged by, compared in constant time.
#[derive(Clone, Copy, Debug)]
pub struct FileRoot([u8; 32]);

impl FileRoot {
    /// Takes the root from a manifest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for FileRoot {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for FileRoot {}

/// Takes leaves in order; keeps one hash per complete subtree.
#[derive(Clone, Debug, Default)]
pub struct TreeHasher {
    /// Roots of complete subtrees, largest first: their sizes are the binary digits of `leaves`.
    subtrees: Vec<[u8; 32]>,
    leaves: u32,
}

impl TreeHasher {
    /// Adds the next leaf. A file has at most [`MAX_CHUNKS`](super::MAX_CHUNKS) of them, which the callers see to.
    pub fn push(&mut self, leaf: &Leaf) {
        let mut hash = leaf.0;
        // Each trailing one of the count is a complete subtree as large as the one just finished.
        for _ in 0..self.leaves.trailing_ones() {
            let Some(left) = self.subtrees.pop() else { break };
            hash = node(&left, &hash);
        }
        self.subtrees.push(hash);
        self.leaves = self.leaves.saturating_add(1);
    }

    /// Number of leaves so far.
    pub const fn leaves(&self) -> u32 {
        self.leaves
    }

    /// The tree's top hash; `None` without leaves.
    pub(super) fn top(&self) -> Option<[u8; 32]> {
        self.subtrees.iter().rev().copied().reduce(|right, left| node(&left, &right))
    }
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The recursive definition of RFC 6962 §2.1, over leaf hashes.
    fn reference(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node(&reference(left), &reference(right))
            }
        }
    }

    #[test]
    fn the_incremental_tree_has_the_shape_of_rfc_6962() {
        let leaves: Vec<Leaf> = (0..70).map(|index| Leaf::of(index, b"chunk")).collect();
        let mut tree = TreeHasher::default();
        assert_eq!(tree.top(), None);
        for count in 1..=leaves.len() {
            tree.push(&leaves[count - 1]);
            let hashes: Vec<_> = leaves[..count].iter().map(|leaf| *leaf.as_bytes()).collect();
            assert_eq!(tree.top(), Some(reference(&hashes)), "{count} leaves");
            assert!(tree.subtrees.len() <= 7);
        }
    }
}
