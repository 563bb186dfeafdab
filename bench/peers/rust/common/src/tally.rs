use std::time::{Duration, Instant};

use crate::{Latencies, Options};

/// Reads the clock once in so many messages: at each, it would be a good part of the work.
const MESSAGES_A_LOOK: u64 = 32;
/// Messages of this size are so few a second that each may look.
const BIG_MESSAGE: usize = 4_096;

/// Counts messages and bytes from the end of the warm-up to the last.
pub struct Tally {
    pub connections: usize,
    /// All messages, those of the warm-up too.
    pub total: u64,
    warmup: Duration,
    is_warm: bool,
    messages: u64,
    bytes: u64,
    began: Option<Instant>,
    /// What was counted when the clock was last looked at, and when that was.
    then: (u64, u64, Duration),
}

impl Tally {
    pub fn new(options: &Options) -> Self {
        Self {
            connections: 0,
            total: 0,
            warmup: options.warmup,
            is_warm: options.warmup.is_zero(),
            messages: 0,
            bytes: 0,
            began: None,
            then: (0, 0, Duration::ZERO),
        }
    }

    /// Counts one message, of a sink or a source.
    pub fn add(&mut self, size: usize) {
        self.total += 1;
        self.messages += 1;
        self.bytes += size as u64;
        if self.total == 1 || size >= BIG_MESSAGE || self.total % MESSAGES_A_LOOK == 0 {
            self.look();
        }
    }

    /// Counts one answer of a ping.
    pub fn add_answer(&mut self, size: usize, sent: Instant, latencies: &mut Latencies) {
        self.total += 1;
        self.messages += 1;
        self.bytes += size as u64;
        if self.look() {
            latencies.clear();
        }
        latencies.add(sent);
    }

    /// The bytes so far, where nothing keeps messages apart.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Starts the clock, unless it runs.
    pub fn begin(&mut self) {
        self.began.get_or_insert_with(Instant::now);
    }

    /// The time since it began, or since the warm-up.
    pub fn elapsed(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// Looks at the clock: everything so far had come by now. True if the warm-up has just ended.
    pub fn look(&mut self) -> bool {
        self.begin();
        let mut elapsed = self.elapsed();
        let ends_warmup = !self.is_warm && elapsed >= self.warmup;
        if ends_warmup {
            self.is_warm = true;
            self.began = Some(Instant::now());
            self.messages = 0;
            self.bytes = 0;
            elapsed = Duration::ZERO;
        }
        self.then = (self.messages, self.bytes, elapsed);
        ends_warmup
    }

    /// Prints what had come when the clock was last looked at, and ends the process.
    ///
    /// `message_size`: of a stream, where messages are so many bytes.
    pub fn finish(&self, message_size: Option<usize>, latencies: Option<&mut Latencies>) -> ! {
        if !self.is_warm {
            crate::fail("it ended before it was warm");
        }
        let (messages, bytes, elapsed) = self.then;
        let messages = message_size.map_or(messages, |size| bytes / size.max(1) as u64);
        let seconds = elapsed.as_secs_f64();
        let latency = latencies.map_or(String::new(), |latencies| {
            format!(r#","latencyMicros":{}"#, latencies.json())
        });
        crate::line(&format!(
            r#"{{"messages":{messages},"bytes":{bytes},"seconds":{seconds:.6},"connections":{},"total":{}{latency}}}"#,
            self.connections.max(1),
            self.total,
        ));
        std::process::exit(0);
    }
}
