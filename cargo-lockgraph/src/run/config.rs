//! What cargo would take from its settings, where `cargo lockgraph` stands in between: the compiler,
//! wrappers that others have put around it, and the target.
//!
//! Read as cargo does: the command line's `--config`, then the environment, then `.cargo/config.toml`
//! of this folder and all above, then that of cargo's home. Tables that a settings file takes from
//! others by `include` are not followed.

use super::request::Request;
use std::env;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// The settings that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) rustc: Option<PathBuf>,
    /// Somebody's wrapper around the compiler, which stays around it.
    pub(crate) wrapper: Option<PathBuf>,
    pub(crate) rustdoc: Option<PathBuf>,
    pub(crate) target: Option<String>,
    /// Whether what is compiled on the way has a folder of its own (since cargo 1.91).
    pub(crate) has_build_dir: bool,
    /// Whether the standard library is built with the program.
    pub(crate) builds_std: bool,
}

/// One document of settings, and the folder that its paths are relative to.
struct Layer {
    document: DocumentMut,
    base: PathBuf,
}

impl Config {
    /// The settings for a command that is run in `here`.
    pub(crate) fn read(request: &Request, here: &Path) -> Config {
        let layers = layers(request, here);
        let path = |variables: &[&str], key: &str| {
            command_line(&layers, request)
                .find_map(|layer| layer.path(key))
                .or_else(|| variables.iter().find_map(|name| variable(name)))
                .or_else(|| layers.iter().find_map(|layer| layer.path(key)))
        };
        Config {
            rustc: path(&["RUSTC", "CARGO_BUILD_RUSTC"], "rustc"),
            wrapper: path(&["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"], "rustc-wrapper"),
            rustdoc: path(&["RUSTDOC", "CARGO_BUILD_RUSTDOC"], "rustdoc"),
            target: request
                .target
                .clone()
                .or_else(|| command_line(&layers, request).find_map(|layer| layer.text("target")))
                .or_else(|| env::var("CARGO_BUILD_TARGET").ok().filter(|target| !target.is_empty()))
                .or_else(|| layers.iter().find_map(|layer| layer.text("target"))),
            has_build_dir: env::var_os("CARGO_BUILD_BUILD_DIR").is_some()
                || layers.iter().any(|layer| layer.get("build", "build-dir").is_some()),
            builds_std: request.builds_std
                || env::var_os("CARGO_UNSTABLE_BUILD_STD").is_some()
                || layers.iter().any(|layer| layer.get("unstable", "build-std").is_some()),
        }
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The layers that stand on the command line, which are the first ones.
fn command_line<'a>(layers: &'a [Layer], request: &'a Request) -> impl Iterator<Item = &'a Layer> {
    layers.iter().take(request.configs.len())
}

/// All settings, the strongest first.
fn layers(request: &Request, here: &Path) -> Vec<Layer> {
    let mut layers = Vec::new();
    // Of several the last one counts.
    for config in request.configs.iter().rev() {
        let document = config.parse::<DocumentMut>().ok();
        let file = || read(&here.join(config));
        layers.push(Layer {
            document: document.or_else(file).unwrap_or_default(),
            base: here.to_owned(),
        });
    }
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let folders = here.ancestors().map(|folder| folder.join(".cargo")).chain(home);
    for folder in folders {
        let found = ["config", "config.toml"].iter().find_map(|name| read(&folder.join(name)));
        if let Some(document) = found {
            let base = folder.parent().unwrap_or(&folder).to_owned();
            layers.push(Layer { document, base });
        }
    }
    layers
}

/// Cargo complains of a file that it cannot read, in its own words.
fn read(path: &Path) -> Option<DocumentMut> {
    std::fs::read_to_string(path).ok()?.parse().ok()
}

impl Layer {
    fn get(&self, table: &str, key: &str) -> Option<&Item> {
        self.document.get(table)?.get(key)
    }

    /// A string of the table `build`, or the only one of a list.
    fn text(&self, key: &str) -> Option<String> {
        let item = self.get("build", key)?;
        let list = || item.as_array().filter(|list| list.len() == 1)?.get(0)?.as_str();
        item.as_str().or_else(list).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A program: a bare name is looked up by the system, a path is relative to the layer.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.text(key)?;
        let is_name = !text.contains(['/', '\\']);
        Some(if is_name { PathBuf::from(text) } else { self.base.join(text) })
    }
}
