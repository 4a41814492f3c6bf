//! Many masters, each with a part of the keys.

mod builder;
mod map;
mod share;
mod slots;

use std::{
    borrow::{Borrow, Cow},
    collections::HashMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use redis::{Cmd, Pipeline, ServerErrorKind, Value};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep},
};

pub use self::builder::{RedisCluster, RedisClusterBuilder};
use self::{
    map::{Address, Map, Redirect},
    share::{Shares, asking},
};
use super::{
    broadcast::Broadcast,
    command,
    config::Target,
    connection::Link,
    failure::{self, LAYER},
    fields::{Ability, FieldTtl},
    tracking::Listener,
    wire::Carry,
};
use crate::{Domain, Error, ErrorKind, Key, Place, Result, runtime::all};

/// How often a command follows a redirection.
const MOST_HOPS: u32 = 6;
/// The pause before a command whose keys are on their way is tried again; doubled each time.
const UNDER_WAY: Duration = Duration::from_millis(5);
/// The least time between two looks at who serves what.
const PAUSE: Duration = Duration::from_millis(100);

/// The wire of a [`RedisCluster`](crate::RedisCluster): each command goes to the node that has its slot,
/// each batch to all nodes at the same time.
// Not the client's own cluster connection: it hides slots and nodes, so that a batch could not be one
// pipeline for each node, nor a redirection cost only the commands it is about; it carries no pushes to
// who waits for one lock; and it waits and tries again where a cache had better go on without.
#[derive(Clone)]
pub struct Cluster(Arc<Core>);

struct Core {
    seeds: Vec<Arc<Target>>,
    listener: Option<Listener>,
    map: RwLock<Arc<Map>>,
    /// A link for each address that was ever of use, those of the map and those of seeds.
    links: Mutex<HashMap<Address, Arc<Link>>>,
    /// Held while the map is drawn.
    drawing: Arc<tokio::sync::Mutex<()>>,
    drawn: Mutex<Option<Drawn>>,
}

/// The last attempt to draw the map.
struct Drawn {
    at: Instant,
    failure: Option<Error>,
}

impl Cluster {
    fn new(seeds: Vec<Arc<Target>>, listener: Option<Listener>) -> Self {
        Self(Arc::new(Core {
            seeds,
            listener,
            map: RwLock::default(),
            links: Mutex::default(),
            drawing: Arc::default(),
            drawn: Mutex::default(),
        }))
    }

    /// Where everybody is; asks, where nothing is known yet.
    async fn ready(&self) -> Result<Arc<Map>> {
        let map = self.0.map();
        if !map.is_empty() {
            return Ok(map);
        }
        Box::pin(self.first_map()).await
    }

    #[cold]
    async fn first_map(&self) -> Result<Arc<Map>> {
        let _turn = self.0.drawing.lock().await;
        let map = self.0.map();
        if !map.is_empty() {
            return Ok(map);
        }
        if let Some(Drawn { failure: Some(error), .. }) = self.0.recently_drawn().as_ref() {
            return Err(error.clone());
        }
        self.0.draw(None).await?;
        Ok(self.0.map())
    }

    /// Sees to it that the map is drawn anew, by what `hint` says if it says something. Nobody waits.
    #[cold]
    fn redraw(&self, hint: Option<Arc<Link>>) {
        if self.0.recently_drawn().is_some() {
            return;
        }
        let (Ok(turn), Ok(runtime)) =
            (Arc::clone(&self.0.drawing).try_lock_owned(), Handle::try_current())
        else {
            return;
        };
        let core = Arc::clone(&self.0);
        runtime.spawn(async move {
            if let Err(error) = core.draw(hint).await {
                tracing::debug!(%error, "larder: no node of the cluster tells who serves what");
            }
            drop(turn);
        });
    }

    /// Goes where `answer` leads, until somebody answers.
    #[cold]
    async fn follow(
        &self,
        command: &Cmd,
        mut link: Arc<Link>,
        mut answer: Result<Value>,
    ) -> Result<Value> {
        for hop in 0..MOST_HOPS {
            let redirect = answer.as_ref().ok().and_then(Redirect::of);
            answer = match redirect {
                None => {
                    self.note(&answer);
                    return answer;
                }
                Some(Redirect::Moved(to)) => {
                    link = self.0.link_from(&link, to)?;
                    self.redraw(Some(Arc::clone(&link)));
                    link.send(command).await
                }
                Some(Redirect::Ask(to)) => {
                    let other = self.0.link_from(&link, to)?;
                    asking(&other, command).await
                }
                Some(Redirect::Later) => {
                    sleep(UNDER_WAY * (1 << hop)).await;
                    link.send(command).await
                }
            };
        }
        answer
    }

