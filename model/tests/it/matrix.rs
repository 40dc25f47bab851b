//! One blocking matrix: the recorder's and the model's agree.

use lockgraph_core::mode as core;
use lockgraph_model::words::{Conflict, Mode, Want};

#[test]
fn the_blocking_matrix_is_the_recorders() {
    let holds = [
        core::Mode::Exclusive,
        core::Mode::Shared,
        core::Mode::SharedRecursive,
        core::Mode::Upgradable,
    ];
    let wants = [
        core::Want::Exclusive,
        core::Want::Shared,
        core::Want::SharedRecursive,
        core::Want::Upgradable,
        core::Want::Upgrade,
    ];
    for read_blocks_behind_writer in [false, true] {
        let policy = core::Policy {
            kind: "RwLock",
            read_blocks_behind_writer,
            guard_send: false,
            reentrant: false,
            shared: true,
            upgrade: true,
        };
        for (mode, hold) in Mode::ALL.into_iter().zip(holds) {
            assert_eq!(mode.name(), hold.name());
            for (want, request) in Want::ALL.into_iter().zip(wants) {
                assert_eq!(want.name(), request.name());
                let recorder = match policy.conflict(request, hold) {
                    core::Conflict::Never => Conflict::Never,
                    core::Conflict::BehindWriter => Conflict::BehindWriter,
                    core::Conflict::Always => Conflict::Always,
                };
                assert_eq!(
                    want.conflict(mode, read_blocks_behind_writer),
                    recorder,
                    "{want} on {mode}, {read_blocks_behind_writer}"
                );
            }
        }
    }
}

#[test]
fn the_words_on_disk_are_the_names() {
    for mode in Mode::ALL {
        assert_eq!(serde_json::to_string(&mode).unwrap(), format!("{:?}", mode.name()));
    }
    for want in Want::ALL {
        assert_eq!(serde_json::to_string(&want).unwrap(), format!("{:?}", want.name()));
    }
}
