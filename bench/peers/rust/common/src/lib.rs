//! What the peers share: the command line, the lines that they print, and how they count.

mod latency;
mod options;
mod payload;
mod tally;

use std::io::{Read, Write};
use std::net::SocketAddr;

pub use latency::Latencies;
pub use options::{options, Mode, Options};
pub use payload::Payloads;
pub use tally::Tally;

/// Ends the process as soon as the standard input ends, so that no peer outlives who started it.
pub fn end_with_stdin() {
    std::thread::spawn(|| {
        let mut buffer = [0; 256];
        while matches!(std::io::stdin().read(&mut buffer), Ok(read) if read > 0) {}
        std::process::exit(0);
    });
}

/// Sends one `()` for each line on the standard input, and ends the process with it.
pub fn steps() -> std::sync::mpsc::Receiver<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if line.is_err() || sender.send(()).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    receiver
}

/// Prints the line that says where this peer listens, or what it is connected to.
pub fn ready(address: SocketAddr) {
    line(&format!(r#"{{"ready":true,"address":"{address}"}}"#));
}

/// Prints a line for a connection that came or went.
pub fn event(options: &Options, name: &str) {
    if options.events {
        line(&format!(r#"{{"event":"{name}"}}"#));
    }
}

/// Prints what went wrong, and ends the process.
pub fn fail(message: &str) -> ! {
    line(&format!(r#"{{"error":{}}}"#, quoted(message)));
    std::process::exit(1);
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            character if (character as u32) < 0x20 => out.push(' '),
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever read this is gone; the standard input ends too then.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