    /// Where a node did not answer, or nobody has the slot, there may be another by now.
    fn note(&self, answer: &Result<Value>) {
        let is_lost = match answer {
            Ok(Value::ServerError(error)) => error.kind() == Some(ServerErrorKind::ClusterDown),
            Ok(_) => false,
            Err(error) => error.is_transient(),
        };
        if is_lost {
            self.redraw(None);
        }
    }
}

impl Core {
    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn links(&self) -> MutexGuard<'_, HashMap<Address, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last attempt to draw the map, if it was a moment ago.
    fn recently_drawn(&self) -> Option<Drawn> {
        let drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = drawn.as_ref().filter(|drawn| drawn.at.elapsed() < PAUSE)?;
        Some(Drawn { at: drawn.at, failure: drawn.failure.clone() })
    }

    /// The link to the node at `address`, where it can be one of ours.
    fn link(&self, address: &Address) -> Result<Arc<Link>> {
        let mut links = self.links();
        if let Some(link) = links.get(address) {
            return Ok(Arc::clone(link));
        }
        let target = Arc::new(self.seeds[0].at(&address.host, address.port)?);
        let link = Link::with(target, self.listener.clone());
        links.insert(address.clone(), Arc::clone(&link));
        Ok(link)
    }

    /// The link to where `from` sent us.
    fn link_from(&self, from: &Link, mut to: Address) -> Result<Arc<Link>> {
        if to.host.is_empty() {
            to.host = from.target().host().into();
        }
        self.link(&to)
    }

    /// Asks one node after the other who serves what, until one tells.
    async fn draw(&self, hint: Option<Arc<Link>>) -> Result<()> {
        let result = self.draw_from(hint).await;
        let drawn = Drawn { at: Instant::now(), failure: result.as_ref().err().cloned() };
        *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = Some(drawn);
        result
    }

    async fn draw_from(&self, hint: Option<Arc<Link>>) -> Result<()> {
        let map = self.map();
        let mut known = map.known.clone();
        // Not always the same one first: it may be the one that is lost, or cut off from the others.
        let turn = usize::try_from(self.turn()).unwrap_or(0) % known.len().max(1);
        known.rotate_left(turn);
        for seed in &self.seeds {
            known.push(Address { host: seed.host().into(), port: seed.port() });
        }
        let mut failure = None;
        for link in hint.map(Ok).into_iter().chain(known.iter().map(|at| self.link(at))) {
            let drawn = match link {
                Ok(link) => self.ask(&link).await,
                Err(error) => Err(error),
            };
            match drawn {
                Ok(map) => {
                    self.keep(map);
                    return Ok(());
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| failure::unexpected("no node of the cluster is known")))
    }

    /// A number that differs from one attempt to the next.
    fn turn(&self) -> u128 {
        let drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.as_ref().map_or(0, |drawn| drawn.at.elapsed().as_micros())
    }

    async fn ask(&self, link: &Arc<Link>) -> Result<Map> {
        let runs = match link.send(&map::question()).await? {
            Value::ServerError(error) => return Err(failure::refusal(&error)),
            answer => map::runs(answer, link.target().host()),
        };
        let Some(runs) = runs.filter(|runs| !runs.is_empty()) else {
            let message = format!("{} knows no slots of a cluster", link.target().address);
            return Err(Error::new(ErrorKind::Unavailable, LAYER).with_message(message));
        };
        let known = runs.iter().flat_map(|run| run.nodes.iter().cloned()).collect();
        let runs: Result<Vec<_>> =
            runs.iter().map(|run| Ok((run.first, run.last, self.link(&run.nodes[0])?))).collect();
        Ok(Map::new(runs?, known))
    }

    fn keep(&self, map: Map) {
        let known: Vec<_> = map.known.clone();
        let mut slot = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let before = mem::replace(&mut *slot, Arc::new(map));
        drop(slot);
        drop(before);
        // Who left the cluster is forgotten, with its connection.
        self.links().retain(|address, _| known.contains(address));
    }
}

impl Carry for Cluster {
    const HAS_SLOTS: bool = true;

    async fn send(&self, command: &Cmd) -> Result<Value> {
        let map = self.ready().await?;
        let Some(link) = map.link(slots::slot_of(command)) else {
            return Err(failure::unexpected("no node of the cluster is known"));
        };
        match link.send(command).await {
            Ok(answer) if !matches!(answer, Value::ServerError(_)) => Ok(answer),
            answer => Box::pin(self.follow(command, Arc::clone(link), answer)).await,
        }
    }

