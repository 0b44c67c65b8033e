//! A deterministic simulation testbed for replication protocols.
//!
//! Protocols are pure state machines ([`netsplit`]). Here is the world that they run in, from one seed: its network, its
//! clocks, its disks, the faults that befall them, and the judges that say whether what was promised held.
//!
//! # A protocol of your own
//!
//! Nothing has to be set up: a crate beside a checkout, with these dependencies, is enough, and no configuration of madsim.
//!
//! ```toml
//! [dependencies]
//! netsplit = { path = "../netsplit" }
//! netsplit-sim = { path = "../netsplit/sim" }
//! serde = { version = "1", features = ["derive"] }
//!
//! [profile.test]
//! opt-level = 2      # a world without optimisation is five to ten times as slow
//! ```
//!
//! You write
//!
//! 1. the **algorithm**: a [`Process`](netsplit::Process) for servers and one for clients. Each takes one input at a time
//!    and leaves what it does as a list of effects. Clients are part of the protocol: whom they ask, when they ask again;
//! 2. its **vocabulary**: what travels, what is written, what is asked ([`Protocol`](netsplit::Protocol)), and what can be
//!    set in a scenario;
//! 3. what makes a **system** of it ([`Mode`](netsplit::Mode)): how many servers, which operations clients can mix, what
//!    they are promised, and when all is well again;
//! 4. what must hold inside ([`Invariants`](netsplit::Invariants)), and a planted **mistake** or two, to see that it is
//!    found if it does not ([`Planted`](netsplit::Planted));
//! 5. **scenarios**, in TOML.
//!
//! In return your program has the whole command line ([`main()`]): sweeps over seeds, replays with a trace, lists, the form of
//! scenarios for your editor. And every scenario is a test of one line ([`prove()`]):
//!
//! ```no_run
//! # use netsplit::raft::Raft as Register;
//! #[test]
//! fn servers_die() {
//!     let scenario = include_str!("../examples/register/scenarios/servers_die.toml");
//!     netsplit_sim::prove(&[&Register], &netsplit_sim::Source::new("servers_die.toml", scenario));
//! }
//! ```
//!
//! This is a whole protocol: a primary that copies what it is told to its backups, and answers when all have it on disk.
//! It stands in `sim/examples/register/`, as a crate of its own with tests and scenarios.
//!
//! ```no_run
//! mod register {
#![doc = include_str!("../examples/register/src/register.rs")]
//! }
//!
//! mod mode {
#![doc = include_str!("../examples/register/src/mode.rs")]
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let scenario = "
//!         mode = 'register'
//!         nodes = 3
//!         seeds = '0..16'
//!         length = '10s'
//!         workload = { clients = 4, rate = '100/s', mix = { get = 2, put = 3, cas = 1 } }
//!         fault = [{ at = '1s..2s', every = '2s..3s', for = '500ms', crash = 'any' }]
//!     ";
//!     let scenarios = [netsplit_sim::Source::new("scenarios/servers_die.toml", scenario)];
//!     netsplit_sim::main(&[&mode::Register], &scenarios)
//! }
//! ```
//!
//! What a scenario can say stands in `scenarios/README.md`, and `netsplit schema` prints it for editors. Tests of one step
//! are written with [`netsplit::solo`].
//!
//! # How a run goes
//!
//! A [`scenario`] is read and checked; a [`world`] is made of it for each seed, in which the [`workload`] asks and faults
//! strike; when the storm is over, all that can heal heals, and fresh operations have to succeed. The invariants have looked
//! after every step of a server; the judges in [`check`] are blind: they get the [`history`] of what clients saw, and the
//! log of faults. [`play`] adds up what was found, [`explore`] makes many runs on all cores, [`report`] puts them into
//! words, and [`cli`] prints them.
//!
//! What a run shows is a sample. Of a system that is small enough, [`small_world`] shows all that can happen.

pub mod check;
pub mod cli;
pub mod explore;
pub mod history;
pub mod modes;
pub mod play;
pub mod prove;
pub mod report;
pub mod scenario;
pub mod shipped;
pub mod small_world;
pub mod workload;
pub mod world;

pub use cli::main;
pub use modes::AnyMode;
pub use prove::prove;
pub use scenario::Source;
