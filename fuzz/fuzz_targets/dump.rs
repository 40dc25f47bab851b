#![no_main]
//! Any bytes are a journal, a dump, or one error; and what was read can be merged, checked,
//! compared, written and read again.

use libfuzzer_sys::fuzz_target;
use lockgraph_model::check::{Options, check};
use lockgraph_model::{Dump, diff, merge, suggest};

fuzz_target!(|bytes: &[u8]| {
    let Ok(dump) = Dump::read_from(bytes, "input") else { return };
    let again = Dump::read_from(dump.to_json().as_bytes(), "again").expect("what was written");
    assert_eq!(again, dump);
    assert!(diff::diff(&dump, &dump).is_empty());
    let merged = merge([dump.clone(), dump.clone()]);
    assert_eq!(merge([merged.clone()]), merged);
    let _ = check(&merged, &Options { baseline: Some(&dump), ..Options::default() });
    let order = suggest::suggest_order(&merged);
    let _ = suggest::to_order_toml(&merged, &order);
});
