//! The suites: what the traits promise, asked of any implementation.

mod basics;
mod bytes;
mod concurrent;
mod expiry;
mod fence;
mod keys;
mod lease;
mod lock;
mod report;
mod store;
mod subject;

use std::{fmt::Debug, future::Future, sync::Arc};

use self::{
    expiry::Timed,
    fence::Fenced,
    report::Report,
    subject::{CREATED, Entries, Hashed, Plain, Subject},
};
use crate::{Backend, Clock, EntryTtl, HashBackend, HashExpiry, Lock, ManualClock, Store};

/// Checks what [`Backend`] and [`Level`](crate::Level) promise.
///
/// `make` gives a backend without entries, once for each check; entries of keys that an earlier
/// check used may be left over, as long as nobody else writes them. Several kibibytes of keys and
/// some megabytes of values are written, a thousand entries at a time: a bounded store should hold
/// 10,000 entries and 20 MiB.
///
/// What the backend says of itself ([`Capabilities`](crate::Capabilities)) is taken into account. That
/// entries go in time is checked by [`expiry_suite`], that writes are fenced by [`fence_suite`].
///
/// Needs a Tokio runtime, of any flavour, and no timer.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// # use larder::Memory;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// larder::testing::backend_suite(|| async { Memory::new() }).await;
/// # });
/// # }
/// ```
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn backend_suite<B, F, M>(make: M)
where
    B: Backend + 'static,
    F: Future<Output = B>,
    M: Fn() -> F,
{
    let mut report = Report::new("the backend");
    let make = || async { Arc::new(Plain(make().await)) };
    every_level(&mut report, &make).await;
    bytes_too(&mut report, &make).await;
    report.finish();
}

/// Checks what [`HashBackend`] promises, for each [`HashExpiry`]; `make` as for [`backend_suite`],
/// which is to be run beside this one.
///
/// Spaces and plain keys may share one set of names, as in Redis: they must not be taken for each
/// other, but one may displace the other.
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn hash_backend_suite<B, F, M>(make: M)
where
    B: HashBackend + 'static,
    F: Future<Output = B>,
    M: Fn() -> F,
{
    use HashExpiry::{Always, Never, OnCreate, PerField};

    for expiry in [Never, OnCreate, Always, PerField] {
        let mut report = Report::new(match expiry {
            Never => "the backend, with hashes that never expire,",
            OnCreate => "the backend, with hashes that expire from their creation on,",
            Always => "the backend, with hashes whose lifetime each write renews,",
            PerField => "the backend, with fields that have lifetimes of their own,",
        });
        let make = || async { Arc::new(Hashed(make().await, expiry)) };
        every_level(&mut report, &make).await;
        bytes_too(&mut report, &make).await;
        let plain = bytes::plain_keys_are_plain(make().await);
        report.check("a plain key is the same by the methods of every backend", plain).await;
        report.finish();
    }
}

/// Checks that a backend honours [`WriteOpts::keep_for`](crate::WriteOpts::keep_for), without waiting
/// for anything: `make` gives an empty backend that takes the time from the [`Clock`] it is handed,
/// and the suite moves that clock.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// # use larder::Memory;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// larder::testing::expiry_suite(|clock| async { Memory::new().with_clock(clock) }).await;
/// # });
/// # }
/// ```
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn expiry_suite<B, F, M>(make: M)
where
    B: Backend + 'static,
    F: Future<Output = B>,
    M: Fn(Clock) -> F,
{
    let mut report = Report::new("the backend");
    let make = || async {
        let time = ManualClock::new(CREATED);
        Timed { backend: Arc::new(Plain(make(time.clock()).await)), time }
    };
    let timed = make().await;
    report.check("it says that it drops entries", async { expiry::it_says_so(&timed) }).await;
    let lives = expiry::entries_live_as_long_as_said(make().await);
    report.check("entries are kept as long as was said, and no longer", lives).await;
    let last = expiry::the_last_write_sets_the_lifetime(make().await);
    report.check("the last write sets the lifetime", last).await;
    let anew = expiry::an_expired_key_starts_anew(make().await);
    report.check("a key whose entry is gone starts anew", anew).await;
    let each = expiry::each_of_a_batch_has_its_own(make().await);
    report.check("each entry of a batch has its own lifetime", each).await;
    let back = expiry::a_clock_set_back_harms_nothing(make().await);
    report.check("a clock that is set back makes entries younger, and that is all", back).await;
    report.finish();
}