    async fn send_all(&self, commands: &Pipeline) -> Result<Vec<Result<Value>>> {
        let map = self.ready().await?;
        let commands: Vec<&Cmd> = commands.cmd_iter().collect();
        let mut answers: Vec<Result<Value>> = commands.iter().map(|_| Ok(Value::Nil)).collect();
        let mut shares = Shares::default();
        for (at, command) in commands.iter().enumerate() {
            if let Some(link) = map.link(slots::slot_of(command)) {
                shares.add(link, false, at, command);
            }
        }
        for hop in 0..=MOST_HOPS {
            let mut again = Shares::default();
            let mut pause = None;
            for (share, sent) in shares.send().await {
                let sent = match sent {
                    Ok(sent) => sent,
                    Err(error) => {
                        share.positions.iter().for_each(|at| answers[*at] = Err(error.clone()));
                        continue;
                    }
                };
                for (at, answer) in share.positions.iter().zip(sent) {
                    let redirect = Redirect::of(&answer).filter(|_| hop < MOST_HOPS);
                    answers[*at] = Ok(answer);
                    match redirect {
                        None => {}
                        Some(Redirect::Moved(to)) => {
                            let link = self.0.link_from(&share.link, to)?;
                            self.redraw(Some(Arc::clone(&link)));
                            again.add(&link, false, *at, commands[*at]);
                        }
                        Some(Redirect::Ask(to)) => {
                            let link = self.0.link_from(&share.link, to)?;
                            again.add(&link, true, *at, commands[*at]);
                        }
                        Some(Redirect::Later) => {
                            pause = Some(UNDER_WAY * (1 << hop));
                            again.add(&share.link, share.asks, *at, commands[*at]);
                        }
                    }
                }
            }
            if again.is_empty() {
                break;
            }
            if let Some(pause) = pause {
                sleep(pause).await;
            }
            shares = again;
        }
        for answer in &answers {
            self.note(answer);
        }
        if answers.iter().all(Result::is_err)
            && let Some(Err(error)) = answers.first()
        {
            return Err(error.clone());
        }
        Ok(answers)
    }

    async fn send_fitted<R, F>(&self, make: F) -> Result<(R, Vec<Result<Value>>)>
    where
        R: Borrow<Pipeline> + Send + Sync,
        F: Fn(FieldTtl) -> R + Send + Sync,
    {
        let map = self.ready().await?;
        // What all can do; who cannot be reached carries out nothing anyway.
        let masters = map.masters();
        let abilities = all(masters.iter().map(|link| link.send(&Ability))).await;
        let server = abilities.into_iter().filter_map(Result::ok).max();
        let commands = make(server.unwrap_or(FieldTtl::Hash));
        let answers = self.send_all(commands.borrow()).await?;
        Ok((commands, answers))
    }

    fn listening(&self, listener: Listener) -> Self {
        Self::new(self.0.seeds.clone(), Some(listener))
    }

    fn broadcast(&self) -> Option<&Arc<Broadcast>> {
        self.0.listener.as_ref().and_then(Listener::broadcast)
    }

    async fn look_after(&self) -> Result<()> {
        let map = self.ready().await?;
        let ping = command("PING", 0, 0);
        let answers = all(map.masters().iter().map(|link| link.send(&ping))).await;
        for answer in &answers {
            self.note(answer);
        }
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    fn demoted(&self) {
        self.redraw(None);
    }

    fn domain(&self) -> Domain {
        let mut seeds: Vec<_> = self.0.seeds.iter().map(|seed| seed.address.to_string()).collect();
        seeds.sort_unstable();
        Domain::new(("redis-cluster", seeds, self.0.seeds[0].database))
    }

    fn place(&self) -> Place {
        self.0.seeds[0].place("redis cluster")
    }

    fn name(key: Key<'_>) -> Cow<'_, [u8]> {
        slots::name(key)
    }

    fn lock_name(prefix: &str, key: Key<'_>) -> Vec<u8> {
        slots::in_slot_of_entry(prefix, key)
    }

    fn slot(name: &[u8]) -> u16 {
        slots::slot(name)
    }

    fn describe(&self, shown: &mut fmt::DebugStruct<'_, '_>) {
        let seeds = self.0.seeds.iter().map(|seed| seed.address.to_string());
        shown.field("nodes", &seeds.collect::<Vec<_>>());
        self.0.seeds[0].describe(shown);
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Cluster");
        self.describe(&mut shown);
        shown.finish()
    }
}
