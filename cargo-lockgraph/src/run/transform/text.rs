//! Edits of a source text by what stands in it, each of which must find what it looks for.
//!
//! The texts are published files in rustfmt's style, so an exact search does; what looks different
//! in some version is an error with the name of the edit, and never passes silently.

use std::fmt;

/// A file that is being changed.
#[derive(Debug)]
pub(crate) struct Text {
    /// Below the crate's source folder.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// An edit that did not find its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    file: String,
    what: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not where it is expected in {}", self.what, self.file)
    }
}

impl Text {
    /// Replaces every `from`; there must be one at least.
    pub(crate) fn replace(&mut self, from: &str, to: &str) -> Result<(), Missing> {
        if self.replace_any(from, to) { Ok(()) } else { Err(self.missing(from)) }
    }

    /// Replaces every `from`, if there is one.
    pub(crate) fn replace_any(&mut self, from: &str, to: &str) -> bool {
        let found = self.text.contains(from);
        if found {
            self.text = self.text.replace(from, to);
        }
        found
    }

    /// Fails where `what` still stands: some place was not changed.
    pub(crate) fn refuse(&self, what: &str) -> Result<(), Missing> {
        let code = self.text.lines().filter(|line| !is_comment(line));
        match code.into_iter().any(|line| line.contains(what)) {
            true => Err(self.missing(what)),
            false => Ok(()),
        }
    }

    pub(crate) fn missing(&self, what: &str) -> Missing {
        Missing { file: self.name.clone(), what: what.to_owned() }
    }

    /// Adds `#[track_caller]` to every function with a body that has none, so that a caller is
    /// known at the bottom. Trait items without a body are promises of others, and stay.
    pub(crate) fn track_callers(&mut self) {
        let mut out = String::with_capacity(self.text.len() + self.text.len() / 16);
        // Whether an attribute of the item to come says so already.
        let mut tracked = false;
        let mut rest = self.text.as_str();
        while let Some(line) = rest.split_inclusive('\n').next() {
            let code = line.trim_start();
            if is_function(code) {
                if has_body(rest) && !tracked && !is_left_alone(code) {
                    out.push_str(&line[..line.len() - code.len()]);
                    out.push_str("#[track_caller]\n");
                }
                tracked = false;
            } else if code.starts_with("#[track_caller]") {
                tracked = true;
            } else if code.trim_end().is_empty() {
                tracked = false;
            }
            out.push_str(line);
            rest = &rest[line.len()..];
        }
        self.text = out;
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Whether a line starts a function.
fn is_function(code: &str) -> bool {
    let mut rest = code;
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.starts_with("fn ")
}

/// Functions that the language calls.
fn is_left_alone(code: &str) -> bool {
    ["fn drop(", "fn fmt(", "fn deref(", "fn deref_mut("].iter().any(|name| code.starts_with(name))
}

/// Whether the function at the start of `text` has a body: `{` comes before `;`.
fn has_body(text: &str) -> bool {
    let mut depth = 0;
    for sign in text.chars() {
        match sign {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' => return true,
            ';' if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text { name: "x.rs".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn callers_are_tracked_where_there_is_a_body() {
        let mut x = text(
            "trait T {\n    fn lock(&self, _: [u8; 2]);\n}\nimpl S {\n    #[inline]\n    pub const fn new() -> S {\n    }\n    #[track_caller]\n    #[inline]\n    pub fn lock(&self) {}\n    fn fmt(&self) {}\n}\n",
        );
        x.track_callers();
        assert_eq!(
            x.text,
            "trait T {\n    fn lock(&self, _: [u8; 2]);\n}\nimpl S {\n    #[inline]\n    #[track_caller]\n    pub const fn new() -> S {\n    }\n    #[track_caller]\n    #[inline]\n    pub fn lock(&self) {}\n    fn fmt(&self) {}\n}\n"
        );
    }

    #[test]
    fn an_edit_without_a_place_is_an_error() {
        let mut x = text("a b a");
        assert_eq!(x.replace("a", "c"), Ok(()));
        assert_eq!(x.text, "c b c");
        let error = x.replace("a", "c").expect_err("none is left");
        assert_eq!(error.to_string(), "`a` is not where it is expected in x.rs");
        assert!(x.refuse("b").is_err());
        assert!(text("// b").refuse("b").is_ok());
    }
}
