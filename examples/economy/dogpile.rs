//! What dogpile.cache 1.5 writes by default, byte for byte: metadata in JSON, `|`, and the value in
//! Python's pickle, protocol 4.

/// A value of the dataset, as Python sees it.
#[derive(Clone, Copy)]
pub(crate) enum Python<'a> {
    Int(u32),
    Str(&'a str),
    /// `{"one": int, "two": str}`
    Dict(u32, &'a str),
}

/// An entry that was created at `ct`, in seconds.
pub(crate) fn entry(ct: &str, value: Python<'_>) -> Vec<u8> {
    [format!(r#"{{"ct": {ct}, "v": 2}}|"#).as_bytes(), &pickle(value)].concat()
}

/// `pickle.dumps(value, protocol=4)`
pub(crate) fn pickle(value: Python<'_>) -> Vec<u8> {
    let mut body = Vec::with_capacity(64);
    match value {
        Python::Int(number) => push_int(number, &mut body),
        Python::Str(text) => push_str(text, &mut body),
        Python::Dict(one, two) => {
            body.extend(b"}\x94(");
            push_str("one", &mut body);
            push_int(one, &mut body);
            push_str("two", &mut body);
            push_str(two, &mut body);
            body.push(b'u');
        }
    }
    body.push(b'.');
    let mut out = b"\x80\x04".to_vec();
    // Shorter ones get no frame.
    if body.len() >= 4 {
        out.push(0x95);
        out.extend((body.len() as u64).to_le_bytes());
    }
    out.append(&mut body);
    out
}

fn push_int(number: u32, out: &mut Vec<u8>) {
    match (u8::try_from(number), u16::try_from(number)) {
        (Ok(byte), _) => out.extend([b'K', byte]),
        (_, Ok(short)) => {
            out.push(b'M');
            out.extend(short.to_le_bytes());
        }
        // Up to 2^31, which is more than the dataset has.
        _ => {
            out.push(b'J');
            out.extend(number.to_le_bytes());
        }
    }
}

/// Up to 255 bytes, which is more than the dataset has; and it is remembered, as Python does.
fn push_str(text: &str, out: &mut Vec<u8>) {
    out.extend([0x8c, text.len().to_le_bytes()[0]]);
    out.extend(text.as_bytes());
    out.push(0x94);
}
