//! The JSON Schema of a dump, generated from the types.

use crate::Dump;
use schemars::generate::SchemaSettings;

/// The JSON Schema (draft 2020-12) of the documents that this version writes, as the text of
/// `schema/lockgraph-1.schema.json`.
///
/// ```
/// assert!(lockgraph_model::schema::document().contains("\"title\": \"Dump\""));
/// ```
pub fn document() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Dump>();
    schema.insert("$id".to_owned(), "lockgraph-1.schema.json".into());
    format!("{:#}\n", schema.as_value())
}
