#!/usr/bin/env bash
# Brings the newer servers that the tests talk to, where the system has none:
#
#   tests/servers.sh          target/servers/{redis-8,valkey-8,valkey-9}/bin
#
# From Debian's mirror, through apt with a state of its own, so that apt checks signatures and sums while
# nothing is installed on this system: each folder holds a server with its own C library and loader. What
# is there already stays. Elsewhere than on Debian and its kin, put servers of your own there.
set -euo pipefail
cd "$(dirname "$0")/.."

servers=target/servers
# The mirror that this machine uses already.
mirror=$({ sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources
           sed -nE 's/^deb (\[[^]]*\] )?([^ ]+) .*/\2/p' /etc/apt/sources.list; } 2>/dev/null | head -1 || true)
mirror=${mirror:-http://deb.debian.org/debian}

# bring NAME SUITE PACKAGE..
bring() {
  local name=$1 suite=$2 dest=$servers/$1
  shift 2
  [ ! -e "$dest/bin" ] || return 0
  echo "   $name"
  rm -rf "$dest" "$dest.new"
  mkdir -p "$dest.new"/{apt/lists/partial,apt/archives/partial,all,root/usr/bin,bin.new}
  download "$(cd "$dest.new/apt" && pwd)" "$suite" "$@"
  local deb
  for deb in "$dest.new"/apt/archives/*.deb; do dpkg-deb -x "$deb" "$dest.new/all"; done
  keep_what_runs "$dest.new"
  rm -rf "$dest.new/all" "$dest.new/apt"
  mv "$dest.new/bin.new" "$dest.new/bin"
  mv "$dest.new" "$dest"
}

# download STATE SUITE PACKAGE..: the packages and all they depend on, verified, but not installed.
download() {
  local state=$1 suite=$2
  shift 2
  : >"$state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
  cat >"$state/apt.conf" <<CONF
Dir::State "$state"; Dir::State::status "$state/status"; Dir::State::lists "$state/lists"; Dir::Cache "$state";
Dir::Etc::sourcelist "$state/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root"; APT::Install-Recommends "false"; Acquire::Languages "none"; Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
CONF
  APT_CONFIG=$state/apt.conf apt-get -qq update
  APT_CONFIG=$state/apt.conf apt-get -qq -y -d install "$@" >/dev/null
}

# keep_what_runs DEST: the servers, the loader and the libraries, and a starter for each server.
keep_what_runs() {
  local dest=$1 all=$1/all libraries loader file program
  libraries=$(basename "$(ls -d "$all"/usr/lib/*-linux-gnu* | head -1)")
  mkdir -p "$dest/root/lib"
  for file in "$all/usr/lib/$libraries"/*.so* "$all/lib/$libraries"/*.so*; do
    if [ -f "$file" ]; then cp -P "$file" "$dest/root/lib/"; fi
  done
  loader=$(find "$all" -name 'ld-linux-*.so.*' | head -1)
  cp -L "$all/usr/lib/$libraries/$(basename "$loader")" "$dest/root/lib/" 2>/dev/null || cp -L "$loader" "$dest/root/lib/"
  loader=$(basename "$loader")
  for program in redis-server redis-cli redis-sentinel valkey-server valkey-cli valkey-sentinel; do
    file=$all/usr/bin/$program
    [ -e "$file" ] || [ -L "$file" ] || continue
    cp -P "$file" "$dest/root/usr/bin/"
    cat >"$dest/bin.new/$program" <<STARTER
#!/bin/sh
here=\$(cd "\$(dirname "\$(readlink -f "\$0")")/.." && pwd)
exec "\$here/root/lib/$loader" --argv0 $program --library-path "\$here/root/lib" "\$here/root/usr/bin/$program" "\$@"
STARTER
    chmod +x "$dest/bin.new/$program"
  done
  for program in redis-check-rdb valkey-check-rdb; do
    [ ! -e "$all/usr/bin/$program" ] || cp "$all/usr/bin/$program" "$dest/root/usr/bin/"
  done
}

mkdir -p "$servers"
if ! command -v apt-get >/dev/null || ! [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
  for name in redis-8 valkey-8 valkey-9; do
    [ -e "$servers/$name/bin" ] || echo "no $servers/$name/bin: put the programs of that server there" >&2
  done
  exit 0
fi
bring redis-8 trixie redis-server redis-tools redis-sentinel
bring valkey-8 trixie valkey-server valkey-tools valkey-sentinel
bring valkey-9 forky valkey-server valkey-tools valkey-sentinel
