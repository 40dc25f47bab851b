//! `mpsc`: channels with and without a bound.

use super::sync::mpsc::{
    Receiver, RecvError, RecvTimeoutError, SendError, SyncSender, TryRecvError, TrySendError,
    channel, sync_channel,
};
use super::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(2);

#[test]
fn messages_of_one_sender_arrive_in_order() {
    let (sender, receiver) = channel();
    let sending = thread::spawn(move || (0..100).for_each(|n| sender.send(n).unwrap()));
    assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    sending.join().unwrap();
}

#[test]
fn nothing_of_many_senders_is_lost() {
    let (sender, receiver) = channel();
    thread::scope(|s| {
        for _ in 0..4 {
            let sender = sender.clone();
            s.spawn(move || (1..=100).for_each(|n| sender.send(n).unwrap()));
        }
    });
    drop(sender);
    assert_eq!(receiver.into_iter().sum::<u32>(), 4 * 5050);
}

#[test]
fn recv_waits_for_a_message_and_ends_with_the_last_sender() {
    let (sender, receiver) = channel();
    let (ask, asked) = channel();
    thread::scope(|s| {
        s.spawn(move || {
            asked.recv().unwrap();
            sender.send(1).unwrap();
            let last = sender.clone();
            drop(sender);
            last.send(2).unwrap();
        });
        ask.send(()).unwrap();
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(2)));
        assert_eq!(receiver.recv(), Err(RecvError));
        assert_eq!(receiver.recv(), Err(RecvError));
    });
}

#[test]
fn messages_that_were_sent_outlive_their_sender() {
    let (sender, receiver) = channel();
    sender.send("late").unwrap();
    drop(sender);
    assert_eq!(receiver.recv(), Ok("late"));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn send_fails_without_a_receiver_and_gives_the_message_back() {
    let (sender, receiver) = channel();
    sender.send(1).unwrap();
    drop(receiver);
    assert_eq!(sender.send(2), Err(SendError(2)));
    let (sender, receiver) = sync_channel(1);
    drop(receiver);
    assert_eq!(sender.send(3), Err(SendError(3)));
    assert_eq!(sender.try_send(4), Err(TrySendError::Disconnected(4)));
}

#[test]
fn try_recv_does_not_wait() {
    let (sender, receiver) = channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn recv_timeout_ends_by_a_message_by_the_time_or_by_the_senders() {
    let (sender, receiver) = channel();
    let start = Instant::now();
    assert_eq!(receiver.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= SHORT);
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(1));
    thread::scope(|s| {
        s.spawn(move || sender.send(2).unwrap());
        assert_eq!(receiver.recv_timeout(LONG), Ok(2));
        assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn try_send_fails_where_there_is_no_room() {
    let (sender, receiver) = sync_channel(2);
    sender.send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!(receiver.recv(), Ok(1));
    sender.try_send(3).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn send_waits_for_room() {
    let (sender, receiver) = sync_channel(1);
    sender.send(0).unwrap();
    thread::scope(|s| {
        s.spawn(move || (1..50).for_each(|n| sender.send(n).unwrap()));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    });
}

#[test]
fn a_send_that_waits_for_room_ends_with_the_receiver() {
    let (sender, receiver) = sync_channel(1);
    sender.send(0).unwrap();
    thread::scope(|s| {
        let waiting = s.spawn(move || sender.send(1));
        drop(receiver);
        assert_eq!(waiting.join().unwrap(), Err(SendError(1)));
    });
}

/// A channel without room: each message is handed over.
fn rendezvous() -> (SyncSender<u8>, Receiver<u8>) {
    sync_channel(0)
}

#[test]
fn without_a_bound_of_one_sender_and_receiver_meet() {
    let (sender, receiver) = rendezvous();
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    let (sent, was_sent) = channel();
    thread::scope(|s| {
        s.spawn(move || {
            sender.send(2).unwrap();
            sent.send(()).unwrap();
        });
        // It cannot have been sent: nobody has received.
        assert_eq!(was_sent.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(receiver.recv(), Ok(2));
        was_sent.recv().unwrap();
    });
    let (sender, receiver) = rendezvous();
    thread::scope(|s| {
        let received = s.spawn(move || receiver.recv());
        // It succeeds once the other waits, which nobody can tell.
        while sender.try_send(3).is_err() {
            thread::yield_now();
        }
        assert_eq!(received.join().unwrap(), Ok(3));
    });
}

#[test]
fn iterators_end_with_the_senders_or_with_what_is_there() {
    let (sender, receiver) = channel();
    (0..3).for_each(|n| sender.send(n).unwrap());
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(receiver.try_iter().next(), None);
    (3..6).for_each(|n| sender.send(n).unwrap());
    drop(sender);
    let mut seen = Vec::new();
    for n in &receiver {
        seen.push(n);
        if n == 4 {
            break;
        }
    }
    let mut rest = receiver.into_iter();
    assert_eq!((seen.as_slice(), rest.next(), rest.next()), (&[3, 4][..], Some(5), None));
}

#[test]
fn messages_are_dropped_with_the_channel() {
    use super::sync::Arc;
    let data = Arc::new(());
    let (sender, receiver) = channel();
    sender.send(Arc::clone(&data)).unwrap();
    let other = sender.clone();
    drop(receiver);
    drop((sender, other));
    let (sender, receiver) = sync_channel(4);
    sender.send(Arc::clone(&data)).unwrap();
    drop((sender, receiver));
    assert_eq!(Arc::strong_count(&data), 1);
}

#[test]
fn a_sender_may_be_shared() {
    let (sender, receiver) = channel();
    let (bounded, bounded_receiver) = sync_channel(2);
    thread::scope(|s| {
        for n in 0..2 {
            let (sender, bounded) = (&sender, &bounded);
            s.spawn(move || {
                sender.send(n).unwrap();
                bounded.clone().send(n).unwrap();
            });
        }
    });
    assert_eq!(receiver.try_iter().sum::<u8>() + bounded_receiver.try_iter().sum::<u8>(), 2);
}

#[test]
fn the_texts_are_those_of_std() {
    let (sender, receiver) = channel::<u8>();
    let (bounded, _other) = sync_channel::<u8>(1);
    let texts = format!("{sender:?} {receiver:?} {bounded:?}");
    assert_eq!(texts, "Sender { .. } Receiver { .. } SyncSender { .. }");
    assert_eq!(RecvError.to_string(), "receiving on a closed channel");
    assert_eq!(SendError(1).to_string(), "sending on a closed channel");
    assert_eq!(TrySendError::Full(1).to_string(), "sending on a full channel");
    assert_eq!(TryRecvError::Empty.to_string(), "receiving on an empty channel");
    assert_eq!(RecvTimeoutError::Timeout.to_string(), "timed out waiting on channel");
    assert_eq!(TrySendError::from(SendError(1)), TrySendError::Disconnected(1));
    assert_eq!(TryRecvError::from(RecvError), TryRecvError::Disconnected);
    assert_eq!(RecvTimeoutError::from(RecvError), RecvTimeoutError::Disconnected);
}
