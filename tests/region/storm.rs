use super::*;

#[test]
fn works_without_a_tokio_runtime() {
    // Two threads that block on futures by hand, one waiting for the other.
    let region: Numbers = Memo::new().region();
    let (entered, go) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| {
            block_on(region.get_or_create("k", async || {
                entered.wait();
                go.wait();
                8
            }))
        });
        entered.wait();
        let waiter = scope.spawn(|| block_on(region.get_or_create("k", async || 9)));
        go.wait();
        assert_eq!(leader.join().unwrap().unwrap(), 8);
        assert_eq!(waiter.join().unwrap().unwrap(), 8);
    });
}

pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_many_keys_one_creation_each() {
    const KEYS: usize = 50;
    const TASKS: usize = 400;
    let region: Numbers = Memo::new().region();
    let calls: Arc<Vec<AtomicUsize>> = Arc::new((0..KEYS).map(|_| AtomicUsize::new(0)).collect());
    let barrier = Arc::new(Barrier::new(TASKS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (region, calls) = (region.clone(), Arc::clone(&calls));
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                for i in 0..KEYS {
                    let k = (i + task) % KEYS;
                    let create = async || {
                        calls[k].fetch_add(1, SeqCst);
                        yield_now().await;
                        k as u64
                    };
                    let value = region.get_or_create(&k.to_string(), create).await.unwrap();
                    assert_eq!(value, k as u64);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(calls.iter().all(|calls| calls.load(SeqCst) == 1));
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_cancelled_panicking_and_failing_callers_leaves_nothing_behind() {
    let region: Numbers = Memo::new().region();
    let tasks: Vec<_> = (0_u64..600)
        .map(|n| {
            let region = region.clone();
            tokio::spawn(async move {
                let key = (n % 7).to_string();
                let create = async || {
                    for _ in 0..n % 5 {
                        yield_now().await;
                    }
                    match n % 4 {
                        0 => Err(n),
                        1 => panic!("on purpose"),
                        _ => Ok(n),
                    }
                };
                let call = region.try_get_or_create(&key, create);
                if n % 3 == 0 {
                    // Dropped after a few polls.
                    tokio::select! { biased; _ = call => {}, () = async { yield_now().await; yield_now().await } => {} }
                } else {
                    drop(call.await);
                }
                if n % 5 == 0 {
                    region.delete(&key).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        drop(task.await);
    }
    assert_eq!(region.in_flight(), 0);
    let value = region.try_get_or_create("0", async || Ok::<_, Infallible>(1)).await;
    assert!(value.is_ok());
}

#[tokio::test]
async fn typed_regions_need_no_annotations() {
    let ages = Memory::new().json().int_time().logging().region().typed::<u8>();
    ages.set_multi([("ann", 31), ("bob", 32)]).await.unwrap();
    assert_eq!(ages.get_multi(["bob", "ann"]).await.unwrap(), [Some(32), Some(31)]);
    assert_eq!(ages.get_or_create("cid", async || 33).await.unwrap(), 33);
    assert_eq!(ages.entry("cid").await.unwrap().unwrap().value, 33);
    let failed = ages.try_get_or_create("dan", async || Err("no such person")).await;
    assert_eq!(failed.unwrap_err().creator(), Some(&"no such person"));
    ages.delete("ann").await.unwrap();
    assert_eq!(ages.get("ann").await.unwrap(), None);
}
