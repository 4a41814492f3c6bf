use super::*;

#[tokio::test]
async fn an_entry_may_have_a_lifetime_of_its_own() {
    let time = start();
    let region: Region<Framed<Json<Memory>>> =
        Region::builder(Memory::new().with_clock(time.clock()).json().framed())
            .expire_after(secs(10))
            .clock(time.clock())
            .build()
            .unwrap();
    region.with_ttl(secs(2)).set("short", 1_u8).await.unwrap();
    region.with_ttl(secs(100)).set("long", 2_u8).await.unwrap();
    time.advance(secs(3));
    assert_eq!(region.get_multi::<u8>(["short", "long"]).await.unwrap(), [None, Some(2)]);
    assert!(region.entry::<u8>("short").await.unwrap().unwrap().is_stale());
    time.advance(secs(90));
    assert_eq!(region.get::<u8>("long").await.unwrap(), Some(2));
    assert_eq!(region.entry::<u8>("short").await.unwrap(), None);
}

#[tokio::test]
async fn a_format_without_time_lives_as_long_as_the_store_keeps_it() {
    let time = start();
    let region: Region<NoMeta<Json<Memory>>> =
        Region::builder(Memory::new().with_clock(time.clock()).json().no_meta())
            .expire_after(secs(10))
            .clock(time.clock())
            .build()
            .unwrap();
    region.set("k", 1_u8).await.unwrap();
    time.advance(secs(10));
    let found = region.entry::<u8>("k").await.unwrap().unwrap();
    assert_eq!((found.age(), found.is_stale()), (None, false));
    time.advance(Duration::from_micros(1));
    assert_eq!(region.entry::<u8>("k").await.unwrap(), None);
}

/// A backend without any lifetime.
struct Plain(Memory);

impl Level for Plain {
    async fn remove(&self, key: Key<'_>) -> Result<()> {
        self.0.remove(key).await
    }
}

impl Backend for Plain {
    async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>> {
        self.0.get(key).await
    }

    async fn set(&self, key: Key<'_>, value: Bytes, _: WriteOpts<'_>) -> Result<()> {
        self.0.set(key, value, WriteOpts::default()).await
    }
}

#[test]
fn what_the_stack_cannot_keep_is_refused_when_the_region_is_built() {
    fn refused<S: Level + std::fmt::Debug>(builder: RegionBuilder<S>, hint: &str) {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(hint), "{error}");
    }
    fn json() -> Json<Memory> {
        Memory::new().json()
    }
    let ms = Duration::from_millis;
    refused(Region::builder(json().int_time()).expire_after(ms(999)), "whole seconds");
    refused(Region::builder(json().framed()).expire_after(ms(999)), "whole seconds");
    refused(Region::builder(json().int_time()).expire_after(secs(0)), "zero");
    refused(Region::builder(json().int_time()).keep_for(secs(0)), "zero");
    refused(Region::builder(json().int_time()).wait_timeout(secs(0)), "zero");
    let short = Region::builder(json().int_time()).expire_after(secs(10)).keep_for(secs(9));
    refused(short, "shorter");
    let both = Region::builder(json().no_meta()).expire_after(secs(10)).keep_for(secs(20));
    refused(both, "not both");
    let both = Region::builder(json().no_meta()).expire_after(secs(10)).keep_forever();
    refused(both, "not both");

    assert!(Region::builder(json().full_dict()).expire_after(ms(1)).build().is_ok());
    assert!(Region::builder(Memo::<u8>::new()).expire_after(ms(1)).build().is_ok());
    assert!(Region::builder(json().int_time()).expire_after(secs(1)).build().is_ok());
    assert!(Region::builder(Null.json().no_meta()).expire_after(secs(1)).build().is_ok());
}

#[test]
fn stores_without_a_lifetime_are_refused_where_one_is_needed() {
    use larder::{Always, Hstore, Never};

    let plain = || Plain(Memory::new()).json();
    let kind = |result: Result<()>| result.unwrap_err().kind();
    let no_meta = Region::builder(plain().no_meta()).expire_after(secs(1)).build().map(drop);
    assert_eq!(kind(no_meta), ErrorKind::Config);
    let kept = Region::builder(plain().int_time()).keep_for(secs(1)).build().map(drop);
    assert_eq!(kind(kept), ErrorKind::Config);
    // Without an explicit physical lifetime there is nothing to refuse.
    assert!(Region::builder(plain().int_time()).expire_after(secs(1)).build().is_ok());

    let always = Hstore::<_, Always>::with_policy(Memory::new()).json().no_meta();
    let always = Region::builder(always).expire_after(secs(1)).build().map(drop);
    assert_eq!(kind(always), ErrorKind::Config);
    let never = Hstore::<_, Never>::with_policy(Memory::new()).json().no_meta();
    let never = Region::builder(never).expire_after(secs(1)).build().map(drop);
    assert_eq!(kind(never), ErrorKind::Config);
    let on_create = Memory::new().hstore().json().no_meta();
    assert!(Region::builder(on_create).expire_after(secs(1)).build().is_ok());
}
