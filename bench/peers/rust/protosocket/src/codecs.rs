//! The messages of each transport, and how they become bytes.

use std::cell::Cell;
use std::rc::Rc;

use bytes::{Buf, Bytes};
use protosocket::{Decoder, DeserializeError, Encoder, Serialize};

/// A message that carries bytes.
pub trait Payload: Clone + Send + std::fmt::Debug + Unpin + 'static {
    fn new(bytes: &[u8]) -> Self;
    fn len(&self) -> usize;
}

impl Payload for Bytes {
    fn new(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes)
    }
    fn len(&self) -> usize {
        Bytes::len(self)
    }
}

/// `message Wrapped { bytes data = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Wrapped {
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
}

impl Payload for Wrapped {
    fn new(bytes: &[u8]) -> Self {
        Self {
            data: Bytes::copy_from_slice(bytes),
        }
    }
    fn len(&self) -> usize {
        self.data.len()
    }
}

/// An array of one `bin`: without `serde_bytes` it would be an array of numbers.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Packed {
    #[serde(with = "serde_bytes")]
    data: Vec<u8>,
}

impl Payload for Packed {
    fn new(bytes: &[u8]) -> Self {
        Self {
            data: bytes.to_vec(),
        }
    }
    fn len(&self) -> usize {
        self.data.len()
    }
}

/// The frames of FramedTcp: a varint length, then the payload as it is.
pub struct FramedSerializer;

impl Serialize for FramedSerializer {
    type Message = Bytes;

    fn serialize_into_buffer(&mut self, message: Bytes, buffer: &mut Vec<u8>) {
        let mut length = message.len();
        while length >= 0x80 {
            buffer.push(length as u8 | 0x80);
            length >>= 7;
        }
        buffer.push(length as u8);
        buffer.extend_from_slice(&message);
    }
}

pub struct FramedDecoder;

impl Decoder for FramedDecoder {
    type Message = Bytes;

    fn decode(&mut self, mut buffer: impl Buf) -> Result<(usize, Bytes), DeserializeError> {
        let head = buffer.chunk();
        let mut length = 0usize;
        let mut head_size = 0;
        loop {
            let Some(byte) = head.get(head_size) else {
                return Err(DeserializeError::IncompleteBuffer {
                    next_message_size: head_size + 1,
                });
            };
            if head_size == 8 {
                return Err(DeserializeError::InvalidBuffer);
            }
            length |= ((byte & 0x7f) as usize) << (7 * head_size);
            head_size += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let size = head_size + length;
        if buffer.remaining() < size {
            return Err(DeserializeError::IncompleteBuffer {
                next_message_size: size,
            });
        }
        buffer.advance(head_size);
        Ok((size, buffer.copy_to_bytes(length)))
    }
}

/// Messages of one connection that were written to the end.
pub type Written = Rc<Cell<u64>>;

/// Another codec, that tells how many of its messages were written to the end: only
/// an encoder gets to know.
pub struct Counted<C> {
    inner: C,
    written: Written,
}

impl<C> Counted<C> {
    pub fn new(inner: C, written: Written) -> Self {
        Self { inner, written }
    }
}

impl<C: Encoder> Encoder for Counted<C> {
    type Message = C::Message;
    type Serialized = C::Serialized;

    fn encode(&mut self, message: Self::Message) -> Self::Serialized {
        self.inner.encode(message)
    }

    fn return_buffer(&mut self, buffer: Self::Serialized) {
        self.written.set(self.written.get() + 1);
        self.inner.return_buffer(buffer);
    }
}

impl<C: Decoder> Decoder for Counted<C> {
    type Message = C::Message;

    fn decode(&mut self, buffer: impl Buf) -> Result<(usize, Self::Message), DeserializeError> {
        self.inner.decode(buffer)
    }
}

impl<C: protosocket::Codec> protosocket::Codec for Counted<C> {}
