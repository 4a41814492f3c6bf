//! The calls of a region, and what the model has to say to their answers.

use std::{
    cell::RefCell, future::poll_fn, panic::resume_unwind, rc::Rc, task::Poll, time::Duration,
};

use larder::{Created, ErrorKind, Failure, Invalidation, Result};

use super::{
    super::calls::{Call, OnPurpose},
    Cached, EXPIRE_AFTER, KEYS, OWN_TTL, What, World,
    model::{End, Model, Window},
};

/// The answers to a call, one for each key.
type Answers = Vec<Result<Option<u64>, Failure<usize>>>;

/// What a creator makes of its keys, if anything, or the number of the creation that failed.
type Made = Result<Vec<Option<u64>>, usize>;

/// A creator that is running; it ends when this is dropped.
struct Running(Rc<RefCell<Model>>, usize);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.borrow_mut().creation_ends(self.1);
    }
}

/// A change, and the values it writes; it ends when this is dropped.
struct Changing(Rc<RefCell<Model>>, usize, Vec<u64>);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.borrow_mut().change_ends(self.1, &self.2);
    }
}

/// Who calls, and in whose place its creators run.
#[derive(Clone)]
struct Caller {
    region: Cached,
    model: Rc<RefCell<Model>>,
    process: usize,
    ttl: Duration,
}

/// A creator that cannot fail, and has a value for each key.
const PLAIN: &[End] = &[End::Value, End::Panic];
/// One that can fail.
const FAILING: &[End] = &[End::Value, End::Error, End::Panic];
/// One of many keys, that may leave some out.
const SPARING: &[End] = &[End::Value, End::Nothing, End::Error, End::Panic];
/// One that says how its values are to be kept.
const ANY: &[End] = &[End::Value, End::NotStored, End::Nothing, End::Error, End::Panic];

impl Caller {
    /// A creator, which ends as it is told, if it `can`.
    async fn create(&self, window: Window, keys: Vec<usize>, can: &[End]) -> Made {
        let at = self.model.borrow_mut().creation(window, self.process, &keys);
        let running = Running(Rc::clone(&self.model), at);
        let end = poll_fn(|cx| match self.model.borrow_mut().told(at, cx.waker()) {
            Some(end) => Poll::Ready(end),
            None => Poll::Pending,
        });
        let end = end.await;
        let mut model = running.0.borrow_mut();
        match if can.contains(&end) { end } else { End::Value } {
            end @ (End::Value | End::NotStored) => {
                Ok(model.created(at, self.ttl, end == End::Value))
            }
            End::Nothing => Ok(vec![None; keys.len()]),
            End::Error => {
                model.failed(at);
                Err(at)
            }
            End::Panic => {
                drop(model);
                // Past the hook of libFuzzer, which takes every panic for a finding.
                resume_unwind(Box::new(OnPurpose))
            }
        }
    }

    /// A creator of one key that has a value for it, or fails if it can.
    async fn value(&self, window: Window, key: usize, can: &[End]) -> Result<u64, usize> {
        Ok(self.create(window, vec![key], can).await?[0].expect("it has a value"))
    }

    async fn any(&self, window: Window, key: usize) -> Result<Created<u64>, usize> {
        let Some(value) = self.create(window, vec![key], ANY).await?[0] else {
            return Ok(Created::nothing());
        };
        let is_stored = self.model.borrow().is_stored(value);
        Ok(if is_stored { Created::new(value) } else { Created::new(value).not_stored() })
    }

    /// A creator of many, which leaves out what it has nothing for.
    async fn many(
        &self,
        window: Window,
        missing: Vec<&str>,
        can: &[End],
    ) -> Result<Vec<(&'static str, u64)>, usize> {
        let keys = missing.iter().filter_map(|key| KEYS.iter().position(|other| other == key));
        let keys: Vec<usize> = keys.collect();
        let made = self.create(window, keys.clone(), can).await?;
        let made = keys.into_iter().zip(made).filter_map(|(key, value)| Some((KEYS[key], value?)));
        Ok(made.collect())
    }

    fn window(&self) -> Window {
        self.model.borrow_mut().window()
    }

    /// What a call that asks for fresh values only was answered.
    fn found(&self, window: Window, keys: &[usize], found: Vec<Option<u64>>) {
        assert_eq!(found.len(), keys.len());
        for (key, value) in keys.iter().zip(found) {
            value.inspect(|value| self.model.borrow().handed(window, *key, *value, true));
        }
    }

    /// What a call that creates was answered; `some` if it has to be a value.
    fn answered(&self, window: Window, keys: &[usize], answers: Answers, some: bool) {
        assert_eq!(answers.len(), keys.len());
        let model = self.model.borrow();
        for (key, answer) in keys.iter().zip(answers) {
            match answer {
                Ok(Some(value)) => model.handed(window, *key, value, false),
                Ok(None) => assert!(!some, "nothing"),
                Err(Failure::Creator(at)) => model.handed_error(window, *key, *at),
                Err(Failure::Cache(error)) if error.kind() == ErrorKind::Timeout => {
                    window.timed_out();
                }
                Err(Failure::Cache(error)) => panic!("{error:?}"),
            }
        }
    }

    /// Writes, with a value for each key.
    async fn write(&self, keys: &[usize], many: bool) {
        let mut each: Vec<usize> = keys.to_vec();
        each.sort_unstable();
        each.dedup();
        let (change, values) = {
            let mut model = self.model.borrow_mut();
            let change = model.change(self.process, &each);
            let values: Vec<u64> = each.iter().map(|key| model.written(*key, self.ttl)).collect();
            (change, values)
        };
        let changing = Changing(Rc::clone(&self.model), change, values.clone());
        let result = if many {
            self.region.set_multi(each.iter().map(|key| KEYS[*key]).zip(values)).await
        } else {
            self.region.set(KEYS[each[0]], values[0]).await
        };
        result.expect("the store does not fail");
        drop(changing);
        self.model.borrow_mut().changed(change);
    }

