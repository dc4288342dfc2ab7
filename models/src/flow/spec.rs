//! Steps and statements as a scenario writes them: `Verb("subject", (options), [body])`.
//!
//! Options and body may be left out. A step that does not end `Done` ends the flow with its
//! outcome and releases what the flow holds, unless it stands inside a `Try`.

use serde::Deserialize;

use crate::dist::Dist;
use crate::units::{Dur, Share};

/// One step.
#[derive(Clone, Debug, Deserialize)]
pub enum Step {
    /// Uses the CPU of the node it runs on.
    /// Example: `Work(Exp("5ms"))`
    Work(Dist),
    /// Waits, using nothing.
    /// Example: `Wait("10s")`
    Wait(Dist),
    /// Asks an operation of another component, and waits for the answer.
    /// Example: `Call("bank.charge", (timeout: "2s"))`
    Call(String, #[serde(default)] CallOptions),
    /// Has a database or Redis execute statements, all or none.
    /// Example: `Do("db", [Take("product"), Insert("order")])`
    Do(String, Vec<StatementSpec>),
    /// Looks a draw up in caches, level by level; on a miss does `miss` and fills them.
    /// Example: `Read("product", (through: ["cache"], miss: [Do("db", [Get("product")])]))`
    Read(String, ReadOptions),
    /// Asks every shard of a store, or every member of a component, at once: a query that does not
    /// know where its rows are.
    /// Of a database with replicas all copies are asked.
    /// Example: `Scatter("bank.charge", (need: 2, wait: "200ms", partial: "some"))`
    Scatter(String, #[serde(default)] ScatterOptions, #[serde(default)] Vec<StatementSpec>),
    /// Reads many rows of a store: the keys are sorted by shard, and each shard is asked once for
    /// all that it has. Which keys, a hash of the request's own key says.
    /// Example: `Batch("db", (keys: 20, among: 1_000), [Get("product")])`
    Batch(String, BatchOptions, Vec<StatementSpec>),
    /// Writes to caches what was last found or written, under a draw, and waits for each.
    /// Example: `Put("product", (in: ["cache"]))`
    Put(String, PutOptions),
    /// Has caches forget a draw: by key, by tag, or with all keys that are like it.
    /// Example: `Forget("product", (in: ["cache"]))`
    Forget(String, ForgetOptions),
    /// Appends the request to a topic.
    /// Example: `Publish("orders")`
    Publish(String, #[serde(default)] CallOptions),
    /// Counts one, in a counter of the scenario.
    /// Example: `Count("sold")`
    Count(String),
    /// Does the body with a probability, else the `else` branch.
    /// Example: `Chance("30%", [Deny("card")])`
    Chance(Share, Vec<Step>, #[serde(default)] ElseOptions),
    /// Does the body if `a op b` holds, else the `else` branch.
    /// Example: `If("product < 100", [Count("popular")], (else: [Count("rare")]))`
    If(String, Vec<Step>, #[serde(default)] ElseOptions),
    /// Ends the flow: the answer is no.
    /// Example: `Deny("sold out")`
    Deny(String),
    /// Ends the flow: something went wrong.
    /// Example: `Fail("disk full")`
    Fail(String),
    /// Answers the caller now; the flow goes on.
    Reply,
    /// Holds a place (waiting room, permits) while doing the body.
    /// Example: `Hold("room", (wait: "60s"), [Call("api.buy")])`
    Hold(String, #[serde(default)] HoldOptions, #[serde(default)] Vec<Step>),
    /// Holds a lock on a key while doing the body.
    /// Example: `Lock("redis", (key: "product", wait: "1s", lease: "2s"), [Work(Exp("2ms"))])`
    Lock(String, HoldOptions, Vec<Step>),
    /// Holds a connection of a database while doing the body: every `Do` on that database in it
    /// is part of one transaction, which commits at the end of the body, or is rolled back.
    /// Example: `Transaction("db", (lock: "product"), [Do("db", [Take("product")])])`
    Transaction(String, TransactionOptions, Vec<Step>),
    /// Does the body; whatever comes of it, the flow goes on.
    /// Example: `Try([Call("bank.charge")], (denied: [Count("no")], else: [Count("broken")]))`
    Try(Vec<Step>, #[serde(default)] TryOptions),
    /// Does several bodies at once.
    /// Example: `Parallel((wait: Any), [[Call("bank.charge")], [Call("api.get")]])`
    Parallel(ParallelOptions, Vec<Vec<Step>>),
    /// For each record of a log of a store, in order: does the body as that record's request,
    /// then takes the record off. Stops at the first that does not end `Done`. The body begins with
    /// the variables of the flow, and keeps its own. Members of one group share a place in the log:
    /// two that run at once may do a record twice.
    /// Example: `Each("db.outbox", (up_to: 500), [Publish("orders")])`
    Each(String, EachOptions, Vec<Step>),
    /// Does the body so many times, at most a million: a number, or an expression.
    /// Example: `Repeat("3", [Call("bank.charge")])`
    Repeat(String, Vec<Step>),
    /// Does what `flows:` says under this name.
    /// Example: `Flow("pay")`
    Flow(String),
}

/// Options of `Call` and `Publish`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallOptions {
    /// A named policy. Default: the callee's own.
    pub policy: Option<String>,
    /// How long one try may take. Default: what the policy says.
    pub timeout: Option<Dur>,
    /// A variable for the answer's value. Default: it is not kept.
    pub into: Option<String>,
}

/// Options of `Scatter`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScatterOptions {
    /// How many answers are enough when the others have failed or time is up. Default: all.
    pub need: Option<u32>,
    /// How long to wait for all of them. Default: for ever.
    pub wait: Option<Dur>,
    /// A counter for answers that are not of all. Default: not counted.
    pub partial: Option<String>,
}

/// Options of `Batch`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchOptions {
    /// How many keys are wanted.
    pub keys: u32,
    /// Any below this.
    pub among: u32,
    /// One call for each shard. Default: true; false is one for each key, all at once.
    #[serde(default = "yes")]
    pub grouped: bool,
}

fn yes() -> bool {
    true
}

/// Options of `Read`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadOptions {
    /// Caches, the nearest first.
    pub through: Vec<String>,
    /// What to do if none has it. Default: if the last of them has a `load`, the step ends as that
    /// did; else a miss costs nothing and fills them.
    #[serde(default)]
    pub miss: Vec<Step>,
}

/// Options of `Put`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutOptions {
    /// The caches.
    pub r#in: Vec<String>,
    /// A value: a number or an expression. Default: what was found last. A cache without a `store`
    /// takes values of 32 bits; larger ones become the largest.
    #[serde(default)]
    pub to: Option<String>,
}

/// Options of `Forget`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForgetOptions {
    /// The caches to wait for, one after the other.
    pub r#in: Vec<String>,
    /// Caches whose members are all told; nobody waits, and what does not arrive is lost.
    pub tell: Vec<String>,
    /// What is forgotten. Default: the key.
    pub by: ForgetBy,
}

/// What is forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ForgetBy {
    /// The one key.
    #[default]
    Key,
    /// All entries with this tag, on all members.
    Tag,
    /// All keys that differ only in so many last digits, on all members: `user:12*`. Each member
    /// looks at all its keys, at 40 ns each, and does nothing else meanwhile.
    /// Example: `Prefix(2)`
    Prefix(u8),
}

