#!/usr/bin/env bash
# Everything that has to pass, on a machine that may have nothing but git and a network.
#
#   tests/run.sh          installs what is missing, then checks and tests
#
# On Debian and Ubuntu missing packages are installed with apt (through sudo unless you are root); on
# macOS it says what to install with brew. The tests start their own servers on ports and sockets of
# their own, and stop them.
set -euo pipefail
cd "$(dirname "$0")/.."

# What comes next, and after how long.
step() { printf '\n== %s (at %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

missing() {
  command -v redis-server >/dev/null || echo redis-server
  command -v memcached >/dev/null || echo memcached
  # There is none for macOS.
  [ "$(uname -s)" != Linux ] || command -v valgrind >/dev/null || echo valgrind
  command -v openssl >/dev/null || echo openssl
  command -v chromium >/dev/null || echo chromium
  command -v chromedriver >/dev/null || echo chromium-driver
  command -v cc >/dev/null || echo gcc libc6-dev
  python3 -c 'import ensurepip, sys; assert sys.version_info >= (3, 10)' 2>/dev/null || echo python3 python3-venv
  command -v cargo >/dev/null || command -v curl >/dev/null || echo curl ca-certificates
}

install_packages() {
  local packages
  packages=$(missing)
  [ -n "$packages" ] || return 0
  case $(uname -s) in
    Darwin)
      echo "Please install what is missing first:  xcode-select --install; brew install redis memcached openssl python rustup chromium chromedriver" >&2
      exit 1 ;;
  esac
  if ! command -v apt-get >/dev/null; then
    echo "Please install these, by the names your system has for them: $packages" >&2
    exit 1
  fi
  step "installing $(echo $packages)"
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
  case $packages in
    # Debian starts a server at once; the tests start their own.
    *redis-server*) "${as_root[@]}" service redis-server stop >/dev/null 2>&1 || true ;;
  esac
  case $packages in
    *memcached*) "${as_root[@]}" service memcached stop >/dev/null 2>&1 || true ;;
  esac
}

install_rust() {
  export PATH="$HOME/.cargo/bin:$PATH"
  if ! command -v cargo >/dev/null; then
    step "installing Rust with rustup"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y --profile minimal --component clippy,rustfmt
  fi
  cargo --version
}

# Each feature by itself must compile: features add, they never need each other.
each_feature() {
  cargo check -q --no-default-features
  local feature
  for feature in $(sed -n '/^\[features\]/,/^\[dep/s/^\([a-z-]*\) = .*/\1/p' Cargo.toml); do
    echo "   $feature"
    cargo check -q --no-default-features --features "$feature"
  done
}

# With the oldest compiler, if it is here. Without it, clippy still knows which parts of the standard
# library are too new (`incompatible_msrv`), and this asks every dependency for its own oldest one.
oldest_rust() {
  local msrv
  msrv=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  if rustup toolchain list 2>/dev/null | grep -q "^$msrv"; then
    cargo "+$msrv" check -q --all-features
    echo "   compiles with Rust $msrv"
    return
  fi
  local too_new
  too_new=$(
    {
      # Only what users compile; the tests may need newer ones.
      cargo tree --all-features -e normal,build --prefix none -f '{p}' | awk '{ print "used", $1, substr($2, 2) }'
      cargo metadata -q --format-version 1 --all-features | sed 's/{"name":/\n&/g' | awk -F'"' '
        /^{"name":"[^"]*","version":"/ { package = $4 " " $8 }
        match($0, /"rust_version":"[^"]*"/) { print "needs", package, substr($0, RSTART + 16, RLENGTH - 17) }'
    } | awk -v msrv="$msrv" '
      $1 == "used" { used[$2 " " $3] = 1 }
      $1 == "needs" && used[$2 " " $3] {
        split($4, v, "."); split(msrv, m, ".")
        if (v[1] + 0 > m[1] + 0 || (v[1] == m[1] && v[2] + 0 > m[2] + 0)) print $2, $3, "needs", $4
        checked++
      }
      END { if (!checked) print "nothing could be checked" }'
  )
  if [ -n "$too_new" ]; then
    echo "these need a newer Rust than $msrv:" "$too_new" >&2
    exit 1
  fi
  echo "   no dependency needs more than Rust $msrv (that compiler itself is not installed here)"
}

tests() {
  # The census is run by its tests as a program.
  cargo build -q --all-features --examples
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --all-features --no-fail-fast
  else
    cargo test --workspace --all-features --lib --tests
  fi
}

# The interleavings of the region's flights, tried by a model checker: everything is compiled anew for
# it, so into a folder of its own.
interleavings() {
  RUSTFLAGS="--cfg shuttle" CARGO_PROFILE_DEV_DEBUG=0 \
    cargo test -q --test model --target-dir target/shuttle
}

# Benchmarks are not run here, but the instructions of hits are counted, and those of the README are those
# that were measured.
benchmarks() {
  benches/figures.py --check
  command -v valgrind >/dev/null || return 0
  cargo bench -q --manifest-path benches/Cargo.toml --no-default-features --bench stack -- --check
}

install_packages
install_rust
step "newer servers"; tests/servers.sh
step "Python";        tests/python.sh
step "format";        cargo fmt --all --check
step "each feature";  each_feature
step "oldest Rust";   oldest_rust
step "clippy";        cargo clippy -q --all-targets -- -D warnings
                      cargo clippy -q --workspace --all-targets --all-features -- -D warnings
step "docs";          RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps --all-features
step "tests";         tests
step "interleavings"; interleavings
step "doctests";      cargo test -q --doc --all-features
step "benchmarks";    benchmarks
step "all is well"
