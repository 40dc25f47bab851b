//! The integration tests, in one binary.

mod examples;
mod exits;
mod layout;
