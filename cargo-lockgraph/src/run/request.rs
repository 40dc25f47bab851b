//! What the user asks of cargo, as far as it must be known here. The arguments themselves go to
//! cargo as they are.

use super::Kind;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The arguments for cargo.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    /// All, but for `--target-dir`.
    pub(crate) args: Vec<OsString>,
    pub(crate) target: Option<String>,
    pub(crate) target_dir: Option<PathBuf>,
    /// The values of `--config`.
    pub(crate) configs: Vec<String>,
    /// Those that `cargo metadata` takes as well.
    pub(crate) for_metadata: Vec<OsString>,
    pub(crate) builds_std: bool,
}

/// Options of cargo that say where the workspace is and what may be touched.
const METADATA_FLAGS: [&str; 3] = ["--locked", "--offline", "--frozen"];
const METADATA_VALUES: [&str; 3] = ["--manifest-path", "--config", "--lockfile-path"];

impl Request {
    pub(crate) fn new(kind: Kind, args: Vec<OsString>) -> Request {
        let mut request = Request { kind, ..Request::default() };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                request.args.push(arg);
                request.args.extend(args.by_ref());
                break;
            }
            request.take(arg, &mut args);
        }
        request
    }

    fn take(&mut self, arg: OsString, rest: &mut impl Iterator<Item = OsString>) {
        let text = arg.to_string_lossy().into_owned();
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (text.as_str(), None),
        };
        if METADATA_FLAGS.contains(&name) {
            self.for_metadata.push(arg.clone());
        }
        let has_value =
            METADATA_VALUES.contains(&name) || ["--target", "--target-dir", "-Z"].contains(&name);
        if text.starts_with("-Z") && text.contains("build-std") {
            self.builds_std = true;
        }
        if !has_value {
            return self.args.push(arg);
        }
        let separate = if inline.is_none() { rest.next() } else { None };
        let value = inline.unwrap_or_else(|| lossy(separate.as_deref()));
        match name {
            "--target-dir" => {
                self.target_dir = Some(separate.map_or_else(|| value.into(), PathBuf::from));
                return;
            }
            "--target" => self.target = Some(value),
            "-Z" => self.builds_std |= value.starts_with("build-std"),
            _ => {
                if name == "--config" {
                    self.configs.push(value);
                }
                self.for_metadata.push(arg.clone());
                self.for_metadata.extend(separate.clone());
            }
        }
        self.args.push(arg);
        self.args.extend(separate);
    }
}

fn lossy(text: Option<&OsStr>) -> String {
    text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(args: &[&str]) -> Request {
        Request::new(Kind::Test, args.iter().map(OsString::from).collect())
    }

    #[test]
    fn what_matters_is_found_and_the_rest_stays() {
        let args = ["-p", "x", "--target=t", "--offline", "--config", "build.rustc='r'", "--"];
        let request = request(&[&args[..], &["--target", "u"]].concat());
        assert_eq!(request.target.as_deref(), Some("t"));
        assert_eq!(request.configs, ["build.rustc='r'"]);
        assert_eq!(request.for_metadata, ["--offline", "--config", "build.rustc='r'"]);
        assert_eq!(request.args.len(), 9);
        assert!(!request.builds_std);
    }

    #[test]
    fn the_target_folder_is_taken_out() {
        for args in [&["--target-dir", "d", "-q"][..], &["--target-dir=d", "-q"]] {
            let request = request(args);
            assert_eq!(request.target_dir.as_deref(), Some(std::path::Path::new("d")));
            assert_eq!(request.args, ["-q"]);
        }
        assert!(request(&["-Zbuild-std"]).builds_std);
        assert!(request(&["-Z", "build-std=std"]).builds_std);
    }
}
