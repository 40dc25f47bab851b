//! The kinds of finding and their pages: `docs/findings.md` itself, which the package contains
//! as `findings.md`.

/// The whole document.
pub(crate) const TEXT: &str = include_str!("../findings.md");

/// One row of the table of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `LG003`.
    pub(crate) code: &'static str,
    /// `order_inversion`.
    pub(crate) word: &'static str,
    /// What it is, in one line.
    pub(crate) what: &'static str,
    /// The version that first reported it, or `reserved`.
    pub(crate) since: &'static str,
}

/// All kinds, by code.
pub(crate) fn kinds() -> impl Iterator<Item = Kind> {
    TEXT.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let code = cells.next()?.trim_start_matches('[').get(..5)?;
        let word = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        let (what, since) = (cells.next()?, cells.next()?);
        is_code(code).then_some(Kind { code, word, what, since })
    })
}

/// The kind that a person means: by its code in either case, or by its word.
pub(crate) fn kind(name: &str) -> Result<Kind, String> {
    kinds()
        .find(|kind| kind.code.eq_ignore_ascii_case(name) || kind.word == name)
        .ok_or_else(|| "no such kind of finding; `cargo lockgraph explain` lists them".to_owned())
}

/// The section of a kind, from its heading; `None` for a code that is only reserved.
pub(crate) fn page(code: &str) -> Option<&'static str> {
    let heading = format!("## {code} ");
    let start = TEXT.match_indices(&heading).map(|(at, _)| at).find(|&at| starts_line(at))?;
    let end = TEXT[start + 1..].find("\n## ").map_or(TEXT.len(), |at| start + 1 + at);
    Some(TEXT[start..end].trim_end())
}

fn starts_line(at: usize) -> bool {
    at == 0 || TEXT.as_bytes()[at - 1] == b'\n'
}

fn is_code(text: &str) -> bool {
    text.strip_prefix("LG").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row_and_every_kind_that_is_reported_has_a_page() {
        let codes: Vec<&str> = kinds().map(|kind| kind.code).collect();
        let expected: Vec<String> = (1..=13).map(|number| format!("LG{number:03}")).collect();
        assert_eq!(codes, expected);
        for kind in kinds() {
            let page = page(kind.code);
            assert_eq!(page.is_some(), kind.since != "reserved", "{kind:?}");
            if let Some(page) = page {
                let heading = format!("## {} `{}`", kind.code, kind.word);
                assert_eq!(page.lines().next(), Some(&*heading));
                assert!(page.lines().count() > 5 && !page[1..].contains("\n## "), "{page}");
            }
        }
    }

    #[test]
    fn a_kind_is_named_by_its_code_or_its_word() {
        assert_eq!(kind("lg003"), kind("order_inversion"));
        assert!(kind("LG003").is_ok_and(|kind| kind.code == "LG003"));
        assert!(kind("LG099").is_err() && kind("").is_err());
    }
}
