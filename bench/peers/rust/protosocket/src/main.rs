//! The peer on protosocket; see ../../README.md for its command line.

mod codecs;
mod reactor;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use common::{Mode, Options};
use protosocket::{
    Codec, Connection, Decoder, Encoder, PooledEncoder, StreamWithAddress, TcpSocketListener,
};
use protosocket_messagepack::{MessagePackDecoder, MessagePackSerializer};
use protosocket_prost::{ProstDecoder, ProstSerializer};
use protosocket_server::{ProtosocketServerConfig, ServerConnector};
use tokio::net::TcpStream;

use codecs::{Counted, FramedDecoder, FramedSerializer, Packed, Payload, Wrapped, Written};
use reactor::{PeerReactor, Shared};

/// As the server's defaults are.
const MAX_BUFFER: usize = 32 << 20;
const BUFFER_INCREMENT: usize = 1 << 20;
/// What one writev takes: with fewer, each would be smaller.
const MAX_QUEUED: usize = 256;

fn main() {
    let options = common::options(&["framed-tcp", "prost", "message-pack"]);
    common::end_with_stdin();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        match options.transport.as_str() {
            "framed-tcp" => run(options, || (pooled(FramedSerializer), FramedDecoder)).await,
            "prost" => {
                run(options, || {
                    (
                        pooled(ProstSerializer::<Wrapped>::default()),
                        ProstDecoder::<Wrapped>::default(),
                    )
                })
                .await
            }
            _ => {
                run(options, || {
                    (
                        pooled(MessagePackSerializer::<Packed>::default()),
                        MessagePackDecoder::<Packed>::default(),
                    )
                })
                .await
            }
        }
    });
}

fn pooled<S: protosocket::Serialize>(serializer: S) -> PooledEncoder<S> {
    PooledEncoder::new_with_pool_size(MAX_QUEUED, serializer)
}

async fn run<C, M, Make>(options: Options, make_codec: Make)
where
    C: Codec + Encoder<Message = M> + Decoder<Message = M> + 'static,
    M: Payload,
    Make: Fn() -> C + Unpin + 'static,
{
    let shared = Rc::new(RefCell::new(Shared::<M>::new(options.clone())));
    if options.listens {
        let address = bound_address(options.address);
        let connector = Connector {
            make_codec,
            shared,
            written: Written::default(),
        };
        let server = ProtosocketServerConfig::default()
            .max_buffer_length(MAX_BUFFER)
            .max_queued_outbound_messages(MAX_QUEUED)
            .buffer_allocation_increment(BUFFER_INCREMENT)
            .bind_tcp(address, connector)
            .unwrap_or_else(|error| common::fail(&format!("{error:?}")));
        common::ready(address);
        let _ = server.await;
        common::fail("the server has ended");
    }
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        let stream = TcpStream::connect(options.address)
            .await
            .unwrap_or_else(|error| common::fail(&error.to_string()));
        let _ = stream.set_nodelay(true);
        connections.push(stream);
    }
    common::ready(options.address);
    for stream in connections {
        let (outbound, messages) = spillway::channel();
        let written = Written::default();
        let connection = Connection::new(
            stream,
            Counted::new(make_codec(), written.clone()),
            MAX_BUFFER,
            BUFFER_INCREMENT,
            MAX_QUEUED,
            messages,
            PeerReactor::new(&shared, outbound, written),
        );
        spawn(connection, shared.clone());
    }
    std::future::pending::<()>().await;
}

/// Runs a connection to its end, and tells of it.
fn spawn<C, M, S>(connection: Connection<S, PeerReactor<C, M>>, shared: Rc<RefCell<Shared<M>>>)
where
    C: Codec + Encoder<Message = M> + Decoder<Message = M> + 'static,
    M: Payload,
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    tokio::task::spawn_local(async move {
        connection.await;
        shared.borrow_mut().closed();
    });
}

/// A port that is free now: the listener does not tell which one it took.
fn bound_address(address: SocketAddr) -> SocketAddr {
    std::net::TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| common::fail(&error.to_string()))
}

struct Connector<M, Make> {
    make_codec: Make,
    shared: Rc<RefCell<Shared<M>>>,
    /// Of the newest connection: its reactor is asked for, then its codec.
    written: Written,
}

impl<C, M, Make> ServerConnector for Connector<M, Make>
where
    C: Codec + Encoder<Message = M> + Decoder<Message = M> + 'static,
    M: Payload,
    Make: Fn() -> C + Unpin + 'static,
{
    type Codec = Counted<C>;
    type Reactor = PeerReactor<C, M>;
    type SocketListener = TcpSocketListener;

    fn codec(&mut self) -> Self::Codec {
        Counted::new((self.make_codec)(), self.written.clone())
    }

    fn new_reactor(
        &mut self,
        outbound: spillway::Sender<M>,
        _stream: &StreamWithAddress<TcpStream>,
    ) -> Self::Reactor {
        self.written = Written::default();
        PeerReactor::new(&self.shared, outbound, self.written.clone())
    }

    fn spawn_connection(
        &self,
        connection: Connection<StreamWithAddress<TcpStream>, Self::Reactor>,
    ) {
        spawn(connection, self.shared.clone());
    }
}

/// Whether a mode sends on its own.
fn sends(mode: Mode) -> bool {
    matches!(mode, Mode::Source | Mode::Ping)
}
