//! The peer on message-io; see ../../README.md for its command line.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use common::{Latencies, Mode, Options, Payloads, Tally};
use message_io::network::{Endpoint, NetEvent, SendStatus, Transport};
use message_io::node::{self, NodeEvent, NodeHandler};

/// Looked at each time it comes, to see whether datagrams still arrive.
struct Tick;

const TICK: Duration = Duration::from_millis(250);
/// A sink of datagrams ends after so many ticks without one.
const QUIET_TICKS: u32 = 4;

fn main() {
    let options = common::options(&["tcp", "framed-tcp", "udp", "ws"]);
    let steps = if options.stepped {
        Some(common::steps())
    } else {
        common::end_with_stdin();
        None
    };
    let transport = match options.transport.as_str() {
        "tcp" => Transport::Tcp,
        "framed-tcp" => Transport::FramedTcp,
        "udp" => Transport::Udp,
        _ => Transport::Ws,
    };
    let (handler, listener) = node::split::<Tick>();
    if options.listens {
        match handler.network().listen(transport, options.address) {
            Ok((_, address)) => common::ready(address),
            Err(error) => common::fail(&error.to_string()),
        }
    } else {
        for _ in 0..options.connections {
            if let Err(error) = handler.network().connect(transport, options.address) {
                common::fail(&error.to_string());
            }
        }
    }
    let mut peer = Peer {
        handler: handler.clone(),
        is_stream: transport == Transport::Tcp,
        is_datagram: transport == Transport::Udp,
        steps,
        endpoints: Vec::new(),
        open: 0,
        tally: Tally::new(&options),
        trips: HashMap::new(),
        answered: 0,
        latencies: Latencies::default(),
        question: Vec::new(),
        ends_at: None,
        quiet_ticks: 0,
        seen_at_tick: 0,
        options,
    };
    listener.for_each(|event| match event {
        NodeEvent::Network(NetEvent::Connected(endpoint, true)) => peer.connected(endpoint),
        NodeEvent::Network(NetEvent::Connected(_, false)) => common::fail("not connected"),
        NodeEvent::Network(NetEvent::Accepted(endpoint, _)) => peer.opened(endpoint),
        NodeEvent::Network(NetEvent::Message(endpoint, data)) => peer.message(endpoint, data),
        NodeEvent::Network(NetEvent::Disconnected(endpoint)) => peer.closed(endpoint),
        NodeEvent::Signal(Tick) => peer.tick(),
    });
}

/// The messages in flight on one connection.
#[derive(Default)]
struct Trip {
    sent_at: VecDeque<Instant>,
    sent: u64,
    /// Bytes of an answer that a stream has cut.
    partial: usize,
}

struct Peer {
    handler: NodeHandler<Tick>,
    is_stream: bool,
    is_datagram: bool,
    options: Options,
    steps: Option<Receiver<()>>,
    endpoints: Vec<Endpoint>,
    open: usize,
    tally: Tally,
    trips: HashMap<Endpoint, Trip>,
    /// Connections whose answers have all come.
    answered: usize,
    latencies: Latencies,
    question: Vec<u8>,
    ends_at: Option<Instant>,
    quiet_ticks: u32,
    seen_at_tick: u64,
}

impl Peer {
    fn connected(&mut self, endpoint: Endpoint) {
        if self.endpoints.len() + 1 == self.options.connections {
            common::ready(self.options.address);
        }
        if self.is_datagram && matches!(self.options.mode, Mode::Echo | Mode::Sink) {
            // Tells the other side where to send.
            self.handler.network().send(endpoint, &[]);
        }
        self.opened(endpoint);
    }

    fn opened(&mut self, endpoint: Endpoint) {
        common::event(&self.options, "connected");
        self.endpoints.push(endpoint);
        self.open += 1;
        self.tally.connections += 1;
        if self.endpoints.len() != self.options.connections {
            return;
        }
        match self.options.mode {
            Mode::Source => self.start_source(),
            Mode::Ping => self.start_ping(),
            Mode::Echo | Mode::Sink => {}
        }
    }

    fn message(&mut self, endpoint: Endpoint, data: &[u8]) {
        match self.options.mode {
            Mode::Echo => {
                if self.handler.network().send(endpoint, data) != SendStatus::Sent {
                    eprintln!("an answer of {} bytes was not sent", data.len());
                }
            }
            Mode::Sink => self.sink(data.len()),
            // A datagram from a new address is what a connection is elsewhere.
            Mode::Source if self.is_datagram && self.options.listens => {
                if !self.endpoints.contains(&endpoint) {
                    self.opened(endpoint);
                }
            }
            Mode::Source => {}
            Mode::Ping => self.answer(endpoint, data),
        }
    }

