//! The peer on connect; see ../../README.md for its command line.

mod whole_writes;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use common::{Latencies, Mode, Options, Payloads, Tally};
use connect::{ConnectDatagram, ConnectionReader, ConnectionWriter};
use futures::{SinkExt, StreamExt};

use whole_writes::WholeWrites;

/// Messages that a `source` hands over between two flushes.
const BATCH: u64 = 64;

/// What all connections have together.
struct Shared {
    options: Options,
    tally: Tally,
    latencies: Latencies,
    open: usize,
    finished: usize,
}

type All = Rc<RefCell<Shared>>;

fn main() {
    let options = common::options(&["tagged"]);
    common::end_with_stdin();
    let all = Rc::new(RefCell::new(Shared {
        tally: Tally::new(&options),
        options: options.clone(),
        latencies: Latencies::default(),
        open: 0,
        finished: 0,
    }));
    task::block_on(async {
        if let Err(error) = run(options, all).await {
            common::fail(&error.to_string());
        }
    });
}

async fn run(options: Options, all: All) -> std::io::Result<()> {
    // connect's own listener does not tell its port.
    let mut waiting = Vec::new();
    if options.listens {
        let listener = TcpListener::bind(options.address).await?;
        common::ready(listener.local_addr()?);
        let begins_together = matches!(options.mode, Mode::Source | Mode::Ping);
        loop {
            let (stream, _) = listener.accept().await?;
            waiting.push(open(stream, &all)?);
            if !begins_together || waiting.len() == options.connections {
                begin(&mut waiting, &all);
            }
        }
    }
    for _ in 0..options.connections {
        let stream = TcpStream::connect(options.address).await?;
        waiting.push(open(stream, &all)?);
    }
    common::ready(options.address);
    begin(&mut waiting, &all);
    std::future::pending().await
}

/// One connection, made of connect's two halves.
struct Halves {
    reader: ConnectionReader,
    writer: ConnectionWriter,
    rest: WholeWrites,
}

fn open(stream: TcpStream, all: &All) -> std::io::Result<Halves> {
    stream.set_nodelay(true)?;
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    let rest = WholeWrites::new(stream.clone());
    let mut all = all.borrow_mut();
    common::event(&all.options, "connected");
    all.open += 1;
    all.tally.connections += 1;
    Ok(Halves {
        reader: ConnectionReader::new(local, peer, Box::pin(stream)),
        writer: ConnectionWriter::new(local, peer, Box::pin(rest.clone())),
        rest,
    })
}

fn begin(waiting: &mut Vec<Halves>, all: &All) {
    for halves in waiting.drain(..) {
        let all = all.clone();
        let mode = all.borrow().options.mode;
        task::spawn_local(async move {
            let done = match mode {
                Mode::Echo => echo(halves).await,
                Mode::Sink => sink(halves, &all).await,
                Mode::Source => source(halves, &all).await,
                Mode::Ping => ping(halves, &all).await,
            };
            if let Err(error) = done {
                eprintln!("{error}");
            }
            closed(&all);
        });
    }
}

fn closed(all: &All) {
    let mut all = all.borrow_mut();
    common::event(&all.options, "disconnected");
    all.open -= 1;
    match all.options.mode {
        Mode::Sink if all.open == 0 => finish(&mut all),
        Mode::Source | Mode::Ping if all.finished == 0 => {
            common::fail("the other side has closed");
        }
        _ => {}
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

async fn echo(mut halves: Halves) -> Done {
    while let Some(datagram) = halves.reader.next().await {
        halves.writer.send(datagram).await?;
        halves.rest.drain().await?;
    }
    Ok(())
}

async fn sink(mut halves: Halves, all: &All) -> Done {
    while let Some(datagram) = halves.reader.next().await {
        let mut all = all.borrow_mut();
        all.tally.add(datagram.data().map_or(0, Vec::len));
        if Some(all.tally.total) == all.options.messages {
            finish(&mut all);
        }
    }
    Ok(())
}

async fn source(mut halves: Halves, all: &All) -> Done {
    let options = all.borrow().options.clone();
    all.borrow_mut().tally.begin();
    let end = options.duration.map(|duration| Instant::now() + duration);
    let mut payloads = Payloads::new(&options);
    for index in 0..options.count() {
        // An empty message is an error in connect.
        let payload = match payloads.produce() {
            [] => vec![0],
            payload => payload.to_vec(),
        };
        all.borrow_mut().tally.add(payload.len());
        halves
            .writer
            .feed(ConnectDatagram::new(options.tag, payload)?)
            .await?;
        if index % BATCH == BATCH - 1 {
            halves.writer.flush().await?;
            halves.rest.drain().await?;
            // The other connections send theirs.
            task::yield_now().await;
            if end.is_some_and(|end| Instant::now() >= end) {
                break;
            }
        }
    }
    halves.writer.flush().await?;
    halves.rest.drain().await?;
    halves.writer.close().await?;
    finish_one(all);
    Ok(())
}

async fn ping(mut halves: Halves, all: &All) -> Done {
    let options = all.borrow().options.clone();
    all.borrow_mut().tally.begin();
    let end = options.duration.map(|duration| Instant::now() + duration);
    let question = vec![0x5a; options.size.max(1)];
    let mut sent_at = VecDeque::new();
    let mut sent = 0;
    loop {
        let is_over = sent == options.count() || end.is_some_and(|end| Instant::now() >= end);
        if !is_over && sent_at.len() < options.depth {
            sent_at.push_back(Instant::now());
            sent += 1;
            halves
                .writer
                .send(ConnectDatagram::new(options.tag, question.clone())?)
                .await?;
            halves.rest.drain().await?;
            continue;
        }
        let Some(began) = sent_at.pop_front() else {
            break;
        };
        let Some(answer) = halves.reader.next().await else {
            return Err("the other side has closed".into());
        };
        let size = answer.data().map_or(0, Vec::len);
        let all = &mut *all.borrow_mut();
        all.tally.add_answer(size, began, &mut all.latencies);
    }
    finish_one(all);
    // The connection stays open until all are done.
    std::future::pending().await
}

/// One connection has sent all, or has all its answers.
fn finish_one(all: &All) {
    let mut all = all.borrow_mut();
    all.finished += 1;
    if all.finished == all.options.connections {
        finish(&mut all);
    }
}

fn finish(all: &mut Shared) -> ! {
    all.tally.look();
    let is_ping = all.options.mode == Mode::Ping;
    all.tally
        .finish(None, is_ping.then_some(&mut all.latencies));
}
