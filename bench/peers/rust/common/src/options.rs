use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Echo,
    Sink,
    Source,
    Ping,
}

/// What the command line asks for.
#[derive(Clone)]
pub struct Options {
    pub mode: Mode,
    pub transport: String,
    pub listens: bool,
    pub address: SocketAddr,
    pub size: usize,
    pub messages: Option<u64>,
    pub duration: Option<Duration>,
    pub warmup: Duration,
    pub connections: usize,
    pub depth: usize,
    pub tag: u16,
    pub events: bool,
    pub random: Option<u32>,
    pub stepped: bool,
}

impl Options {
    /// How many messages a `source` or `ping` sends on each connection.
    pub fn count(&self) -> u64 {
        match self.duration {
            Some(_) => u64::MAX,
            None => self.messages.unwrap_or(1_000),
        }
    }
}

/// Reads the command line; a wrong one ends the process.
pub fn options(transports: &[&str]) -> Options {
    let mut arguments = std::env::args().skip(1);
    let mode = match arguments.next().as_deref() {
        Some("echo") => Mode::Echo,
        Some("sink") => Mode::Sink,
        Some("source") => Mode::Source,
        Some("ping") => Mode::Ping,
        _ => refuse("The first argument is echo, sink, source or ping", false),
    };
    let mut options = Options {
        mode,
        transport: String::new(),
        listens: false,
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        size: 64,
        messages: None,
        duration: None,
        warmup: Duration::ZERO,
        connections: 1,
        depth: 1,
        tag: 0,
        events: false,
        random: None,
        stepped: false,
    };
    let mut has_address = false;
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--events" => {
                options.events = true;
                continue;
            }
            "--stepped" => {
                options.stepped = true;
                continue;
            }
            _ => {}
        }
        let Some(value) = arguments.next() else {
            refuse(&format!("{name} wants a value"), false);
        };
        match name.as_str() {
            "--transport" => options.transport = value,
            "--listen" | "--connect" => {
                options.listens = name == "--listen";
                options.address = number(&name, &value);
                has_address = true;
            }
            "--size" => options.size = number(&name, &value),
            "--messages" => options.messages = Some(number(&name, &value)),
            "--seconds" => options.duration = Some(seconds(&name, &value)),
            "--warmup" => options.warmup = seconds(&name, &value),
            "--connections" => options.connections = number(&name, &value),
            "--depth" => options.depth = number(&name, &value),
            "--tag" => options.tag = number(&name, &value),
            "--random" => options.random = Some(number(&name, &value)),
            _ => refuse(&format!("There is no option {name}"), false),
        }
    }
    if !has_address {
        refuse("--listen or --connect is required", false);
    }
    if !transports.contains(&options.transport.as_str()) {
        refuse(&format!("Has no transport {}", options.transport), true);
    }
    if options.connections == 0 || options.depth == 0 {
        refuse("--connections and --depth are at least 1", false);
    }
    options
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> T {
    value
        .parse()
        .unwrap_or_else(|_| refuse(&format!("{name} does not take {value}"), false))
}

fn seconds(name: &str, value: &str) -> Duration {
    Duration::try_from_secs_f64(number(name, value))
        .unwrap_or_else(|_| refuse(&format!("{name} does not take {value}"), false))
}

fn refuse(message: &str, is_unsupported: bool) -> ! {
    let unsupported = if is_unsupported {
        r#","unsupported":true"#
    } else {
        ""
    };
    super::line(&format!(
        r#"{{"error":{}{unsupported}}}"#,
        super::quoted(message)
    ));
    std::process::exit(2);
}
