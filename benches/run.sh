#!/usr/bin/env bash
# Every figure of the README and of docs/benchmarks.md, from nothing.
#
#   benches/run.sh          runs all benchmarks (a quarter of an hour on two cores) and writes the tables
#
# Close what else runs on the machine: ratios bear a busy one, but only so far. The Python original is
# measured, too, if `tests/python.sh` can bring it.
set -euo pipefail
cd "$(dirname "$0")"
../tests/python.sh || echo "no Python packages: the rows of the Python original are left out" >&2
cargo bench
./figures.py
