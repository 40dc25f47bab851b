/// The lock classes in the order in which they are taken.
pub const LOCK_ORDER: [&str; 3] = [
    "sessions",
    "config",
    "users",
];
