//! End-to-end scenarios in real browsers.
