use crate::Options;

/// What a `source` sends: always the same bytes, or with `--random` others each time.
///
/// Random messages come from a generator that is easily written in any language:
/// `state = state * 1664525 + 1013904223` modulo 2^32, from the seed on. Of each
/// message, one step gives the number of bits of its size, and one its size
/// below that, at most `--size`; then each byte is the top one of a step.
/// So there are as many small messages as large ones.
pub struct Payloads {
    fixed: Vec<u8>,
    state: Option<u32>,
    max_size: usize,
}

impl Payloads {
    pub fn new(options: &Options) -> Self {
        Self {
            fixed: vec![0x5a; options.size],
            state: options.random,
            max_size: options.size,
        }
    }

    /// Whether all are the same, so that one can be prepared for all.
    pub fn is_fixed(&self) -> bool {
        self.state.is_none()
    }

    /// The next message.
    pub fn produce(&mut self) -> &[u8] {
        let Some(mut state) = self.state else {
            return &self.fixed;
        };
        let max_bits = usize::BITS - self.max_size.leading_zeros();
        let bits = (step(&mut state) >> 24) % (max_bits + 1);
        let size = (step(&mut state) >> 8) as usize % (1 << bits);
        self.fixed.clear();
        self.fixed
            .extend((0..size.min(self.max_size)).map(|_| (step(&mut state) >> 24) as u8));
        self.state = Some(state);
        &self.fixed
    }
}

fn step(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state
}
