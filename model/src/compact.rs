//! Deserialising without waste: a dump of a million edges names a few files a million times, and
//! holds a million lists of one element.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// Texts kept for sharing in each thread; beyond it, it starts anew.
const KEPT: usize = 4_096;

thread_local! {
    static TEXTS: RefCell<HashSet<Arc<str>>> = RefCell::new(HashSet::new());
}

/// A text that was read before in this thread is the same one again.
pub(crate) fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Arc<str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Arc<str>, E> {
            Ok(TEXTS.with_borrow_mut(|texts| {
                if let Some(known) = texts.get(text) {
                    return Arc::clone(known);
                }
                if texts.len() == KEPT {
                    texts.clear();
                }
                let text: Arc<str> = Arc::from(text);
                texts.insert(Arc::clone(&text));
                text
            }))
        }
    }
    deserializer.deserialize_str(Text)
}

/// A stack whose frames stand in many others.
pub(crate) fn stack<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Arc<str>>>, D::Error> {
    #[derive(serde::Deserialize)]
    struct Frame(#[serde(deserialize_with = "shared")] Arc<str>);
    let stack: Option<Vec<Frame>> = Option::deserialize(deserializer)?;
    Ok(stack.map(|frames| frames.into_iter().map(|Frame(text)| text).collect()))
}

/// A list that takes no more room than it needs.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let mut list = Vec::deserialize(deserializer)?;
    list.shrink_to_fit();
    Ok(list)
}

#[cfg(test)]
mod tests {
    use crate::dump::Site;

    #[test]
    fn equal_files_share_their_text_however_many_others_come_between() {
        let read = |file: &str| -> Site {
            serde_json::from_str(&format!(r#"{{"file":"{file}","line":1,"column":1}}"#)).unwrap()
        };
        let (one, other) = (read("src/a.rs"), read("src/a.rs"));
        assert!(std::ptr::eq(&*one.file, &*other.file));
        for i in 0..2 * super::KEPT {
            assert_eq!(&*read(&format!("src/{i}.rs")).file, format!("src/{i}.rs"));
        }
        assert_eq!(read("src/a.rs"), one);
    }
}
