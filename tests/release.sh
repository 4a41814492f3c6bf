#!/usr/bin/env bash
# What has to hold before a release, beside tests/run.sh. Brings the tools that it needs (cargo install).
#
#   tests/release.sh            everything
#   tests/release.sh STEP..     of: package features minimal msrv deny semver benches
#
# `msrv` wants the oldest compiler, and brings it with rustup where there is a network for that. `deny` reads
# the advisories of RustSec from GitHub; ADVISORIES=FOLDER takes a clone of theirs instead.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

tool() {
  command -v "$1" >/dev/null || { step "installing $1"; cargo install --locked "$1"; }
}

# A copy of what is in git, to play with.
copied() {
  rm -rf target/release-check
  mkdir -p target/release-check
  git ls-files -z | tar -c --null -T - | tar -x -C target/release-check
}

# Both crates as they would be uploaded, built from that.
package() {
  cargo package --workspace "$@"
  cargo package --workspace --list "$@" | grep -E '^(\.ci|benches|fuzz)/' && { echo "these are no part of it" >&2; return 1; }
  return 0
}

features() {
  tool cargo-hack
  cargo hack check -q --each-feature --no-dev-deps --workspace
}

# With the oldest versions of its own dependencies that Cargo.toml allows.
minimal() {
  copied
  (
    cd target/release-check
    # What only tests need may be as new as it is.
    tool cargo-hack
    # Only to choose the versions: what is built is built as by everybody.
    RUSTC_BOOTSTRAP=1 cargo hack --remove-dev-deps --workspace update -q -Z direct-minimal-versions
    CARGO_TARGET_DIR=../minimal cargo hack check -q --workspace --all-features --no-dev-deps
  )
}

msrv() {
  local oldest
  oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  if ! rustup toolchain list | grep -q "^$oldest" && ! rustup toolchain install "$oldest" --profile minimal; then
    echo "Rust $oldest is not here and can't be brought: only clippy and tests/run.sh have looked at it" >&2
    return 1
  fi
  cargo "+$oldest" check -q --workspace --all-features --target-dir target/msrv
}

deny() {
  tool cargo-deny
  if [ -n "${ADVISORIES:-}" ]; then
    local home
    home=$(mktemp -d)
    # Where it would clone them to.
    git clone -q "$ADVISORIES" "$home/advisory-db-3157b0e258782691"
    sed "s#^\[advisories\]#&\ndb-path = \"$home\"#" deny.toml >"$home/deny.toml"
    cargo deny --offline --config "$home/deny.toml" check
    rm -rf "$home"
  else
    cargo deny check
  fi
}

# Against the last release.
semver() {
  local last
  last=$(git describe --tags --match 'v*' --abbrev=0 2>/dev/null) || { echo "   no release yet to compare with"; return 0; }
  tool cargo-semver-checks
  cargo semver-checks --workspace --all-features --baseline-rev "$last"
}

# They are a workspace of their own, which tests/run.sh builds in part.
benches() {
  cargo clippy -q --manifest-path benches/Cargo.toml --all-targets -- -D warnings
  cargo test -q --manifest-path benches/Cargo.toml --lib
}

for name in ${*:-package features minimal msrv deny semver benches}; do
  step "$name"
  "$name"
done
step "fit for a release"
