//! The policy file of the workspace.

use crate::failure::Failure;
use lockgraph_model::Policy;
use std::path::{Path, PathBuf};

/// The name of the file, at the root of the workspace.
pub(crate) const FILE: &str = "lockgraph.toml";

/// A policy, and where it stands.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) policy: Policy,
}

/// The policy of `file`, or of the workspace at `root`, where that has one.
pub(crate) fn find(file: Option<&Path>, root: &Path) -> Result<Option<Found>, Failure> {
    let path = file.map_or_else(|| root.join(FILE), Path::to_owned);
    if file.is_none() && !path.is_file() {
        return Ok(None);
    }
    let policy = Policy::read(&path)?;
    Ok(Some(Found { path, policy }))
}

impl Found {
    /// Where the journals are.
    pub(crate) fn dir(&self) -> Option<PathBuf> {
        let dir = self.policy.dir.as_ref()?;
        Some(self.path.parent().unwrap_or(Path::new("")).join(dir))
    }

    /// The declared order as `LOCKGRAPH_ORDER` has it, and where it stands, as `LOCKGRAPH_ORDER_FROM` has
    /// that; none where none is declared.
    pub(crate) fn order(&self) -> Option<(String, String)> {
        let quoted = |name: &str| -> String {
            let plain = |c: char| (matches!(c, '<' | ',' | '\\').then_some('\\'), c);
            name.chars().map(plain).flat_map(|(quote, c)| quote.into_iter().chain([c])).collect()
        };
        let rules = self.policy.order.iter();
        let rules: Vec<String> = rules
            .map(|rule| format!("{}<{}", quoted(rule.before.as_str()), quoted(rule.after.as_str())))
            .collect();
        let lines = self.policy.order.iter().map(|rule| rule.line.to_string());
        let from = || format!("{}:{}", self.name(), lines.collect::<Vec<_>>().join(","));
        (!rules.is_empty()).then(|| (rules.join(","), from()))
    }

    /// The name for a message.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}
