//! A transform that says nothing about its configuration.
use larder::*;

struct Plain;

impl Transform for Plain {
    fn seal(&self, plain: Bytes) -> Result<Bytes> {
        Ok(plain)
    }

    fn open(&self, sealed: Bytes) -> Result<Bytes> {
        Ok(sealed)
    }
}

type Notes = Region<IntTime<Json<Transformed<Plain, Memory>>>>;

fn main() {
    let config = Config::default();
    let _ = Regions::builder(&config).region::<Notes>("notes");
}