/// The other branch of `If` and `Chance`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElseOptions {
    /// What to do otherwise.
    pub r#else: Vec<Step>,
}

/// Options of `Hold` and `Lock`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoldOptions {
    /// What is locked: a draw. Default: nothing; a `Lock` needs it.
    pub key: Option<String>,
    /// How long to wait for it. Default: for ever.
    pub wait: Option<Dur>,
    /// When it ends by itself. Default: never.
    pub lease: Option<Dur>,
}

/// Options of `Transaction`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransactionOptions {
    /// A table: its row under this request's key is locked from the start until the commit, as by
    /// `SELECT … FOR UPDATE`. Default: rows are locked only when the transaction writes them.
    pub lock: Option<String>,
    /// A draw other than that table's own key. Default: its own.
    pub key: Option<String>,
    /// How long to wait for a connection and that row together. Default: as long as the policy
    /// says, for a connection of its pool and then for the row.
    pub wait: Option<Dur>,
}

/// What to do when the body of a `Try` does not end `Done`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TryOptions {
    /// When the answer was no; without it, `else` stands for that too.
    pub denied: Vec<Step>,
    /// When anything else went wrong.
    pub r#else: Vec<Step>,
}

/// Options of `Parallel`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParallelOptions {
    /// How many bodies must end `Done`. Default: `All`.
    #[serde(default)]
    pub wait: WaitFor,
    /// How long to wait for them; then the step has timed out. Default: for ever.
    #[serde(default)]
    pub timeout: Option<Dur>,
}

