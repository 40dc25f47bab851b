// No order agrees with all that was observed: 1 class edge goes against this one.
//   accounts -> audit at src/main.rs:22:24
// In effect from the first use of a rank: `Mutex::new(..).ranked(RANK)`, or `ranked!`.
lockgraph::order! {
    AUDIT("audit")
    < ACCOUNTS("accounts")
}
