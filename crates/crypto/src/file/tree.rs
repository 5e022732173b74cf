//! The hash tree over a file's ciphertext, built left to right in logarithmic memory (RFC 6962 §2.1).

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Hash of one sealed chunk: `SHA-256(00 ‖ u32(i) ‖ ciphertext ‖ tag)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf([u8; 32]);

impl Leaf {
    /// Takes a leaf that was computed elsewhere.
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
    use crate::vectors::Tally;
    use hex_literal::hex;
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

    /// The tree of Certificate Transparency's reference tests over eight inputs. RFC 6962 itself prints none. Our leaves
    /// hash a number besides, so these are made of RFC 6962's leaf hashes: what is compared is nodes and shape.
    #[test]
    fn certificate_transparencys_reference_tree() {
        let inputs: [&[u8]; 8] = [
            b"",
            &hex!("00"),
            &hex!("10"),
            &hex!("2021"),
            &hex!("3031"),
            &hex!("40414243"),
            &hex!("5051525354555657"),
            &hex!("606162636465666768696a6b6c6d6e6f"),
        ];
        let roots = [
            hex!("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            hex!("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            hex!("aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            hex!("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            hex!("4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
            hex!("76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
            hex!("ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            hex!("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        let mut tree = TreeHasher::default();
        let mut tally = Tally::default();
        for (input, root) in inputs.into_iter().zip(roots) {
            let leaf = Sha256::new().chain_update([0]).chain_update(input).finalize();
            tree.push(&Leaf::from_bytes(leaf.into()));
            assert_eq!(tree.top(), Some(root), "{} leaves", tree.leaves());
            tally.count("same top");
        }
        tally.assert("RFC 6962 tree, sizes 1 to 8", &[("same top", 8)], inputs.len());
    }
}