    async fn delete(&self, keys: &[usize], many: bool) {
        let change = self.model.borrow_mut().change(self.process, keys);
        let changing = Changing(Rc::clone(&self.model), change, Vec::new());
        let result = if many {
            self.region.delete_multi(keys.iter().map(|key| KEYS[*key])).await
        } else {
            self.region.delete(KEYS[keys[0]]).await
        };
        result.expect("the store does not fail");
        drop(changing);
        self.model.borrow_mut().changed(change);
    }

    async fn invalidate(&self, how: Invalidation) {
        let is_soft = how == Invalidation::Soft;
        let change = self.model.borrow_mut().invalidation(self.process, is_soft);
        self.region.invalidate(how).await.expect("times are kept");
        self.model.borrow_mut().changed(change);
    }

    async fn get_or_create(&self, what: What, keys: &[usize]) {
        let (window, key) = (self.window(), keys[0]);
        let name = KEYS[key];
        let region = &self.region;
        let answer = match what {
            What::GetOrCreate => {
                let answer = region
                    .get_or_create(name, async || self.value(window, key, PLAIN).await.unwrap())
                    .await;
                answer.map(Some).map_err(Failure::Cache)
            }
            What::Refresh => {
                let answer = region
                    .refresh(name, async || self.value(window, key, PLAIN).await.unwrap())
                    .await;
                answer.map(Some).map_err(Failure::Cache)
            }
            What::TryGetOrCreate => {
                region.try_get_or_create(name, || self.value(window, key, FAILING)).await.map(Some)
            }
            _ => region.try_get_or_create_with(name, || self.any(window, key)).await,
        };
        self.answered(window, &[key], vec![answer], !matches!(what, What::GetOrCreateWith));
    }

    async fn get_or_create_multi(&self, what: What, keys: &[usize]) {
        let window = self.window();
        let names: Vec<&str> = keys.iter().map(|key| KEYS[*key]).collect();
        let answers: Answers = if matches!(what, What::GetOrCreateMulti) {
            let create =
                async |missing| self.many(window, missing, PLAIN).await.expect("it cannot fail");
            match self.region.get_or_create_multi(names, create).await {
                Ok(found) => found.into_iter().map(Ok).collect(),
                Err(error) => keys.iter().map(|_| Err(Failure::Cache(error.clone()))).collect(),
            }
        } else {
            self.region
                .try_get_or_create_multi(names, |missing| self.many(window, missing, SPARING))
                .await
        };
        self.answered(window, keys, answers, false);
    }
}

impl World {
    /// A call that has not begun.
    pub(super) fn call(&self, what: What, keys: u8, process: u8, own_ttl: bool) -> Call<()> {
        let process = usize::from(process) % self.regions.len();
        let region = self.regions[process].clone();
        let (region, ttl) =
            if own_ttl { (region.with_ttl(OWN_TTL), OWN_TTL) } else { (region, EXPIRE_AFTER) };
        let caller = Caller { region, model: Rc::clone(&self.model), process, ttl };
        let keys = chosen(keys);
        Call::new(async move {
            match what {
                What::Get => {
                    let window = caller.window();
                    let found = caller.region.get(KEYS[keys[0]]).await;
                    caller.found(window, &keys[..1], vec![found.expect("the store does not fail")]);
                }
                What::GetMulti => {
                    let window = caller.window();
                    let found = caller.region.get_multi(keys.iter().map(|key| KEYS[*key])).await;
                    caller.found(window, &keys, found.expect("the store does not fail"));
                }
                What::Set => caller.write(&keys[..1], false).await,
                What::SetMulti => caller.write(&keys, true).await,
                What::Delete => caller.delete(&keys[..1], false).await,
                What::DeleteMulti => caller.delete(&keys, true).await,
                What::InvalidateHard => caller.invalidate(Invalidation::Hard).await,
                What::InvalidateSoft => caller.invalidate(Invalidation::Soft).await,
                What::GetOrCreateMulti | What::TryGetOrCreateMulti => {
                    caller.get_or_create_multi(what, &keys).await;
                }
                _ => caller.get_or_create(what, &keys).await,
            }
        })
    }

    /// When nothing is under way, everything is as it is without any concurrency.
    pub(super) async fn quiet(&self) {
        for region in &self.regions {
            for key in KEYS {
                let expected = u64::MAX;
                region.set(key, expected).await.expect("the store does not fail");
                assert_eq!(region.get(key).await.expect("a value"), Some(expected));
                region.delete(key).await.expect("the store does not fail");
                assert_eq!(region.get::<u64>(key).await.expect("nothing"), None);
                for _ in 0..2 {
                    let created = region.get_or_create(key, async || 7).await;
                    assert_eq!(created.expect("a value"), 7_u64);
                }
            }
            assert_eq!(region.in_flight(), 0);
        }
    }
}

/// One key or more, in some order, some of them twice.
fn chosen(keys: u8) -> Vec<usize> {
    let mut chosen: Vec<usize> =
        (0..KEYS.len()).map(|at| (at + usize::from(keys)) % KEYS.len()).collect();
    chosen.truncate(1 + usize::from(keys >> 2) % KEYS.len());
    if keys & 0x80 != 0 {
        chosen.push(chosen[0]);
    }
    chosen
}
