//! What layers that change keys, and a choice between two stacks, add to a hit.

use larder::{Either, LayerExt, Memo};
use larder_benches::User;

use crate::case::{Section, hits};

pub fn section() -> Section {
    Section::new("Under other keys: get_or_create")
        .case("Region<Memo<T>>", || hits(Memo::new().region()))
        .case("Prefixed", || hits(Memo::new().prefixed("application:").region()))
        .case("Versioned", || hits(Memo::new().versioned::<3>().region()))
        .case("Normalized", || hits(Memo::new().normalized().region()))
        .case("Hashed", || hits(Memo::new().hashed().region()))
        .case("no other key, Either<Memo<T>, Memo<T>>", || {
            hits(Either::<Memo<User>, Memo<User>>::First(Memo::new()).region())
        })
}
