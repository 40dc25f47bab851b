//! One call of the compiler by cargo.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What a call says, as far as it matters here.
#[derive(Debug, Default)]
pub(crate) struct Call<'a> {
    pub(crate) crate_name: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    /// The place of the root file among the arguments, and the file.
    pub(crate) source: Option<usize>,
    path: Option<&'a OsStr>,
    pub(crate) is_test: bool,
    pub(crate) caps_lints: bool,
    pub(crate) crate_types: Vec<&'a str>,
    extra_filename: &'a str,
    out_dir: Option<&'a OsStr>,
}

/// Options with a value in the next argument, among those that cargo uses.
const WITH_VALUE: [&str; 14] = [
    "--crate-name",
    "--edition",
    "--crate-type",
    "--emit",
    "--out-dir",
    "--target",
    "--cfg",
    "--check-cfg",
    "--extern",
    "--cap-lints",
    "-L",
    "-l",
    "-C",
    "-Z",
];

impl<'a> Call<'a> {
    pub(crate) fn read(args: &'a [OsString]) -> Call<'a> {
        let mut call = Call::default();
        let mut at = 0;
        while at < args.len() {
            let text = args[at].to_str().unwrap_or_default();
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value)),
                _ => (text, None),
            };
            let separate = inline.is_none() && WITH_VALUE.contains(&name);
            let next = args.get(at + 1).filter(|_| separate);
            let value = inline.or_else(|| next.and_then(|next| next.to_str()));
            match name {
                "--crate-name" => call.crate_name = value,
                "--target" => call.target = value,
                "--test" => call.is_test = true,
                "--cap-lints" => call.caps_lints = true,
                "--crate-type" => call.crate_types.extend(value),
                "--out-dir" => {
                    call.out_dir = next.map(OsString::as_os_str).or(inline.map(OsStr::new))
                }
                "-C" => {
                    let name = value.and_then(|value| value.strip_prefix("extra-filename="));
                    call.extra_filename = name.unwrap_or(call.extra_filename);
                }
                _ if !text.starts_with('-') && text.ends_with(".rs") => {
                    call.source = Some(at);
                    call.path = Some(&args[at]);
                }
                _ => {}
            }
            at += if separate { 2 } else { 1 };
        }
        call
    }

    pub(crate) fn source_path(&self) -> Option<&'a OsStr> {
        self.path
    }

    /// The name that no other unit of the same target folder has.
    pub(crate) fn unit_name(&self) -> String {
        format!("{}{}", self.crate_name.unwrap_or_default(), self.extra_filename)
    }

    /// The files that may tell what the crate was compiled against.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = PathBuf> {
        let folder = Path::new(self.out_dir.unwrap_or_default()).to_owned();
        let name = self.unit_name();
        ["rlib", "rmeta"].into_iter().map(move |kind| folder.join(format!("lib{name}.{kind}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_cargo_is_understood() {
        let text = "--crate-name lock_api --edition=2021 /r/lock_api-0.4.14/src/lib.rs \
                    --error-format=json --crate-type lib --emit=dep-info,metadata,link -C \
                    embed-bitcode=no -C metadata=1 -C extra-filename=-2 --out-dir /t/deps --target \
                    t --cap-lints allow";
        let args: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
        let call = Call::read(&args);
        assert_eq!((call.crate_name, call.target), (Some("lock_api"), Some("t")));
        assert_eq!(call.source, Some(3));
        assert_eq!(call.crate_types, ["lib"]);
        assert!(call.caps_lints && !call.is_test);
        assert_eq!(call.outputs().next(), Some(PathBuf::from("/t/deps/liblock_api-2.rlib")));
    }
}
