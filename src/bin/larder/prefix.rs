//! What keys that belong together begin with.

/// What locks are named: those of larder, of dogpile.cache, and of `dogpile_backend_redis_advanced`.
const LOCKS: [&str; 3] = ["larder:lock:", "_lock", "_lok."];
/// The longest beginning that is told apart.
const LONGEST: usize = 64;
/// Stands between space and name where larder writes a pair as a plain key.
const PAIR: u8 = 0xff;
/// Runs of hexadecimal digits with digits among them are identifiers from this length on.
const HEX: usize = 8;
/// And letters and digits by turns from this one on.
const TOKEN: usize = 10;
/// How often they change in one, at least.
const TURNS: usize = 3;
/// How long UUIDs are.
const UUID: usize = 36;

/// Whether a key of this name is a lock.
pub(crate) fn is_lock(name: &[u8]) -> bool {
    LOCKS.iter().any(|lock| name.starts_with(lock.as_bytes()))
}

/// The pattern of the keys that `name` belongs to: `user:*`.
///
/// Up to the first `:`, `|`, `/`, `#` or `~`, or the byte between the parts of a pair, for which stands `?`;
/// numbers and identifiers before it are `*`, too. Keys of digits alone are `[0-9]*`, and `*` is everything that
/// has no such beginning.
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
        // That would be the pattern of every key.
        Some(end) if end <= LONGEST && name[end] == PAIR && head.trim_matches('*').is_empty() => {
            "*".into()
        }
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
        let word = rest.find(|char: char| !char.is_alphanumeric()).unwrap_or(rest.len());
        let skipped = if is_uuid(rest) {
            UUID
        } else if is_identifier(&rest[..word]) {
            word
        } else {
            0
        };
        if skipped > 0 {
            star(&mut out);
        }
        // What is no identifier, up to the next word.
        let end = if skipped > 0 { skipped } else { word.max(first.len_utf8()) };
        for char in rest[skipped..end].chars() {
            if char.is_ascii_digit() { star(&mut out) } else { out.push(char) }
        }
        rest = &rest[end..];
    }
    out
}

fn star(out: &mut String) {
    if !out.ends_with('*') {
        out.push('*');
    }
}

/// Whether `text` begins with a UUID: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let is_part = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() >= UUID && text.as_bytes()[..UUID].iter().enumerate().all(is_part)
}

fn is_identifier(word: &str) -> bool {
    let bytes = word.as_bytes();
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let turns = bytes.windows(2).filter(|two| is_digit(&two[0]) != is_digit(&two[1])).count();
    let is_hex = bytes.iter().all(u8::is_ascii_hexdigit) && turns > 0;
    let is_token = word.is_ascii() && turns >= TURNS;
    is_hex && word.len() >= HEX || is_token && word.len() >= TOKEN
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
            ("f47ac10b-58cc-4372-a567-0e02b2c3d479", "*"),
            ("s-deadbeef-feed-4bad-beef-c0ffeec0ffee:x", "s-*:*"),
            ("4f0c9a2b1e", "*"),
            ("z7a0k3beadf9", "*"),
            ("users_2024", "users_*"),
            ("decade-feedbacks", "*"),
            ("_lockuser:15", "_lock*"),
            ("_lok.user:15", "_lok.*"),
            ("larder:lock:k", "larder:lock:*"),
        ] {
            assert_eq!(of(name.as_bytes()), pattern, "{name}");
        }
        assert_eq!(of(b"user-15\xffposts"), "user-*?*");
        assert_eq!(of(b"\xff\xfe"), "*");
        assert_eq!(of(b"15\xff\xfe"), "*");
        assert_eq!(of(b"\xfe\xfd:1"), "\u{fffd}\u{fffd}:*");
        assert!(of(&[b'x'; 1000]).len() <= 65);
    }
}
