use super::{About, Described, Table, Value, about::Slot, node::Node, setting::Told, table::short};

/// All that is wrong with `table` for what `about` tells.
pub(super) fn problems(table: &Table<'_>, about: &About) -> Vec<String> {
    let mut problems = Vec::new();
    if about.has_nameless_side() {
        problems.push(format!(
            "{}: a side of an `Either` has no name to choose it by; its `describe` has to call \
             `About::backend` or `About::lock`",
            table.spot("", table.node)
        ));
    }
    for slot in Slot::ALL {
        problems.extend(choice(table, about, slot));
    }
    let (all, mut active) = (about.settings(), about.active(&|slot| chosen(table, slot)));
    // Those of the slots stand beside the sides.
    active.extend(all.iter().filter(|setting| is_slot(setting)));
    for (n, setting) in active.iter().enumerate() {
        let given = |name: &'static str| table.node.below.get_key_value(name);
        let taken = |name: &&str| {
            active[..n].iter().any(|other| other.told.names().any(|taken| taken == *name))
        };
        if let Some((name, node)) = setting.told.names().filter(taken).find_map(given) {
            problems.push(format!(
                "{}: two levels of this region understand it, each in its own way",
                table.spot(name, node)
            ));
            continue;
        }
        problems.extend(judge(table, setting));
    }
    let known: Vec<&str> = all.iter().flat_map(|setting| setting.told.names()).collect();
    let unknown: Vec<(&String, &Node)> =
        table.node.below.iter().filter(|(name, _)| !known.contains(&name.as_str())).collect();
    for (name, node) in &unknown {
        let meant = similar(name, known.iter().copied());
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        problems.push(format!("{}: unknown setting{meant}", table.spot(name, node)));
    }
    // With the last of them, since it is no problem of its own.
    if let (false, Some(last)) = (unknown.is_empty(), problems.last_mut()) {
        let mut names: Vec<&str> = Vec::new();
        for name in all.iter().map(Described::name) {
            // One name may have a meaning on each side of an `Either`.
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let at = table.spot("", &Node::default());
        let understood = format!("\n  {at} understands {}", listed(names.into_iter()));
        last.push_str(&understood);
    }
    problems
}

/// The name that was chosen.
pub(super) fn chosen(table: &Table<'_>, slot: Slot) -> Option<String> {
    let node = table.node.below.get(slot.setting().told.name)?;
    node.value.as_ref().and_then(Value::as_text).map(str::to_owned)
}

fn is_slot(setting: &Described) -> bool {
    Slot::ALL.into_iter().any(|slot| slot.setting().told == setting.told)
}

/// What is wrong with the choice of a backend or a lock.
fn choice(table: &Table<'_>, about: &About, slot: Slot) -> Option<String> {
    let (names, told) = (about.names(slot), &slot.setting().told);
    let (first, more) = names.split_first()?;
    let twice = names.iter().enumerate().find(|(n, name)| names[..*n].contains(name));
    if let (Some((_, name)), true) = (twice, about.leaves_choice(slot)) {
        let at = table.spot(told.name, &Node::default());
        return Some(format!("{at}: both sides of an `Either` are called `{name}`"));
    }
    let Some(node) = table.node.below.get(told.name) else {
        let at = table.spot(told.name, &Node::default());
        let names = listed(names.iter().copied());
        return (!more.is_empty()).then(|| format!("{at}: missing; choose one of {names}"));
    };
    // What is no text is told like every other wrong value.
    let name = node.value.as_ref()?.as_text()?;
    if names.contains(&name) {
        return None;
    }
    let at = table.spot(told.name, node);
    Some(if more.is_empty() {
        format!("{at}: the type of this region says `{first}`, not {}", shown(name))
    } else {
        format!("{at}: {} is none of {}", shown(name), listed(names.iter().copied()))
    })
}

/// A name that was given, unless it looks like a URL at the wrong place, which may have a password.
fn shown(name: &str) -> String {
    if name.contains([':', '@', '/']) { "this".to_owned() } else { format!("`{}`", short(name)) }
}

/// What is wrong with one setting.
fn judge(table: &Table<'_>, setting: &Described) -> Option<String> {
    let told = &setting.told;
    let mut given = table.names_given(told);
    let Some((name, node)) = given.next() else {
        return setting.required.then(|| missing(table, told));
    };
    if let Some((other, also)) = given.next() {
        let (one, two) = (table.spot(name, node), table.spot(other, also));
        return Some(format!("{one} and {two} are two names for one setting; keep one of them"));
    }
    let fits = node.below.is_empty() && node.value.as_ref().is_some_and(setting.takes);
    (!fits).then(|| unfit(table, told, name, node))
}

pub(super) fn missing(table: &Table<'_>, told: &Told) -> String {
    let at = table.spot(told.name, &Node::default());
    format!("{at}: missing; expected {}", told.expected)
}

pub(super) fn unfit(table: &Table<'_>, told: &Told, name: &str, node: &Node) -> String {
    let found = match &node.value {
        _ if !node.below.is_empty() => "a table".to_owned(),
        Some(value) if told.secret => value.describe().to_owned(),
        Some(value) => value.show(),
        None => "an empty table".to_owned(),
    };
    format!("{}: expected {}, found {found}", table.spot(name, node), told.expected)
}

/// `a`, `b`, `c`, each in backquotes.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(shown).collect();
    names.join(", ")
}

/// The one of `known` that was probably meant.
pub(super) fn similar<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > 64 {
        return None;
    }
    let near = known.map(|known| (distance(name, known), known));
    let (distance, nearest) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4).then_some(nearest)
}

/// How many letters have to be put in, left out or replaced.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut above = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.bytes().enumerate() {
            let replaced = above + usize::from(a != b);
            above = row[j + 1];
            row[j + 1] = replaced.min(above + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
