//! Who holds a lease, who gets it, who is woken.

use std::{collections::HashSet, future::Future, time::Duration};

use tokio::{
    task::{JoinSet, yield_now},
    time::{Instant, timeout},
};

use super::{
    concurrent::dropped_after,
    keys::tricky,
    report::{Broken, Outcome, all, ensure, same, shown},
};
use crate::{Error, Key, KeyBuf, Lease, Lock, Seen};

/// How long a machine may be busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

const KEY: &str = "locked";

/// Owners that want the same lock.
const OWNERS: usize = 8;

pub(super) fn leases<const N: usize>(lock: &impl Lock, key: &str) -> [Lease; N] {
    [(); N].map(|()| lock.lease(key.into()))
}

/// Whether one lease was taken.
pub(super) async fn taken(lock: &impl Lock, lease: &Lease) -> Result<bool, Broken> {
    answer(lock.acquire(std::slice::from_ref(lease)).await?)
}

/// Whether one lease is still held.
pub(super) async fn renewed(lock: &impl Lock, lease: &Lease) -> Result<bool, Broken> {
    answer(lock.renew(std::slice::from_ref(lease)).await?)
}

fn answer(answers: Vec<bool>) -> Result<bool, Broken> {
    let one = <[bool; 1]>::try_from(answers)
        .map_err(|answers| Broken::new(format!("{} answers for one lease", answers.len())))?;
    Ok(one[0])
}

async fn free(lock: &impl Lock, lease: &Lease) -> Result<(), Error> {
    lock.release(std::slice::from_ref(lease)).await
}

pub(super) fn leases_are_told_apart(lock: &impl Lock) -> Outcome {
    let mut tokens = HashSet::new();
    for key in [Key::from("one"), "one".into(), ("one", "two").into()] {
        let lease = lock.lease(key);
        same("the key of a lease", &lease.key(), &key)?;
        ensure(tokens.insert(lease.token()), || "two leases with one token".to_owned())?;
    }
    Ok(())
}

/// One answer for each lease, none for none; what is released or seized needs none.
pub(super) async fn each_lease_is_answered<L: Lock>(lock: L) -> Outcome {
    let held: Vec<Lease> = ["a", "b", "c"].map(|key| lock.lease(key.into())).into();
    for leases in [&held[..], &[]] {
        let wanted = vec![true; leases.len()];
        same("acquire, all free", &lock.acquire(leases).await?, &wanted)?;
        same("renew, all held", &lock.renew(leases).await?, &wanted)?;
        lock.seize(leases).await?;
        lock.release(leases).await?;
    }
    Ok(())
}

pub(super) async fn one_owner_excludes_others<L: Lock>(lock: L) -> Outcome {
    let [mine, other] = leases(&lock, KEY);
    same("is_locked, before", &lock.is_locked(KEY.into()).await?, &false)?;
    same("acquire, while free", &taken(&lock, &mine).await?, &true)?;
    same("is_locked, while held", &lock.is_locked(KEY.into()).await?, &true)?;
    same("acquire by another", &taken(&lock, &other).await?, &false)?;
    same("renew by another", &renewed(&lock, &other).await?, &false)?;
    same("acquire, sent twice", &taken(&lock, &mine).await?, &true)?;
    same("renew by the owner", &renewed(&lock, &mine).await?, &true)?;
    free(&lock, &mine).await?;
    same("is_locked, after", &lock.is_locked(KEY.into()).await?, &false)?;
    same("renew, after it was released", &renewed(&lock, &mine).await?, &false)?;
    same("is_locked, after that renewal", &lock.is_locked(KEY.into()).await?, &false)?;
    same("acquire by another, after", &taken(&lock, &other).await?, &true)
}

pub(super) async fn keys_have_locks_of_their_own<L: Lock>(lock: L) -> Outcome {
    let bufs = tricky();
    let leases = || bufs.iter().map(|key| lock.lease(key.as_key())).collect::<Vec<_>>();
    let (mine, others) = (leases(), leases());
    let mut taken = lock.acquire(&mine).await?;
    let refused = taken.iter().position(|taken| !taken).and_then(|at| bufs.get(at));
    ensure(refused.is_none(), || format!("{} is not free", shown(refused.map(KeyBuf::as_key))))?;
    taken.fill(false);
    same("acquire by others", &lock.acquire(&others).await?, &taken)?;
    lock.release(&mine).await?;
    taken.fill(true);
    same("acquire by others, after", &lock.acquire(&others).await?, &taken)
}

pub(super) async fn only_the_owner_releases<L: Lock>(lock: L) -> Outcome {
    let [owner, stranger] = leases(&lock, KEY);
    free(&lock, &stranger).await?;
    same("acquire", &taken(&lock, &owner).await?, &true)?;
    free(&lock, &stranger).await?;
    same("renew, after a stranger's release", &renewed(&lock, &owner).await?, &true)?;
    free(&lock, &owner).await?;
    same("acquire by the stranger", &taken(&lock, &stranger).await?, &true)?;
    // The late release of one that was the owner.
    free(&lock, &owner).await?;
    same("renew, after a late release", &renewed(&lock, &stranger).await?, &true)
}

