#!/usr/bin/env bash
# Brings the Python packages whose caches larder shares, each set into a virtual environment:
#
#   tests/python.sh          target/python/{current,before}/bin/python
#
# From PyPI, in the versions of tests/python/{current,before}.txt. What is there already stays, unless its
# list has changed. PYTHON names another interpreter than python3 (3.10 or later).
set -euo pipefail
cd "$(dirname "$0")/.."

# bring NAME
bring() {
  local list=tests/python/$1.txt dest=target/python/$1
  ! cmp -s "$list" "$dest/installed.txt" || return 0
  echo "   $1"
  rm -rf "$dest"
  "${PYTHON:-python3}" -m venv "$dest"
  # The lists are complete.
  "$dest/bin/python" -m pip install -q --disable-pip-version-check --no-deps -r "$list"
  cp "$list" "$dest/installed.txt"
}

mkdir -p target/python
bring current
bring before
