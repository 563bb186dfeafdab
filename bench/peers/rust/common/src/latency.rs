use std::time::Instant;

/// Round trips, in the order of their messages: answers come in the order of the questions.
#[derive(Default)]
pub struct Latencies {
    micros: Vec<f64>,
}

impl Latencies {
    /// Keeps the time since a message was sent.
    pub(crate) fn add(&mut self, sent: Instant) {
        self.micros.push(sent.elapsed().as_nanos() as f64 / 1_000.0);
    }

    /// Forgets all: the warm-up is over.
    pub(crate) fn clear(&mut self) {
        self.micros.clear();
    }

    pub(crate) fn json(&mut self) -> String {
        self.micros.sort_by(f64::total_cmp);
        let count = self.micros.len();
        let at = |part: f64| {
            let index = (part * count as f64).ceil() as usize;
            self.micros
                .get(index.clamp(1, count.max(1)) - 1)
                .copied()
                .unwrap_or(0.0)
        };
        let mean = self.micros.iter().sum::<f64>() / count.max(1) as f64;
        format!(
            r#"{{"mean":{mean:.3},"p50":{:.3},"p99":{:.3},"max":{:.3}}}"#,
            at(0.5),
            at(0.99),
            at(1.0),
        )
    }
}
