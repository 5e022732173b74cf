//! Keys, X3DH, Double Ratchet, sealed envelopes, files, vault and safety numbers on P-256.
