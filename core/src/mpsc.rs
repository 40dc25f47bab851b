//! Drop-in for [`std::sync::mpsc`]: a receiver that has to wait for a message, and a sender that has
//! to wait for room, are told to the recorder. Everything is done by std's own channels.
//!
//! A call that need not wait costs what std's costs, and one more attempt where it has to. Waits
//! with a timeout end by themselves and are not told.

use crate::door::{self, Waiting};
use std::fmt;
use std::panic::Location;
use std::sync::mpsc as real;
use std::time::Duration;

#[doc(no_inline)]
pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

/// [`std::sync::mpsc::channel`].
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = real::channel();
    (Sender(sender), Receiver(receiver))
}

/// [`std::sync::mpsc::sync_channel`].
#[must_use]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = real::sync_channel(bound);
    (SyncSender(sender), Receiver(receiver))
}

/// [`std::sync::mpsc::Sender`].
pub struct Sender<T>(real::Sender<T>);

impl<T> Sender<T> {
    /// [`std::sync::mpsc::Sender::send`]: never waits.
    ///
    /// # Errors
    /// As std's.
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        self.0.send(t)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(self.0.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T>(real::SyncSender<T>);

impl<T> SyncSender<T> {
    /// [`std::sync::mpsc::SyncSender::send`]: a wait where there is no room.
    ///
    /// # Errors
    /// As std's.
    #[track_caller]
    pub fn send(&self, t: T) -> Result<(), SendError<T>> {
        match self.0.try_send(t) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(t)) => Err(SendError(t)),
            Err(TrySendError::Full(t)) => {
                let _waits = door::waiting(Waiting::Room, Location::caller());
                self.0.send(t)
            }
        }
    }

    /// [`std::sync::mpsc::SyncSender::try_send`].
    ///
    /// # Errors
    /// As std's.
    pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(t)
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> Self {
        SyncSender(self.0.clone())
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`std::sync::mpsc::Receiver`].
pub struct Receiver<T>(real::Receiver<T>);

impl<T> Receiver<T> {
    /// [`std::sync::mpsc::Receiver::try_recv`].
    ///
    /// # Errors
    /// As std's.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.0.try_recv()
    }

    /// [`std::sync::mpsc::Receiver::recv`]: a wait where there is no message.
    ///
    /// # Errors
    /// As std's.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.0.try_recv() {
            Ok(t) => Ok(t),
            Err(TryRecvError::Disconnected) => Err(RecvError),
            Err(TryRecvError::Empty) => {
                let _waits = door::waiting(Waiting::Message, Location::caller());
                self.0.recv()
            }
        }
    }

    /// [`std::sync::mpsc::Receiver::recv_timeout`].
    ///
    /// # Errors
    /// As std's.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.0.recv_timeout(timeout)
    }

    /// [`std::sync::mpsc::Receiver::iter`].
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { rx: self }
    }

    /// [`std::sync::mpsc::Receiver::try_iter`].
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { rx: self }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`std::sync::mpsc::Iter`].
#[derive(Debug)]
pub struct Iter<'a, T: 'a> {
    rx: &'a Receiver<T>,
}

/// [`std::sync::mpsc::TryIter`].
#[derive(Debug)]
pub struct TryIter<'a, T: 'a> {
    rx: &'a Receiver<T>,
}

/// [`std::sync::mpsc::IntoIter`].
#[derive(Debug)]
pub struct IntoIter<T> {
    rx: Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.rx.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.rx.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { rx: self }
    }
}
