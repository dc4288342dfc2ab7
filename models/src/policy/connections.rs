//! Connections that a caller keeps, as a scenario writes it.

use engine::Span;
use serde::Deserialize;

use super::check::positive;
use crate::units::Dur;
use crate::wiring::Wiring;

/// Connections to the members of one component. Each carries one request at a time, as in HTTP/1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionsSpec {
    /// At most so many altogether. Default: 200.
    pub total: u32,
    /// At most so many to each member. Default: 50, or `total` if that is less.
    pub per_member: Option<u32>,
    /// Who waits longer for a connection is refused, and may try again as `retry` says. Default: no
    /// limit but that of all tries.
    pub wait: Option<Dur>,
    /// How long an idle connection is kept for the next request; 0s: not at all. Default: 60s. When
    /// a member's process ends, so do its idle connections, and everybody has seen that.
    pub keep_alive: Dur,
    /// What opening a connection takes. Default: `Tcp`.
    pub handshake: Handshake,
    /// How long each round trip of a handshake may take. Default: 5s, as Envoy.
    pub connect: Dur,
}

impl Default for ConnectionsSpec {
    fn default() -> Self {
        ConnectionsSpec {
            total: 200,
            per_member: None,
            wait: None,
            keep_alive: Dur(Span::secs(60)),
            handshake: Handshake::Tcp,
            connect: Dur(Span::secs(5)),
        }
    }
}

/// Round trips before the first request. They travel as calls do: slow links slow them, nobody
/// answers where nobody listens; a member's CPU has no part in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Handshake {
    /// None.
    Free,
    /// One.
    Tcp,
    /// Two: TCP and TLS 1.3 (RFC 8446).
    Tls13,
    /// Three: TCP and TLS 1.2 (RFC 5246).
    Tls12,
}

impl Handshake {
    /// How many.
    pub fn round_trips(self) -> u8 {
        match self {
            Handshake::Free => 0,
            Handshake::Tcp => 1,
            Handshake::Tls13 => 2,
            Handshake::Tls12 => 3,
        }
    }
}

impl ConnectionsSpec {
    /// At most so many to each member.
    pub fn per_member(&self) -> u32 {
        self.per_member.unwrap_or(50.min(self.total))
    }

    /// Reports mistakes at the present place.
    pub fn check(&self, wiring: &mut Wiring<'_>) {
        for (field, most) in [("total", self.total), ("per_member", self.per_member())] {
            if most == 0 && (field == "total" || self.total > 0) {
                let message = "without a connection nothing can be asked: at least 1";
                wiring.at_name(field, |w| w.problem(message));
            }
        }
        let (each, total) = (self.per_member(), self.total);
        if each > total && total > 0 {
            let help = Some(format!("per_member: {total}, or total: {each}"));
            let message = format!("{each} to each member, and yet {total} altogether");
            wiring.at_name("per_member", |w| w.problem_with(message, help));
        }
        positive("wait", self.wait, wiring);
        positive("connect", Some(self.connect), wiring);
    }
}
