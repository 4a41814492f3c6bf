use super::{Described, FromConfig, FromValue, Setting};

/// Which backend, where the stack leaves a choice.
const BACKEND: Setting<Option<String>> = Setting::new(
    "backend",
    "Which backend, in a stack with `Either`; else it must be the one in the type.",
)
.expects("the name of a backend such as `redis`");
/// Which lock, where the region leaves a choice.
const LOCK: Setting<Option<String>> = Setting::new(
    "lock",
    "Which lock, in a region with `Either<Local, RedisLock>`; else it must be the one in the type.",
)
.expects("the name of a lock such as `redis`");

/// What a type understands of a configuration: written by [`FromConfig::describe`], read by
/// [`About::of`].
///
/// ```
/// # #[cfg(all(feature = "backend-memory", feature = "codec-json"))] {
/// use larder::{IntTime, Json, Memory, Region, config::About};
///
/// let about = About::of::<Region<IntTime<Json<Memory>>>>();
/// let names: Vec<&str> = about.settings().iter().map(|setting| setting.name()).collect();
/// assert!(names.contains(&"expiration_time") && names.contains(&"max_entries"));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct About {
    settings: Vec<Described>,
    names: Vec<(Slot, &'static str)>,
    choices: Vec<[About; 2]>,
}

/// What is chosen by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Backend,
    Lock,
}

impl Slot {
    pub(super) const ALL: [Self; 2] = [Self::Backend, Self::Lock];

    pub(super) const fn setting(self) -> &'static Setting<Option<String>> {
        match self {
            Self::Backend => &BACKEND,
            Self::Lock => &LOCK,
        }
    }
}

impl About {
    /// All that `T` understands.
    #[must_use]
    pub fn of<T: FromConfig>() -> Self {
        let mut about = Self::default();
        T::describe(&mut about);
        about
    }

    /// Understands `setting`. Two levels may understand the same one.
    pub fn setting<T: FromValue>(&mut self, setting: &Setting<T>) {
        self.push(Described::new(setting));
    }

    /// Is the backend called `name`, which `backend = ".."` chooses between the two of an
    /// [`Either`](crate::Either).
    pub fn backend(&mut self, name: &'static str) {
        self.names.push((Slot::Backend, name));
    }

    /// Is the lock called `name`, which `lock = ".."` chooses.
    pub fn lock(&mut self, name: &'static str) {
        self.names.push((Slot::Lock, name));
    }

    /// Is `A` or `B`, by their names.
    pub fn either<A: FromConfig, B: FromConfig>(&mut self) {
        self.choices.push([Self::of::<A>(), Self::of::<B>()]);
    }

    /// Understands the settings of `T`, which is a part of it and not the one that is chosen.
    pub fn part<T: FromConfig>(&mut self) {
        for setting in Self::of::<T>().settings {
            self.push(setting);
        }
    }

    /// Every setting, those of all sides that can be chosen included.
    #[must_use]
    pub fn settings(&self) -> Vec<Described> {
        let mut all = Self::default();
        self.visit(&mut |setting| all.push(*setting));
        for slot in Slot::ALL {
            if !self.names(slot).is_empty() {
                all.setting(slot.setting());
            }
        }
        all.settings
    }

    fn visit(&self, each: &mut impl FnMut(&Described)) {
        self.settings.iter().for_each(&mut *each);
        for side in self.choices.iter().flatten() {
            side.visit(each);
        }
    }

    fn push(&mut self, setting: Described) {
        if !self.settings.iter().any(|known| known.told == setting.told) {
            self.settings.push(setting);
        }
    }

    /// What can be chosen here.
    pub(super) fn names(&self, slot: Slot) -> Vec<&'static str> {
        let own = self.names.iter().filter(|(named, _)| *named == slot).map(|(_, name)| *name);
        let sides = self.choices.iter().flatten().flat_map(|side| side.names(slot));
        own.chain(sides).collect()
    }

    /// The settings that count where `chosen` tells what was chosen.
    pub(super) fn active(&self, chosen: &impl Fn(Slot) -> Option<String>) -> Vec<Described> {
        let mut all = Self::default();
        self.gather(chosen, &mut all);
        all.settings
    }

    fn gather(&self, chosen: &impl Fn(Slot) -> Option<String>, all: &mut Self) {
        self.settings.iter().for_each(|setting| all.push(*setting));
        for side in self.choices.iter().flatten().filter(|side| side.is_chosen(chosen)) {
            side.gather(chosen, all);
        }
    }

    /// Whether one of its names was chosen.
    pub(super) fn is_chosen(&self, chosen: &impl Fn(Slot) -> Option<String>) -> bool {
        let named =
            |slot| chosen(slot).is_some_and(|name| self.names(slot).contains(&name.as_str()));
        Slot::ALL.into_iter().any(named)
    }

    /// Whether a side that can be chosen has no name to choose it by.
    pub(super) fn has_nameless_side(&self) -> bool {
        let nameless = |side: &Self| Slot::ALL.into_iter().all(|slot| side.names(slot).is_empty());
        self.choices.iter().flatten().any(|side| nameless(side) || side.has_nameless_side())
    }

    pub(super) fn leaves_choice(&self, slot: Slot) -> bool {
        self.choices.iter().flatten().any(|side| !side.names(slot).is_empty())
    }
}