/// How many bodies of a `Parallel` must end `Done`; the others are cancelled.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub enum WaitFor {
    /// Every one.
    #[default]
    All,
    /// The first.
    Any,
    /// So many.
    /// Example: `Quorum(2)`
    Quorum(u32),
}

/// Options of `Each`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EachOptions {
    /// At most so many records at a time.
    pub up_to: u32,
}

/// One statement of a `Do`.
#[derive(Clone, Debug, Deserialize)]
pub enum StatementSpec {
    /// Reads a row. Denied if there is none.
    /// Example: `Get("product", (into: "left"))`
    Get(String, #[serde(default)] RowOptions),
    /// Writes a row.
    /// Example: `Set("product", (to: "0"))`
    Set(String, SetOptions),
    /// Takes from a row's value. Denied if fewer are left.
    /// Example: `Take("product", (n: "2"))`
    Take(String, #[serde(default)] AmountOptions),
    /// Puts back to a row's value.
    /// Example: `Put("product", (n: "2"))`
    Put(String, #[serde(default)] AmountOptions),
    /// Adds to a row's value, without a guard.
    /// Example: `Add("product", (n: "0 - 1"))`
    Add(String, #[serde(default)] AmountOptions),
    /// Holds a row for this user: free or expired becomes mine. Denied otherwise.
    /// Example: `Claim("seat", (for: "5m"))`
    Claim(String, ClaimOptions),
    /// Mine and unexpired becomes sold. Denied otherwise.
    /// Example: `Confirm("seat")`
    Confirm(String, #[serde(default)] RowOptions),
    /// Mine becomes free. Denied otherwise.
    /// Example: `Free("seat")`
    Free(String, #[serde(default)] RowOptions),
    /// Makes a row. Denied if there is one.
    /// Example: `Insert("order")`
    Insert(String, #[serde(default)] RowOptions),
    /// Appends the request to a log.
    /// Example: `Append("outbox")`
    Append(String),
    /// Reads so many rows in order of their keys; value: how many there were.
    /// Example: `Page("product", (size: 20, offset: "1000"))`
    Page(String, PageOptions),
    /// Reads a whole table, row by row: what a query without an index does. Value: how many.
    /// Example: `Scan("product")`
    Scan(String, #[serde(default)] ScanOptions),
    /// Frees every hold that has run out.
    /// Example: `Expire("seat")`
    Expire(String),
}

/// Options of statements that read a row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RowOptions {
    /// The draw that is the key. Default: the table's own.
    pub key: Option<String>,
    /// A variable for the value. Default: it is not kept.
    pub into: Option<String>,
}

/// Options of `Page`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageOptions {
    /// How many rows at most.
    pub size: u32,
    /// It begins after so many rows, and has to go through them: a number or an expression.
    /// Default: it begins at the row of the key, which an index finds (a cursor).
    #[serde(default)]
    pub offset: Option<String>,
    /// The draw that is the key. Default: the table's own.
    #[serde(default)]
    pub key: Option<String>,
    /// A variable for how many there were. Default: nobody asks.
    #[serde(default)]
    pub into: Option<String>,
}

/// Options of `Scan`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanOptions {
    /// A variable for how many there were. Default: nobody asks.
    pub into: Option<String>,
}

/// Options of `Set`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetOptions {
    /// The draw that is the key. Default: the table's own.
    #[serde(default)]
    pub key: Option<String>,
    /// The new value: a number or an expression.
    pub to: String,
}

/// Options of `Take`, `Put` and `Add`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AmountOptions {
    /// The draw that is the key. Default: the table's own.
    pub key: Option<String>,
    /// How many: a number or an expression. Default: 1.
    pub n: Option<String>,
}

/// Options of `Claim`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimOptions {
    /// The draw that is the key. Default: the table's own.
    #[serde(default)]
    pub key: Option<String>,
    /// For how long.
    pub r#for: Dur,
}
