//! Journals put together in a few words.

use lockgraph_model::Dump;

/// A journal under construction.
pub(crate) struct Run {
    text: String,
    seq: u64,
}

/// A process named by a number, which also decides its place in a merge.
pub(crate) fn run(id: u32) -> Run {
    tested(id, None)
}

/// The process of a test.
pub(crate) fn tested(id: u32, test: Option<&str>) -> Run {
    let mut run = Run { text: String::new(), seq: 0 };
    let test = test.map_or("null".to_owned(), |test| format!("{test:?}"));
    run.line(&format!(
        r#""header","schema":"lockgraph/1","tool":{{"name":"lockgraph","version":"0.1.0"}},"run_id":"{id:032x}","pid":{id},"exe":"x","started_unix_ms":0,"test":{test}"#
    ));
    run
}

impl Run {
    pub(crate) fn line(&mut self, rest: &str) -> &mut Run {
        let (t, fields) = rest.split_once(',').unwrap_or((rest, ""));
        let comma = if fields.is_empty() { "" } else { "," };
        self.text += &format!("{{\"t\":{t},\"seq\":{}{comma}{fields}}}\n", self.seq);
        self.seq += 1;
        self
    }

    pub(crate) fn owner(&mut self, id: u64, name: &str) -> &mut Run {
        self.line(&format!(r#""owner","id":{id},"kind":"thread","name":"{name}""#))
    }

    pub(crate) fn segment(&mut self, id: u64, owner: u64, after: &[u64]) -> &mut Run {
        self.line(&format!(
            r#""segment","id":{id},"owner":{owner},"after":{after:?},"joined_before":[]"#
        ))
    }

    /// A lock and its class of the name, with the same number.
    pub(crate) fn lock(&mut self, id: u64, name: &str) -> &mut Run {
        self.class(id, name).instance(id, id)
    }

    pub(crate) fn class(&mut self, id: u64, name: &str) -> &mut Run {
        self.line(&format!(
            r#""class","id":{id},"name":"{name}","kind":"RwLock","type":null,"created_at":null"#
        ))
    }

    /// A class without a name.
    pub(crate) fn site(&mut self, id: u64, file: &str, line: u32) -> &mut Run {
        self.line(&format!(
            r#""class","id":{id},"name":null,"kind":"Mutex","type":"u64","created_at":{{"file":"{file}","line":{line},"column":9}}"#
        ))
    }

    pub(crate) fn instance(&mut self, id: u64, class: u64) -> &mut Run {
        self.line(&format!(
            r#""lock","id":{id},"class":{class},"read_blocks_behind_writer":true,"guard_send":false,"reentrant":false"#
        ))
    }

    pub(crate) fn dropped(&mut self, lock: u64) -> &mut Run {
        self.line(&format!(r#""drop","lock":{lock}"#))
    }

    pub(crate) fn writer(&mut self, lock: u64, owner: u64) -> &mut Run {
        self.line(&format!(r#""writer","lock":{lock},"owner":{owner}"#))
    }

    /// `owner` requested `to`, exclusive, while it held `held`; the edge is from the last of them.
    pub(crate) fn took(&mut self, owner: u64, held: &[u64], to: u64) -> &mut Run {
        self.took_as(owner, 0, held, to, "exclusive", "exclusive")
    }

    pub(crate) fn took_as(
        &mut self,
        owner: u64,
        segment: u64,
        held: &[u64],
        to: u64,
        from_mode: &str,
        to_mode: &str,
    ) -> &mut Run {
        let from = held[held.len() - 1];
        let held: Vec<String> = held
            .iter()
            .map(|lock| {
                let mode = if *lock == from { from_mode } else { "exclusive" };
                format!(r#"{{"lock":{lock},"mode":"{mode}"}}"#)
            })
            .collect();
        let site = |line| format!(r#"{{"file":"src/take.rs","line":{line},"column":5}}"#);
        self.line(&format!(r#""edge","from":{from},"to":{to}"#)).line(&format!(
            r#""witness","from":{from},"to":{to},"scope":0,"owner":{owner},"segment":{segment},"from_mode":"{from_mode}","to_mode":"{to_mode}","held_at":{},"acquired_at":{},"held":[{}],"stack":null,"capped":false"#,
            site(from),
            site(to),
            held.join(",")
        ))
    }

    pub(crate) fn text(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        text += &format!("{{\"t\":\"end\",\"seq\":{},\"counters\":{{}}}}\n", self.seq);
        text
    }

    pub(crate) fn dump(&mut self) -> Dump {
        Dump::from_journal(self.text().as_bytes(), "made.jsonl").unwrap()
    }
}
