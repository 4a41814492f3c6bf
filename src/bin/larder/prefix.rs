//! What keys that belong together begin with.

/// What locks are named: those of larder, of dogpile.cache, and of `dogpile_backend_redis_advanced`.
const LOCKS: [&str; 3] = ["larder:lock:", "_lock", "_lok."];
/// The longest beginning that is told apart.
const LONGEST: usize = 64;
/// Stands between space and name where larder writes a pair as a plain key.
const PAIR: u8 = 0xff;
/// Runs of hexadecimal digits from this length on are identifiers.
const IDENTIFIER: usize = 16;

/// Whether a key of this name is a lock.
pub(crate) fn is_lock(name: &[u8]) -> bool {
    LOCKS.iter().any(|lock| name.starts_with(lock.as_bytes()))
}

/// The pattern of the keys that `name` belongs to: `user:*`.
///
/// Up to the first `:`, `|`, `/`, `#` or `~`, or the byte between the parts of a pair, for which stands `?`; numbers and identifiers before it are `*`, too. Keys of digits alone
/// are `[0-9]*`, and `*` is everything that has no such beginning.
pub(crate) fn of(name: &[u8]) -> String {
    if let Some(lock) = LOCKS.iter().find(|lock| name.starts_with(lock.as_bytes())) {
        return format!("{lock}*");
    }
    if !name.is_empty() && name.iter().all(u8::is_ascii_digit) {
        return "[0-9]*".into();
    }
    let end = name.iter().position(|byte| b":|/#~".contains(byte) || *byte == PAIR);
    let head = generalised(&name[..end.unwrap_or(name.len()).min(LONGEST)]);
    match end {
        Some(end) if end <= LONGEST && name[end] == PAIR => format!("{head}?*"),
        Some(end) if end <= LONGEST => format!("{head}{}*", char::from(name[end])),
        Some(_) => format!("{head}*"),
        // One name for each key would be no summary.
        None if head.contains('*') => head,
        None => "*".into(),
    }
}

/// `head` with `*` for what counts and identifies.
fn generalised(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let mut out = String::with_capacity(head.len());
    let mut rest = &*head;
    while let Some(first) = rest.chars().next() {
        let run = |is: fn(&char) -> bool| rest.chars().take_while(is).map(char::len_utf8).sum();
        let digits: usize = run(char::is_ascii_digit);
        let hex: usize = run(char::is_ascii_hexdigit);
        let skipped = if hex >= IDENTIFIER { hex } else { digits };
        if skipped > 0 {
            if !out.ends_with('*') {
                out.push('*');
            }
            rest = &rest[skipped..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn keys_that_belong_together_have_one_pattern() {
        for (name, pattern) in [
            ("user:15", "user:*"),
            ("user:15:posts", "user:*"),
            ("user-15|posts", "user-*|*"),
            ("foo|3", "foo|*"),
            ("1234", "[0-9]*"),
            ("page7", "page*"),
            ("about", "*"),
            ("", "*"),
            ("d41d8cd98f00b204e9800998ecf8427e", "*"),
            ("s-d41d8cd98f00b204e9800998ecf8427e", "s-*"),
            ("_lockuser:15", "_lock*"),
            ("_lok.user:15", "_lok.*"),
            ("larder:lock:k", "larder:lock:*"),
        ] {
            assert_eq!(of(name.as_bytes()), pattern, "{name}");
        }
        assert_eq!(of(b"user-15\xffposts"), "user-*?*");
        assert_eq!(of(b"\xfe\xfd:1"), "\u{fffd}\u{fffd}:*");
        assert!(of(&[b'x'; 1000]).len() <= 65);
    }
}
