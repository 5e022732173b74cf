//! Simulated network and time, generators and conformance suites for tests.
