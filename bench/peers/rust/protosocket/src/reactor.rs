//! What a connection does, in each mode.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use common::{Latencies, Mode, Options, Payloads, Tally};
use protosocket::{Codec, Decoder, Encoder, MessageReactor, ReactorStatus, SendBudget};

use crate::codecs::{Counted, Payload, Written};

/// What all connections have together.
pub struct Shared<M> {
    pub options: Options,
    tally: Tally,
    latencies: Latencies,
    ends_at: Option<Instant>,
    open: usize,
    finished: usize,
    /// What every `source` and `ping` sends, unless it is random.
    message: M,
    payloads: Payloads,
    /// Those who wait for the other connections before they begin.
    waiting: Vec<Waker>,
}

impl<M: Payload> Shared<M> {
    pub fn new(options: Options) -> Self {
        Self {
            message: M::new(&vec![0x5a; options.size]),
            payloads: Payloads::new(&options),
            tally: Tally::new(&options),
            options,
            ends_at: None,
            latencies: Latencies::default(),
            open: 0,
            finished: 0,
            waiting: Vec::new(),
        }
    }

    fn opened(&mut self) {
        common::event(&self.options, "connected");
        self.open += 1;
        self.tally.connections += 1;
        if self.tally.connections == self.options.connections {
            self.waiting.drain(..).for_each(Waker::wake);
        }
    }

    pub fn closed(&mut self) {
        common::event(&self.options, "disconnected");
        self.open -= 1;
        match self.options.mode {
            Mode::Sink if self.open == 0 => self.finish(),
            Mode::Source | Mode::Ping if self.finished == 0 => {
                common::fail("the other side has closed");
            }
            _ => {}
        }
    }

    /// One connection has sent all, or has all its answers.
    fn finish_one(&mut self) {
        self.finished += 1;
        if self.finished < self.options.connections {
            return;
        }
        self.finish();
    }

    fn finish(&mut self) -> ! {
        self.tally.look();
        let is_ping = self.options.mode == Mode::Ping;
        self.tally
            .finish(None, is_ping.then_some(&mut self.latencies));
    }

    /// Starts the clocks, unless they run.
    fn begin(&mut self) {
        self.tally.begin();
        if self.ends_at.is_none() {
            self.ends_at = self
                .options
                .duration
                .map(|duration| Instant::now() + duration);
        }
    }

    fn next_message(&mut self) -> M {
        if self.payloads.is_fixed() {
            return self.message.clone();
        }
        M::new(self.payloads.produce())
    }
}

pub struct PeerReactor<C, M> {
    shared: Rc<RefCell<Shared<M>>>,
    mode: Mode,
    /// Kept, because the connection ends with its last sender.
    _outbound: spillway::Sender<M>,
    written: Written,
    echoes: VecDeque<M>,
    sent_at: VecDeque<Instant>,
    sent: u64,
    is_finished: bool,
    codec: PhantomData<C>,
}

impl<C, M> Unpin for PeerReactor<C, M> {}

impl<C, M: Payload> PeerReactor<C, M> {
    pub fn new(
        shared: &Rc<RefCell<Shared<M>>>,
        outbound: spillway::Sender<M>,
        written: Written,
    ) -> Self {
        shared.borrow_mut().opened();
        let mode = shared.borrow().options.mode;
        Self {
            shared: shared.clone(),
            mode,
            _outbound: outbound,
            written,
            echoes: VecDeque::new(),
            sent_at: VecDeque::new(),
            sent: 0,
            is_finished: false,
            codec: PhantomData,
        }
    }

    fn answer(&mut self, size: usize) {
        let shared = &mut *self.shared.borrow_mut();
        let Some(sent_at) = self.sent_at.pop_front() else {
            common::fail("an answer too many");
        };
        shared
            .tally
            .add_answer(size, sent_at, &mut shared.latencies);
    }

    fn is_over(&self, shared: &Shared<M>) -> bool {
        self.sent >= shared.options.count()
            || (self.mode == Mode::Ping || self.sent % 64 == 0)
                && shared.ends_at.is_some_and(|end| Instant::now() >= end)
    }
}

impl<C, M> MessageReactor for PeerReactor<C, M>
where
    C: Codec + Encoder<Message = M> + Decoder<Message = M> + 'static,
    M: Payload,
{
    type Codec = Counted<C>;
    type Inbound = M;
    type Outbound = M;
    type LogicalOutbound = M;

    fn on_inbound_message(&mut self, message: M) -> ReactorStatus {
        match self.mode {
            Mode::Echo => self.echoes.push_back(message),
            Mode::Sink => {
                let mut shared = self.shared.borrow_mut();
                shared.tally.add(message.len());
                if Some(shared.tally.total) == shared.options.messages {
                    shared.finish();
                }
            }
            Mode::Ping => self.answer(message.len()),
            Mode::Source => {}
        }
        ReactorStatus::Continue
    }

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn on_outbound_message(&mut self, message: M) -> M {
        message
    }

    fn poll_outbound_many(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        budget: &mut SendBudget<'_, Self::Codec>,
    ) -> Poll<Option<()>> {
        let this = &mut *self;
        if this.mode == Mode::Echo {
            while !this.echoes.is_empty() {
                let Some(permit) = budget.reserve() else {
                    break;
                };
                if let Some(message) = this.echoes.pop_front() {
                    permit.send(message);
                }
            }
        }
        if !crate::sends(this.mode) || this.is_finished {
            return Poll::Pending;
        }
        let shared = this.shared.clone();
        let mut shared = shared.borrow_mut();
        if shared.tally.connections < shared.options.connections {
            shared.waiting.push(context.waker().clone());
            return Poll::Pending;
        }
        shared.begin();
        let depth = match this.mode {
            Mode::Ping => shared.options.depth,
            _ => usize::MAX,
        };
        let mut is_over = this.is_over(&shared);
        while !is_over && this.sent_at.len() < depth {
            let Some(permit) = budget.reserve() else {
                break;
            };
            let message = shared.next_message();
            if this.mode == Mode::Ping {
                this.sent_at.push_back(Instant::now());
            } else {
                shared.tally.add(message.len());
            }
            permit.send(message);
            this.sent += 1;
            is_over = this.is_over(&shared);
        }
        let is_done = match this.mode {
            Mode::Ping => this.sent_at.is_empty(),
            _ => this.written.get() == this.sent,
        };
        if is_over && is_done {
            this.is_finished = true;
            shared.finish_one();
        }
        Poll::Pending
    }
}
