//! Which documents this version reads.

use crate::error::Problem;

/// The schema of the journals and dumps that this version writes.
pub const SCHEMA: &str = "lockgraph/1";

const MAJOR: &str = "1";

/// Accepts `lockgraph/1` and `lockgraph/1.<minor>`: a minor version only adds fields, and those
/// are tolerated. Everything else is refused before any other field is looked at.
pub(crate) fn check(schema: &str) -> Result<(), Problem> {
    let version = schema.strip_prefix("lockgraph/").unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !number(major) || !number(minor) {
        return Err(Problem::NotASchema(schema.to_owned()));
    }
    if major != MAJOR {
        return Err(Problem::OtherMajor(schema.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions_are_accepted_and_other_majors_refused() {
        for good in ["lockgraph/1", "lockgraph/1.0", "lockgraph/1.17"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for other in ["lockgraph/2", "lockgraph/0", "lockgraph/10", "lockgraph/2.1"] {
            assert!(matches!(check(other), Err(Problem::OtherMajor(_))), "{other}");
        }
        for none in ["", "1", "lockgraph", "lockgraph/", "lockgraph/1.", "lockgraph/x", "other/1"] {
            assert!(matches!(check(none), Err(Problem::NotASchema(_))), "{none}");
        }
    }
}
