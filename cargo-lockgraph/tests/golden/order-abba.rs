// No order agrees with all that was observed: 1 class edge goes against this one.
//   accounts -> audit at src/main.rs:22:24
/// The lock classes in the order in which they are taken.
pub const LOCK_ORDER: [&str; 2] = [
    "audit",
    "accounts",
];
