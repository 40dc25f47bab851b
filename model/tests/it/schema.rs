//! The committed JSON Schema is that of the types, and dumps satisfy it.
//!
//! A full validator drags in some sixty crates; the few keywords that the generator emits are
//! checked here, and an unknown one fails the test.

use crate::{GOOD, data};
use serde_json::Value;

fn committed() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/lockgraph-1.schema.json")
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let document = lockgraph_model::schema::document();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(committed(), &document).unwrap();
    }
    let text = std::fs::read_to_string(committed()).unwrap_or_default();
    assert_eq!(text, document, "run with BLESS=1 and read the difference");
}

#[test]
fn dumps_satisfy_the_schema_and_damaged_ones_do_not() {
    let schema: Value = serde_json::from_str(&lockgraph_model::schema::document()).unwrap();
    for name in GOOD {
        let text = std::fs::read_to_string(data(&format!("{name}.json"))).unwrap();
        let dump: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(check(&schema, &schema, &dump), Ok(()), "{name}");
        for (pointer, wrong) in [
            ("/schema", Value::from(1)),
            ("/locks/0/id", Value::from(-1)),
            ("/locks/0/writer_queued", Value::Null),
            ("/edges/0/witnesses/0/from_mode", Value::from("upgrade")),
            ("/components", Value::from("none")),
        ] {
            let mut damaged = dump.clone();
            if let Some(place) = damaged.pointer_mut(pointer) {
                *place = wrong;
                assert!(check(&schema, &schema, &damaged).is_err(), "{name}{pointer}");
            }
        }
        let mut less = dump.clone();
        less.as_object_mut().unwrap().remove("order");
        assert!(check(&schema, &schema, &less).is_err(), "every field is written");
    }
}

fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return if schema == &Value::Bool(true) { Ok(()) } else { Err("nothing fits".to_owned()) };
    };
    for (keyword, wanted) in keywords {
        let fits = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" | "default" => true,
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                check(root, root.pointer(pointer).ok_or("a $ref leads nowhere")?, value)?;
                true
            }
            "type" => match wanted {
                Value::Array(any) => any.iter().any(|one| is_a(one, value)),
                one => is_a(one, value),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "const" => wanted == value,
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "required" => value.as_object().is_none_or(|object| {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "properties" => {
                for (key, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        check(root, schema, value).map_err(|error| format!("{key}: {error}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                for (key, value) in value.as_object().into_iter().flatten() {
                    if known.is_none_or(|known| !known.contains_key(key)) {
                        check(root, wanted, value).map_err(|error| format!("{key}: {error}"))?;
                    }
                }
                true
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item).map_err(|error| format!("{at}: {error}"))?;
                }
                true
            }
            "anyOf" => wanted.as_array().unwrap().iter().any(|s| check(root, s, value).is_ok()),
            "oneOf" => {
                let fitting =
                    wanted.as_array().unwrap().iter().filter(|s| check(root, s, value).is_ok());
                fitting.count() == 1
            }
            other => panic!("the schema has a keyword that this test does not know: {other}"),
        };
        if !fits {
            return Err(format!("{keyword} {wanted} does not fit {value}"));
        }
    }
    Ok(())
}

fn is_a(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("a type that this test does not know: {other}"),
    }
}
