//! What a run really did, in order, as the naive oracle reads it.

use lockgraph_core::mode::{Mode, Want};

/// One lock object of one run. A lock used again after its drop is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Instance(pub(crate) usize);

/// One step of a run; its position in the trace is its time. `owner` is a thread index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A blocking request, made before it is known whether it will wait.
    Requested {
        owner: usize,
        lock: Instance,
        want: Want,
    },
    Acquired {
        owner: usize,
        lock: Instance,
        mode: Mode,
    },
    Released {
        owner: usize,
        lock: Instance,
        mode: Mode,
    },
    Converted {
        owner: usize,
        lock: Instance,
        from: Mode,
        to: Mode,
    },
    Dropped {
        lock: Instance,
    },
    Started {
        parent: usize,
        child: usize,
    },
    Joined {
        parent: usize,
        child: usize,
    },
}

/// A lock of a trace.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    /// `None` for the throw-away locks of `bulk_lock_unlock`.
    pub(crate) name: Option<String>,
    /// True where a reader waits behind a queued writer.
    pub(crate) shared: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) events: Vec<Event>,
    /// By [`Instance`].
    pub(crate) locks: Vec<Traced>,
}
