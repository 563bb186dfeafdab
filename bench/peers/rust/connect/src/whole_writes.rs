//! A stream that takes whole messages.
//!
//! connect forgets what a socket did not take of a write: when 6 of 18 bytes fit,
//! the other 12 never leave. Over this stream, which keeps them, it does not matter.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_std::net::TcpStream;
use futures::io::IoSlice;
use futures::AsyncWrite;

struct Rest {
    stream: TcpStream,
    bytes: Vec<u8>,
    written: usize,
}

impl Rest {
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            let bytes = &self.bytes[self.written..];
            match Pin::new(&mut self.stream).poll_write(context, bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.written += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.bytes.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

#[derive(Clone)]
pub struct WholeWrites {
    rest: Arc<Mutex<Rest>>,
}

impl WholeWrites {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            rest: Arc::new(Mutex::new(Rest {
                stream,
                bytes: Vec::new(),
                written: 0,
            })),
        }
    }

    /// Waits until all is handed to the operating system: connect itself flushes before it writes.
    pub async fn drain(&self) -> io::Result<()> {
        futures::future::poll_fn(|context| self.lock(|rest| rest.poll_drain(context))).await
    }

    fn lock<T>(&self, use_rest: impl FnOnce(&mut Rest) -> T) -> T {
        use_rest(&mut self.rest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AsyncWrite for WholeWrites {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock(|rest| {
            let mut taken = 0;
            for slice in slices {
                rest.bytes.extend_from_slice(slice);
                taken += slice.len();
            }
            match rest.poll_drain(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
            }
        })
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock(|rest| rest.poll_drain(context))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock(|rest| match rest.poll_drain(context) {
            Poll::Ready(Ok(())) => Pin::new(&mut rest.stream).poll_close(context),
            other => other,
        })
    }
}
