//! Set-up, run, test, check and bench: the only scripts.

fn main() {}