/// Checks what [`Store`] promises; for stacks, and for typed stores.
///
/// `make` as for [`backend_suite`]; `value` makes a value of a number, no two alike.
///
/// ```
/// # #[cfg(feature = "backend-memory")] {
/// # use larder::Memo;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let memo = || async { Memo::new() };
/// larder::testing::store_suite(memo, |number| format!("value {number}")).await;
/// larder::testing::entry_ttl_suite(memo, |number| format!("value {number}")).await;
/// # });
/// # }
/// ```
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn store_suite<T, S, F, M>(make: M, value: fn(u64) -> T)
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + 'static,
    F: Future<Output = S>,
    M: Fn() -> F,
{
    let mut report = Report::new("the store");
    let make = || async { Arc::new(Entries { store: make().await, value }) };
    every_level(&mut report, &make).await;
    let precise = store::creation_is_as_precise_as_said(make().await);
    report.check("the time of creation is as precise as it says, never later", precise).await;
    let lost = store::nothing_is_lost_silently(make().await);
    report.check("what cannot be kept is refused as unsupported", lost).await;
    report.finish();
}

/// Checks what [`EntryTtl`] adds to a [`Store`]: a lifetime of each entry's own, and negative entries.
/// Parameters as for [`store_suite`], which is to be run beside this one.
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn entry_ttl_suite<T, S, F, M>(make: M, value: fn(u64) -> T)
where
    T: Clone + PartialEq + Debug + Send + Sync + 'static,
    S: Store<T> + EntryTtl + 'static,
    F: Future<Output = S>,
    M: Fn() -> F,
{
    let mut report = Report::new("the store");
    let make = || async { Arc::new(Entries { store: make().await, value }) };
    let lifetime = store::entries_keep_their_lifetime(make().await);
    report.check("an entry keeps its own lifetime, to the millisecond", lifetime).await;
    let nothing = store::there_is_nothing_is_an_entry(make().await);
    report.check("that there is nothing is no miss", nothing).await;
    report.finish();
}

/// Checks what [`Lock`] promises; of a lock that is not [shared](Lock::is_shared) only what a region could
/// notice.
///
/// `make` gives a lock of which nobody holds a lease. Leases should last some seconds at least, because
/// the machine may be busy; that they end is checked by [`lease_suite`]. Needs a Tokio runtime with
/// time enabled, and not paused unless the lock lives inside the process and goes by Tokio's clock.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// larder::testing::lock_suite(|| async { larder::Local }).await;
/// # });
/// ```
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn lock_suite<L, F, M>(make: M)
where
    L: Lock,
    F: Future<Output = L>,
    M: Fn() -> F,
{
    let mut report = Report::new("the lock");
    let lock = make().await;
    let apart = async { lock::leases_are_told_apart(&lock) };
    report.check("each lease has its key and a token of its own", apart).await;
    let answered = lock::each_lease_is_answered(make().await);
    report.check("a batch is answered for each of its leases", answered).await;
    if lock.is_shared() {
        excluding(&mut report, &make).await;
    }
    report.finish();
}

async fn excluding<L: Lock, F: Future<Output = L>>(report: &mut Report, make: &impl Fn() -> F) {
    let excluded = lock::one_owner_excludes_others(make().await);
    report.check("one owner excludes the others until it releases", excluded).await;
    let own = lock::keys_have_locks_of_their_own(make().await);
    report.check("different keys have different locks", own).await;
    let released = lock::only_the_owner_releases(make().await);
    report.check("nobody but the owner can release", released).await;
    let seized = lock::seize_takes_it_from_its_owner(make().await);
    report.check("seize takes a lease from whoever holds it", seized).await;
    let free = lock::batches_take_what_is_free(make().await);
    report.check("a batch takes what is free and leaves the rest", free).await;
    let one = lock::one_of_many_gets_it(make().await);
    report.check("one of many who ask at once gets it", one).await;
    let woken = lock::waiters_are_woken(make().await);
    report.check("those who wait are woken by a release", woken).await;
    let dropped = lock::dropped_calls_harm_nobody(make().await);
    report.check("a call that is dropped harms nobody", dropped).await;
}

/// Checks that leases end by themselves, and do not while they are renewed. `make` gives a lock of
/// which nobody holds a lease, and whose leases are short: 100 to 500 ms. Takes a few times as
/// long.
///
/// Needs a runtime as [`lock_suite`] does. A busy machine does not break a promise.
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn lease_suite<L, F, M>(make: M)
where
    L: Lock,
    F: Future<Output = L>,
    M: Fn() -> F,
{
    let mut report = Report::new("the lock");
    let ends = lease::a_lease_ends_by_itself(make().await);
    report.check("a lease ends by itself when its time is over, and not before", ends).await;
    let kept = lease::renewal_keeps_it(make().await);
    report.check("a lease that is renewed does not end", kept).await;
    report.finish();
}

