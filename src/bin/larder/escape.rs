//! What strangers wrote, made safe for a terminal.

use std::fmt::Write as _;

/// `bytes` as text, with everything escaped that a terminal would obey or a reader not see.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&text(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a `String` never fails.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The same with what is text already.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_harmless(char) { out.push(char) } else { out.extend(char.escape_default()) }
    }
    out
}

/// `bytes` in two digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A document of JSON that means the same, with everything escaped that `serde_json` lets through.
///
/// Such characters are inside of its texts only, so they are escaped as texts are: `\u009b`.
pub(crate) fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for char in document.chars() {
        if is_harmless(char) {
            out.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Neither a control character nor one that changes how its neighbours are shown: direction, width of
/// zero, marks that pile up, private use.
pub(crate) fn is_harmless(char: char) -> bool {
    let hidden = matches!(char,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}'
        | '\u{e0000}'..='\u{10ffff}');
    !char.is_control() && !hidden
}

/// `text` in at most `width` characters; what is cut away is shown by `…`.
pub(crate) fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
    }
}
