//! `docs/settings.md` says what the code says, and the defaults told are those that hold.

use std::{fmt::Write, fs, path::Path};

use larder::{
    DbmLock, File, FileLock, Framed, FromConfig, IntTime, Json, Local, Memcached, MemcachedLock,
    Memo, Memory, NoMeta, Null, Prefix, Raw, Redis, RedisChannel, RedisCluster, RedisLock,
    RedisSentinel, Region, RequestScoped, SharedMarks, Tiered,
    config::{About, Described},
};

use crate::types::{Shared, Small, of};

const BEGIN: &str = "| setting | also | of | what | default | |\n|---|---|---|---|---|---|\n";

/// Every setting once for each meaning, with those who have it.
fn all() -> Vec<(Described, Vec<&'static str>)> {
    type Bare = Region<NoMeta<Raw<Null>>>;
    let mut all: Vec<(Described, Vec<&'static str>)> = Vec::new();
    let mut add = |level: &'static str, about: &About, but: &[Described]| {
        for setting in about.settings() {
            if but.iter().any(|known| known.name() == setting.name()) {
                continue;
            }
            match all.iter_mut().find(|(known, _)| {
                (known.name(), known.about()) == (setting.name(), setting.about())
            }) {
                Some((_, levels)) => levels.push(level),
                None => all.push((setting, vec![level])),
            }
        }
    };
    add("every region", &About::of::<Bare>(), &[]);
    let slots: Vec<Described> = About::of::<Bare>().settings();
    let redis = About::of::<Redis>().settings();
    add("`Memory`", &About::of::<Memory>(), &slots);
    add("`Memo`", &About::of::<Memo<u8>>(), &slots);
    add("`File`", &About::of::<File>(), &slots);
    add("`FileLock`", &About::of::<FileLock>(), &slots);
    add("`DbmLock`", &About::of::<DbmLock>(), &slots);
    add("`Redis`", &About::of::<Redis>(), &slots);
    add("`RedisCluster`", &About::of::<RedisCluster>(), &slots);
    add("`RedisSentinel`", &About::of::<RedisSentinel>(), &slots);
    add("`RedisLock`", &About::of::<RedisLock>(), &slots);
    add("`Memcached`", &About::of::<Memcached>(), &slots);
    add("`MemcachedLock`", &About::of::<MemcachedLock>(), &slots);
    add("`SharedMarks`", &About::of::<SharedMarks<Redis>>(), &redis);
    add("`RedisChannel`", &About::of::<RedisChannel>(), &redis);
    add("`Tiered`", &About::of::<Tiered<Null, Null>>(), &slots);
    add("`RequestScoped`", &About::of::<RequestScoped<Null>>(), &slots);
    add("`Prefixed`", &About::of::<Prefix>(), &slots);
    add("`Hashed`", &About::of::<larder::KeyHash>(), &slots);
    add("`Local`", &About::of::<Local>(), &slots);
    all
}

fn rows() -> String {
    let mut rows = BEGIN.to_owned();
    for (setting, levels) in all() {
        let also: Vec<String> = setting.also().iter().map(|name| format!("`{name}`")).collect();
        let default = match setting.default() {
            Some(default) => format!("`{default}`"),
            None if setting.is_required() => "required".to_owned(),
            None => String::new(),
        };
        let secret = if setting.is_secret() { " Never shown." } else { "" };
        let (name, levels, also) = (setting.name(), levels.join(", "), also.join(", "));
        let (expected, about) = (setting.expected(), setting.about());
        writeln!(
            rows,
            "| `{name}` | {also} | {levels} | {expected} | {default} | {about}{secret} |"
        )
        .unwrap();
    }
    rows
}

#[test]
fn the_table_is_the_one_in_the_documentation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, table) = text.split_once(BEGIN).expect("a table in docs/settings.md");
    let after = table.find("\n\n").map_or("", |end| &table[end + 1..]);
    let right = format!("{before}{}{after}", rows());
    if text == right {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, right).unwrap();
    } else {
        panic!(
            "docs/settings.md is not what the code says; BLESS=1 writes it. Right is:\n{}",
            rows()
        );
    }
}

/// A region that is given each of its defaults is the one that is given none.
fn defaults<R: FromConfig + std::fmt::Debug>(required: &[(&str, &str)]) {
    let mut written = required.to_vec();
    let about = About::of::<R>().settings();
    for setting in &about {
        assert_eq!(setting.is_required(), required.iter().any(|(name, _)| *name == setting.name()));
        if let Some(default) = setting.default() {
            written.push((setting.name(), default));
        }
    }
    assert!(written.len() > required.len() + 3);
    let (short, long) = (of::<R>(required).unwrap(), of::<R>(&written).unwrap());
    assert_eq!(format!("{short:?}"), format!("{long:?}"));
}

#[test]
fn the_defaults_told_are_those_that_hold() {
    type Plain = Region<IntTime<Json<Memory>>>;
    type Requests = Region<RequestScoped<IntTime<Json<Memory>>>>;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x").display().to_string();
    defaults::<Small>(&[]);
    defaults::<Shared>(&[("url", "redis://localhost")]);
    defaults::<Region<Framed<Json<File>>, FileLock>>(&[("path", &path)]);
    defaults::<Region<IntTime<Json<Memory>>, DbmLock>>(&[("path", &path)]);
    defaults::<Region<Framed<Json<Memcached>>, MemcachedLock>>(&[("url", "memcached://h")]);
    // And those of the builders.
    defaults::<Requests>(&[]);
    assert_eq!(format!("{:?}", of::<Requests>(&[]).unwrap()), format!("{:?}", Requests::default()));
    let few = format!("{:?}", of::<Requests>(&[("request_max_entries", "5")]).unwrap());
    assert!(few.contains("max_entries: 5"), "{few}");
    assert_eq!(
        format!("{:?}", of::<Plain>(&[("strict", "false")]).unwrap()),
        format!("{:?}", Plain::default())
    );
}
