// In effect from the first use of a rank: `Mutex::new(..).ranked(RANK)`, or `ranked!`.
lockgraph::order! {
    SESSIONS("sessions")
    < CONFIG("config")
    < USERS("users")
}