    fn sink(&mut self, size: usize) {
        if self.is_datagram && self.tally.total == 0 {
            self.handler.signals().send_with_timer(Tick, TICK);
        }
        self.tally.add(size);
        let limit = self.options.messages.unwrap_or(u64::MAX);
        let has_all = if self.is_stream {
            self.tally.bytes() >= limit.saturating_mul(self.options.size as u64)
        } else {
            self.tally.total == limit
        };
        if has_all {
            self.tally.look();
            self.finish();
        }
    }

    fn finish(&self) -> ! {
        // What one read of a stream gave is no message.
        let size = self.is_stream.then_some(self.options.size);
        self.tally.finish(size, None);
    }

    fn closed(&mut self, endpoint: Endpoint) {
        common::event(&self.options, "disconnected");
        self.endpoints.retain(|other| *other != endpoint);
        self.open -= 1;
        match self.options.mode {
            Mode::Sink if self.open == 0 => {
                self.tally.look();
                self.finish();
            }
            Mode::Source | Mode::Ping => common::fail("the other side has closed"),
            Mode::Echo | Mode::Sink => {}
        }
    }

    fn tick(&mut self) {
        if self.tally.total == self.seen_at_tick {
            self.quiet_ticks += 1;
        } else {
            self.quiet_ticks = 0;
        }
        self.seen_at_tick = self.tally.total;
        if self.quiet_ticks == QUIET_TICKS {
            self.finish();
        }
        self.handler.signals().send_with_timer(Tick, TICK);
    }

    /// Sends from a thread of its own, as message-io's own benchmark does: `send` blocks.
    fn start_source(&mut self) {
        let handler = self.handler.clone();
        let endpoints = self.endpoints.clone();
        let options = self.options.clone();
        let steps = self.steps.take();
        let is_datagram = self.is_datagram;
        std::thread::spawn(move || {
            let network = handler.network();
            let mut tally = Tally::new(&options);
            tally.connections = endpoints.len();
            let mut payloads = Payloads::new(&options);
            let end = options.duration.map(|duration| Instant::now() + duration);
            for index in 0..options.count() {
                if let Some(steps) = &steps {
                    if steps.recv().is_err() {
                        break;
                    }
                }
                let payload = payloads.produce();
                for endpoint in &endpoints {
                    tally.add(payload.len());
                    let status = network.send(*endpoint, payload);
                    // A datagram that was refused is lost, as others are.
                    if status != SendStatus::Sent && !is_datagram {
                        common::fail("the connection is gone");
                    }
                }
                if index % 64 == 0 && end.is_some_and(|end| Instant::now() >= end) {
                    break;
                }
            }
            for endpoint in &endpoints {
                network.remove(endpoint.resource_id());
            }
            tally.look();
            tally.finish(None, None);
        });
    }

    fn start_ping(&mut self) {
        self.tally.begin();
        self.ends_at = self
            .options
            .duration
            .map(|duration| Instant::now() + duration);
        self.question = vec![0x5a; self.options.size];
        for endpoint in &self.endpoints {
            let trip = self.trips.entry(*endpoint).or_default();
            for _ in 0..(self.options.depth as u64).min(self.options.count()) {
                trip.sent_at.push_back(Instant::now());
                trip.sent += 1;
                self.handler.network().send(*endpoint, &self.question);
            }
        }
    }

    fn answer(&mut self, endpoint: Endpoint, data: &[u8]) {
        if self.is_datagram && self.options.listens && !self.trips.contains_key(&endpoint) {
            return self.opened(endpoint);
        }
        let size = self.options.size;
        let Some(trip) = self.trips.get_mut(&endpoint) else {
            return;
        };
        let mut answers = 1;
        if self.is_stream {
            trip.partial += data.len();
            answers = trip.partial / size.max(1);
            trip.partial %= size.max(1);
        }
        for _ in 0..answers {
            let Some(sent_at) = trip.sent_at.pop_front() else {
                common::fail("an answer too many");
            };
            self.tally.add_answer(size, sent_at, &mut self.latencies);
            let is_over = trip.sent == self.options.count()
                || self.ends_at.is_some_and(|end| Instant::now() >= end);
            if !is_over {
                trip.sent_at.push_back(Instant::now());
                trip.sent += 1;
                self.handler.network().send(endpoint, &self.question);
            } else if trip.sent_at.is_empty() {
                self.answered += 1;
            }
        }
        if self.answered == self.options.connections {
            self.tally.finish(None, Some(&mut self.latencies));
        }
    }
}
