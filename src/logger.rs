//! Findings in the program's own log: callbacks for [`on_finding`](crate::on_finding).
//!
//! Enabling a feature logs nothing by itself: features are united over a dependency tree, and one
//! crate must not fill another's log.

use crate::{Finding, Severity};

/// Logs a finding as one record of target `lockgraph`: errors at level error, warnings at warn,
/// notes at info. With the feature `log`.
///
/// ```
/// lockgraph::Config::new().stderr(false).install();
/// lockgraph::on_finding(lockgraph::to_log);
/// ```
#[cfg(feature = "log")]
pub fn to_log(finding: &Finding) {
    let level = match finding.severity {
        Severity::Error => log::Level::Error,
        Severity::Warning => log::Level::Warn,
        Severity::Note => log::Level::Info,
    };
    log::log!(target: "lockgraph", level, "{}: {}", finding.kind.code(), finding.message());
}

/// Sends a finding to `tracing` as one event of target `lockgraph`: errors at level error,
/// warnings at warn, notes at info; with the fields `code`, `kind`, `confidence` and
/// `fingerprint`. With the feature `tracing`.
///
/// ```
/// lockgraph::Config::new().stderr(false).install();
/// lockgraph::on_finding(lockgraph::to_tracing);
/// ```
#[cfg(feature = "tracing")]
pub fn to_tracing(finding: &Finding) {
    /// A level of `tracing` is part of a static, so it cannot be a value.
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: "lockgraph",
                tracing::Level::$level,
                code = finding.kind.code(),
                kind = finding.kind.name(),
                confidence = finding.confidence.map(|confidence| confidence.name()),
                fingerprint = format_args!("{:016x}", finding.fingerprint),
                "{}",
                finding.message()
            )
        };
    }
    match finding.severity {
        Severity::Error => event!(ERROR),
        Severity::Warning => event!(WARN),
        Severity::Note => event!(INFO),
    }
}
