//! Introduces people, keeps ciphertext for those who are away, serves the page.

pub mod store;
