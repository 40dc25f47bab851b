//! What std's documentation says of each type of `std::sync` and `std::thread`, one test a
//! statement. Every test runs twice: on std's own types, which proves the test, and on ours.

#![allow(clippy::duplicate_mod, reason = "the same tests for both")]

mod of_ours;
mod of_std;

/// Runs `f`, which panics, and returns the text.
fn panic_text<R>(f: impl FnOnce() -> R) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).err();
    let payload = payload.expect("it panics");
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).expect("a panic with a text").to_owned()
}
