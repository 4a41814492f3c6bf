//! The same over a file and its lock, whose answers come from another thread.

use std::{future::poll_fn, task::Poll};

use larder::{BackendExt, File, FileLock, Framed, Lock, PayloadExt, Postcard, Region};

use crate::{Running, calls, scene::Creator, support::until};

type Filed = Region<Framed<Postcard<File>>, FileLock>;

fn open(path: &std::path::Path) -> Filed {
    let file = File::open(path).unwrap();
    let lock = FileLock::new(&file);
    Region::builder(file.postcard().framed()).lock(lock).build().unwrap()
}

/// Polls `call` until it was woken so many times, and says whether it has ended by then.
async fn wakes(call: &mut Running<'_>, mut times: usize) -> bool {
    poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if times == 0 => Poll::Ready(false),
        Poll::Pending => {
            times -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_call_that_is_dropped_anywhere_leaves_no_lease_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.larder");
    let (here, elsewhere) = (open(&path), open(&path));
    for (name, call) in calls() {
        for n in 0.. {
            println!("{name}, woken {n} times");
            here.delete_multi(["a", "b", "c"]).await.unwrap();
            let creator = Creator::default();
            let mut running = call(&here, &creator);
            let ended = wakes(&mut running, n).await;
            drop(running);
            let begun = creator.begun();
            let value = elsewhere.get_or_create("a", || creator.create()).await.unwrap();
            assert!(creator.begun() <= begun + 1);
            until("the leases are given back", async || {
                for key in ["a", "b", "c"] {
                    if here.lock().is_locked(key.into()).await.unwrap() {
                        return None;
                    }
                }
                (here.in_flight() == 0).then_some(())
            })
            .await;
            assert_eq!(here.get("a").await.unwrap(), Some(value));
            if ended {
                break;
            }
        }
    }
}
