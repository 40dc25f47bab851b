//! The integration tests: one binary, one module per subject.

mod absent;
mod bad_luck;
mod callback;
mod classes;
mod deadlock_storm;
mod deadlocks;
mod examples;
mod exits;
mod false_alarms;
#[cfg(target_os = "linux")]
mod hostile;
mod layout;
mod lock_all;
mod merged;
mod observations;
mod oracle;
mod parity;
mod parity_std;
mod parking_lot_arc;
mod parking_lot_condvar;
mod parking_lot_mutex;
mod parking_lot_once;
mod parking_lot_recorded;
mod parking_lot_rwlock;
mod parking_lot_types;
mod raw;
mod scenario;
mod sinks;
mod stalls;
mod std_behaviour;
mod std_recorded;
mod std_stress;
mod std_thread;
mod std_types;
mod twins;
mod verdicts;
