//! The header of a trait implementation in one form, however it was written.

/// `impl<'a, T: Send + ?Sized> Send for Guard<'a, T>` and `impl<T> Send for Guard<'_, T> where
/// T: ?Sized + Send` say the same: bounds as a sorted list, lifetimes numbered. Where a type never
/// is something there are no bounds: rustdoc gives none for what it found out by itself.
pub(super) fn canonical(header: &str) -> String {
    let header = header.strip_prefix("unsafe ").unwrap_or(header);
    let rest = header.strip_prefix("impl").expect("the header of an implementation");
    let (params, rest) = match rest.strip_prefix('<') {
        Some(inside) => inside.split_at(end_of_list(inside)),
        None => ("", rest),
    };
    let (head, conditions) = rest.split_once(" where ").unwrap_or((rest, ""));
    let head = head.trim_start_matches('>').trim();
    let mut bounds = Vec::new();
    for part in split(params, ',').into_iter().chain(split(conditions, ',')) {
        let Some((subject, list)) = part.split_once(": ") else { continue };
        bounds.extend(split(list, '+').iter().map(|bound| format!("{subject}: {bound}")));
    }
    bounds.sort();
    bounds.dedup();
    let line = match bounds.is_empty() || head.starts_with('!') {
        true => head.to_owned(),
        false => format!("{head} where {}", bounds.join(", ")),
    };
    number_lifetimes(&line)
}

/// Where the bracket closes that was opened before `text`.
fn end_of_list(text: &str) -> usize {
    let mut depth = 1;
    for (at, sign) in signs(text) {
        depth += nesting(sign);
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The parts of a list between separators that stand in no bracket.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, sign) in signs(text) {
        depth += nesting(sign);
        if depth == 0 && sign == separator {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn nesting(sign: char) -> i32 {
    match sign {
        '<' | '(' | '[' => 1,
        '>' | ')' | ']' => -1,
        _ => 0,
    }
}

/// The characters of some code but for arrows, which close nothing.
fn signs(text: &str) -> impl Iterator<Item = (usize, char)> {
    let arrow = |at: usize| at > 0 && text[..at].ends_with('-');
    text.char_indices().filter(move |&(at, sign)| sign != '>' || !arrow(at))
}

/// Lifetimes by the order in which they appear; each `'_` is one of its own.
fn number_lifetimes(line: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut parts = line.split('\'');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|sign: char| !(sign.is_alphanumeric() || sign == '_'));
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        let known = names.iter().position(|known| *known == name && name != "_");
        let number = known.unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        numbered.push_str(&match name {
            "static" => "'static".to_owned(),
            _ => format!("'{number}"),
        });
        numbered.push_str(rest);
    }
    numbered
}

#[test]
fn headers_that_say_the_same_are_the_same() {
    let written = "impl<'a, T: ?Sized + Send, F: Fn(u8) -> T> Send for Guard<'a, T, F>";
    let derived = "impl<T, F> Send for Guard<'_, T, F> where F: Fn(u8) -> T, T: Send + ?Sized";
    assert_eq!(canonical(written), canonical(derived));
    let other = "impl<T, F> Send for Guard<'_, T, F> where F: Fn(u8) -> T, T: Sync + ?Sized";
    assert_ne!(canonical(written), canonical(other));
    assert_eq!(canonical("impl<'a> A for B<'a, 'a>"), "A for B<'0, '0>");
    assert_eq!(canonical("impl A for B<'_, '_>"), "A for B<'0, '1>");
    assert_eq!(canonical("impl<T: ?Sized> !Send for B<T>"), "!Send for B<T>");
}