/// Checks that a store refuses writes whose lease is not held. `make` gives an empty backend, and a
/// lock of the same [`Domain`](crate::Domain) of which nobody holds a lease; leases as for
/// [`lock_suite`].
///
/// # Panics
///
/// When a promise is broken; the message names all of them.
pub async fn fence_suite<B, L, F, M>(make: M)
where
    B: Backend + 'static,
    L: Lock,
    F: Future<Output = (B, L)>,
    M: Fn() -> F,
{
    let mut report = Report::new("the store with the lock");
    let make = async || {
        let (backend, lock) = make().await;
        Fenced { backend: Plain(backend), lock }
    };
    let fenced = make().await;
    let seen = async { fence::they_see_each_other(&fenced) };
    report.check("store and lock name the same domain", seen).await;
    let writes = fence::the_owner_writes(make().await);
    report.check("who holds the lease can write", writes).await;
    let refused = fence::others_are_refused(make().await);
    report.check("a write without its lease is refused", refused).await;
    let batch = fence::a_batch_writes_no_lost_one(make().await);
    report.check("a batch writes nothing whose lease is lost", batch).await;
    report.finish();
}

/// What is promised of bytes, of hashes and of entries alike.
async fn every_level<S: Subject, F: Future<Output = Arc<S>>>(
    report: &mut Report,
    make: &impl Fn() -> F,
) {
    let read = basics::what_was_set_is_read(make().await);
    report.check("what was set is read, and nothing before", read).await;
    let replaced = basics::set_replaces(make().await);
    report.check("a set replaces what was there", replaced).await;
    let forgotten = basics::remove_forgets(make().await);
    report.check("remove forgets a key, and no other", forgotten).await;
    let glanced = basics::a_glance_is_a_read(make().await);
    report.check("what is seen at a glance is what is read", glanced).await;
    let missing = basics::removing_a_missing_key_is_no_error(make().await);
    report.check("forgetting a missing key is not an error", missing).await;

    let apart = keys::never_meet(make().await);
    report.check("no two different keys ever meet", apart).await;
    let long = keys::long_ones_work_or_are_refused(make().await);
    report.check("long keys work, or are refused for good", long).await;
    let twins = keys::a_space_may_be_named_like_a_key(make().await);
    report.check("a space and a key of one name are not taken for each other", twins).await;

    let order = basics::batches_answer_in_order(make().await);
    report.check("a batch is answered in the order of its keys, duplicates included", order).await;
    let written = basics::batches_write_everything(make().await);
    report.check("a batch writes everything", written).await;
    let last = basics::the_last_of_two_writes_wins(make().await);
    report.check("of two writes of a key in one batch the last wins", last).await;
    let removed = basics::batches_remove_what_is_named(make().await);
    report.check("a batch removes the keys it names, and no other", removed).await;
    let empty = basics::empty_batches_do_nothing(make().await);
    report.check("an empty batch does nothing", empty).await;

    let lifetimes = basics::lifetimes_are_taken(make().await);
    report.check("every lifetime is accepted, and a long one kept", lifetimes).await;
    let leases = basics::leases_are_checked_or_ignored(make().await);
    report.check("a lease is checked where it says so, or else ignored", leases).await;

    let own = concurrent::every_task_reads_what_it_wrote(make().await);
    report.check("every task reads what it wrote", own).await;
    let last = concurrent::reads_see_the_last_write(make().await);
    report.check("a read sees the last write that returned before it, or a later one", last).await;
    let whole = concurrent::values_are_whole(make().await);
    report.check("a value is seen whole or not at all", whole).await;
    let dropped = concurrent::dropped_calls_harm_nobody(make().await);
    report.check("a call that is dropped harms nobody", dropped).await;
}

async fn bytes_too<S: Subject<Value = ::bytes::Bytes>, F: Future<Output = Arc<S>>>(
    report: &mut Report,
    make: &impl Fn() -> F,
) {
    let any = bytes::any_bytes_are_kept(make().await);
    report.check("any bytes are kept, and none at all", any).await;
    let big = bytes::a_megabyte_is_kept(make().await);
    report.check("a value of a megabyte is kept", big).await;
}
