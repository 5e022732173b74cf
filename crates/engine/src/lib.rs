//! The client as a state machine: input in, output out; no I/O and no clock.