pub(super) async fn seize_takes_it_from_its_owner<L: Lock>(lock: L) -> Outcome {
    let [old, new] = leases(&lock, KEY);
    let seize = async |lease: &Lease| lock.seize(std::slice::from_ref(lease)).await;
    seize(&old).await?;
    same("renew of a free lease that was seized", &renewed(&lock, &old).await?, &true)?;
    seize(&new).await?;
    same("renew by the old owner", &renewed(&lock, &old).await?, &false)?;
    same("acquire by the old owner", &taken(&lock, &old).await?, &false)?;
    free(&lock, &old).await?;
    same("renew by the new owner", &renewed(&lock, &new).await?, &true)?;
    seize(&new).await?;
    same("renew, after its own was seized", &renewed(&lock, &new).await?, &true)
}

pub(super) async fn batches_take_what_is_free<L: Lock>(lock: L) -> Outcome {
    let lease = |key: &'static str| lock.lease(key.into());
    let (held, own) = (lease("held"), lease("own"));
    lock.acquire(&[held.clone(), own.clone()]).await?;
    let mixed = [lease("held"), lease("free"), own.clone(), lease("also free")];
    let wanted = vec![false, true, true, true];
    same("acquire of held, free, own, free", &lock.acquire(&mixed).await?, &wanted)?;
    same("renew of others', own, own, own", &lock.renew(&mixed).await?, &wanted)?;
    lock.release(&mixed).await?;
    same("renew after release", &lock.renew(&mixed).await?, &vec![false; 4])?;
    same("renew by who holds it", &renewed(&lock, &held).await?, &true)?;

    let twins: [Lease; 2] = leases(&lock, "twins");
    let taken = lock.acquire(&twins).await?;
    let owners = taken.iter().filter(|taken| **taken).count();
    same("owners, where two ask in one batch", &owners, &1)?;
    same("renew of both", &lock.renew(&twins).await?, &taken)
}

pub(super) async fn one_of_many_gets_it<L: Lock>(lock: L) -> Outcome {
    for round in 0..10 {
        let name = format!("contested{round}");
        let mut tasks = JoinSet::new();
        for _ in 0..OWNERS {
            let (lock, lease) = (lock.clone(), lock.lease((&name).into()));
            tasks.spawn(async move { (taken(&lock, &lease).await, lease) });
        }
        let mut owners = Vec::new();
        for (taken, lease) in tasks.join_all().await {
            if taken? {
                owners.push(lease);
            }
        }
        same(format!("owners of {name}"), &owners.len(), &1)?;
        lock.release(&owners).await?;
    }
    Ok(())
}

/// As a caller waits: it looks again whenever it is woken. Says when the call began that took it.
pub(super) async fn wait_for(lock: &impl Lock, lease: &Lease) -> Result<Instant, Broken> {
    let wait = async {
        loop {
            let begun = Instant::now();
            if taken(lock, lease).await? {
                return Ok(begun);
            }
            lock.released(lease.key(), &mut Seen::default()).await?;
            yield_now().await;
        }
    };
    in_time("who waits for a lease gets it", wait).await
}

async fn in_time<T>(
    what: &str,
    call: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    let late = |_| Broken::new(format!("{what}: not within {PATIENCE:?}"));
    timeout(PATIENCE, call).await.map_err(late)?
}

async fn let_others_run() {
    for _ in 0..100 {
        yield_now().await;
    }
}

pub(super) async fn waiters_are_woken<L: Lock>(lock: L) -> Outcome {
    let [owner] = leases(&lock, KEY);
    same("acquire", &taken(&lock, &owner).await?, &true)?;
    let mut tasks = JoinSet::new();
    for _ in 0..OWNERS {
        let (lock, lease) = (lock.clone(), lock.lease(KEY.into()));
        tasks.spawn(async move {
            wait_for(&lock, &lease).await?;
            Ok(free(&lock, &lease).await?)
        });
    }
    // Some wait before it is released, some after.
    let_others_run().await;
    free(&lock, &owner).await?;
    all(tasks).await?;
    // Nobody holds it: there is nothing to wait for.
    in_time("released, of a free lock", async {
        Ok(lock.released(KEY.into(), &mut Seen::default()).await?)
    })
    .await
}

/// Whoever stops waiting or asking leaves nothing behind that keeps others from it.
pub(super) async fn dropped_calls_harm_nobody<L: Lock>(lock: L) -> Outcome {
    for polls in 0..20 {
        let name = format!("dropped{polls}");
        let [owner, next] = leases(&lock, &name);
        let one = std::slice::from_ref(&owner);
        drop(dropped_after(polls, lock.acquire(one)).await);
        same("acquire, after a dropped one", &taken(&lock, &owner).await?, &true)?;
        drop(dropped_after(polls, lock.renew(one)).await);
        same("renew, after a dropped one", &renewed(&lock, &owner).await?, &true)?;
        let key = Key::from(&name);
        for _ in 0..OWNERS {
            // It waits, if asked often enough; then nobody waits any more.
            let mut seen = Seen::default();
            let wait = timeout(Duration::from_millis(1), lock.released(key, &mut seen));
            drop(dropped_after(polls, wait).await);
        }
        let waiting = tokio::spawn({
            let lock = lock.clone();
            async move { wait_for(&lock, &next).await }
        });
        let_others_run().await;
        drop(dropped_after(polls, lock.is_locked(key)).await);
        drop(dropped_after(polls, lock.release(one)).await);
        free(&lock, &owner).await?;
        waiting.await.map_err(|error| Broken::new(error.to_string()))??;
    }
    Ok(())
}
