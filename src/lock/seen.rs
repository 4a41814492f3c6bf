/// Who had the lock of one key while one caller waited for it: what each
/// [`Lock::released`](super::Lock::released) saw, for the next to go on from. Starts with nothing seen.
///
/// ```
/// let mut seen = larder::Seen::default();
/// assert!(!seen.owner(b"one") && !seen.owner(b"one"));
/// assert!(seen.owner(b"other"), "it changed hands");
/// seen.free();
/// assert!(!seen.owner(b"third"), "nobody had it in between");
/// ```
#[derive(Debug, Default)]
pub struct Seen {
    owner: Option<Box<[u8]>>,
    has_changed: bool,
}

impl Seen {
    /// Notes that `owner` has it, known by its token or by anything else that no other owner has. True if
    /// another one had it when it was last looked at: the wait for that one is over.
    pub fn owner(&mut self, owner: &[u8]) -> bool {
        let is_another = self.owner.as_deref().is_some_and(|before| before != owner);
        if self.owner.is_none() || is_another {
            self.owner = Some(owner.into());
        }
        self.has_changed |= is_another;
        is_another
    }

    /// Notes that nobody has it.
    pub fn free(&mut self) {
        self.owner = None;
        self.has_changed = true;
    }

    /// Whether it changed hands since this was last asked.
    pub(crate) fn changed_hands(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }
}
