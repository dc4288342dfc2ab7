//! What a statement takes beyond its own time: the rows it goes through, and the pages of them
//! that are not in memory.

use engine::chance::{Dist as Draw, Sampler};
use engine::{CounterId, Cx, Request, Span, Time};
use serde::Deserialize;

use super::program::Template;
use super::shard::Shard;
use crate::cache::eviction::{Cache, Evict};
use crate::dist::Dist;
use crate::wiring::Wiring;

/// Pages of tables in memory: PostgreSQL's shared buffers, InnoDB's buffer pool. Empty after a
/// start; the page used least recently goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BufferSpec {
    /// How many pages fit.
    pub pages: u64,
    /// Rows in a page (default 100: 80 bytes each in the 8 KiB of PostgreSQL).
    #[serde(default = "hundred")]
    pub rows_per_page: u32,
    /// Reading one page that is not there (default 100us, an NVMe disk). The disk reads as many at
    /// once as are asked for; one statement reads one after the other.
    #[serde(default)]
    pub read: Option<Dist>,
}

fn hundred() -> u32 {
    100
}

/// The rows that a statement goes through: from the first on, so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Which table.
    pub table: u16,
    /// The first row.
    pub first: u64,
    /// How many.
    pub rows: u64,
    /// Whether it looks at each: not, if an index has led it there.
    pub each: bool,
}

/// What it takes, apart from the statement's own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Of the CPU.
    pub work: Span,
    /// Of the disk.
    pub read: Span,
}

/// The costs of one shard.
#[derive(Clone, Default)]
pub(super) struct Costs {
    /// Looking at one row.
    row: Span,
    buffer: Option<Box<Buffer>>,
}

/// Pages in memory.
#[derive(Clone)]
struct Buffer {
    pages: Cache<()>,
    rows_per_page: u64,
    read: Sampler,
    hits: CounterId,
    misses: CounterId,
}

impl BufferSpec {
    /// Reports mistakes at the present place.
    pub(super) fn complain(&self, wiring: &mut Wiring<'_>) {
        if self.pages == 0 {
            wiring.at_name("pages", |w| w.problem("a buffer without pages keeps nothing"));
        }
        if self.rows_per_page == 0 {
            wiring.at_name("rows_per_page", |w| w.problem("a page holds at least one row"));
        }
    }
}

impl Costs {
    /// Of a shard: `read` is the time of one page, the counters are of hits and misses.
    pub(super) fn new(row: Span, buffer: Option<(&BufferSpec, Sampler, [CounterId; 2])>) -> Costs {
        let buffer = buffer.map(|(spec, read, [hits, misses])| {
            let pages = Cache::new(Evict::Lru, spec.pages.max(1), 0);
            let rows_per_page = u64::from(spec.rows_per_page.max(1));
            Box::new(Buffer { pages, rows_per_page, read, hits, misses })
        });
        Costs { row, buffer }
    }

    /// Whether statements cost nothing but their own time.
    pub(super) fn is_plain(&self) -> bool {
        self.row.is_zero() && self.buffer.is_none()
    }

    /// What `template` takes for `request`; pages that had to be read are in memory from now on.
    pub(super) fn of(
        &mut self,
        template: Template,
        request: &Request,
        number: i64,
        cx: &mut Cx<'_, Shard>,
    ) -> Cost {
        let Some(examined) = template.examined(request, number, cx.ledger()) else {
            return Cost::default();
        };
        let rows = if examined.each { examined.rows } else { 0 };
        let work = Span(self.row.0.saturating_mul(rows));
        let read = self.buffer.as_mut().map_or(Span::ZERO, |buffer| buffer.read(examined, cx));
        Cost { work, read }
    }
}

impl Buffer {
    fn read(&mut self, examined: Examined, cx: &mut Cx<'_, Shard>) -> Span {
        let Examined { table, first, rows, .. } = examined;
        let (now, mut span, mut misses) = (cx.now(), Span::ZERO, 0);
        let pages = first / self.rows_per_page..=(first + rows.max(1) - 1) / self.rows_per_page;
        for page in pages.clone() {
            let key = u64::from(table) << 48 | page;
            if self.pages.get(key, now).is_none() {
                self.pages.put(key, (), 1, now, Time::NEVER);
                span += cx.sample(self.read);
                misses += 1;
            }
        }
        cx.count(self.misses, misses);
        cx.count(self.hits, pages.end() - pages.start() + 1 - misses);
        span
    }
}

/// The time of reading one page, if nothing is said.
pub(super) const PAGE_READ: Draw = Draw::Fixed(Span::micros(100));
