//! Clients of each kind, for the server to drive itself with.

use crate::server::GOODBYE;
use lockgraph::thread;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use thread::JoinHandle;

#[derive(Clone, Copy)]
pub(crate) enum Client {
    /// Talks until the server says goodbye.
    Talks,
    /// Says nothing, until the server says goodbye.
    Listens,
    /// Sends three messages and leaves.
    Leaves,
    /// Is gone in the middle of a message.
    BreaksOff,
}

impl Client {
    /// Starts one. Its thread returns how many messages it got back, each as it was sent.
    pub(crate) fn start(self, id: usize, server: SocketAddr) -> io::Result<JoinHandle<usize>> {
        let thread = thread::Builder::new().name(format!("client {id}"));
        thread.spawn(move || {
            let stream = TcpStream::connect(server).expect("the server accepts");
            match self {
                Client::Talks => talk(&stream, id, usize::MAX),
                Client::Listens => {
                    let mut line = String::new();
                    // Nothing at all where the connection was reset.
                    let _ = BufReader::new(&stream).read_line(&mut line);
                    assert!(line.is_empty() || line == GOODBYE, "{line:?}");
                    0
                }
                Client::Leaves => talk(&stream, id, 3),
                Client::BreaksOff => {
                    let messages = talk(&stream, id, 1);
                    (&stream).write_all(b"half a mess").expect("the server still runs");
                    // What is closed with its answer unread is reset, as by a process that is killed.
                    stream.peek(&mut [0]).expect("the server still runs");
                    messages
                }
            }
        })
    }
}

/// Sends up to `messages`, each when the one before has come back.
fn talk(mut stream: &TcpStream, id: usize, messages: usize) -> usize {
    let mut answers = BufReader::new(stream);
    for number in 0..messages {
        let message = format!("client {id}, message {number}\n");
        let mut answer = String::new();
        let sent = stream.write_all(message.as_bytes());
        if sent.and_then(|()| answers.read_line(&mut answer)).is_err() || answer != message {
            // The server has stopped. What it had read until then came back before its goodbye.
            let rest = answer.strip_suffix(GOODBYE).unwrap_or(&answer);
            assert!(message.starts_with(rest), "{answer:?} for {message:?}");
            return number;
        }
    }
    messages
}
