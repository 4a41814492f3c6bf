#!/usr/bin/env bash
# A campaign: every target for its share of the time, and a table of what came of it.
#
#   fuzz/run.sh MINUTES              all targets; writes figures.json
#   fuzz/run.sh MINUTES TARGET..     only these
#
#   SANITIZER=address   with that sanitizer, at a third of the speed (default none: larder's code is safe)
#   FIGURES=FILE    where the figures go
#
# Goes on with the corpora of the last campaign, in corpus/. Findings are in artifacts/, and make it exit with 1.
# Ctrl-C ends it early; what was reached by then is printed and written all the same.
set -euo pipefail
cd "$(dirname "$0")"

# How much of the time each target gets: the state machines are slow, and have the most to find.
shares() {
  cat <<'END'
region 9
tiered 9
keys 9
codec_json 5
codec_msgpack 5
codec_msgpack_named 5
codec_pickle 5
codec_postcard 5
codec_raw 4
config_text 4
format_dogpile 3
format_framed 3
format_full_dict 3
format_int_time 3
format_no_meta 4
END
}

max_len() {
  case $1 in
    config_text) echo 4096 ;;
    keys | region | tiered) echo 256 ;;
    *) echo 1024 ;;
  esac
}

usage() {
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

case ${1:-} in '' | *[!0-9.]*) usage ;; esac
minutes=$1
shift
sanitizer=${SANITIZER:-none}
all=$(shares | cut -d' ' -f1)
targets=${*:-$all}
for target in $targets; do
  grep -qx "$target" <<<"$all" || { echo "no target $target; there are:" $all >&2; exit 2; }
done
# The figures of a few targets are none of a campaign.
figures=${FIGURES:-$([ $# = 0 ] && echo figures.json || echo target/campaign/figures.json)}

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "cargo-fuzz is missing:  cargo install cargo-fuzz" >&2
  exit 2
fi
toolchain=()
if rustc +nightly --version >/dev/null 2>&1; then
  toolchain=(+nightly)
else
  export RUSTC_BOOTSTRAP=1
fi
rustc=$(rustc "${toolchain[@]}" --version)
host=$(rustc "${toolchain[@]}" -vV | sed -n 's/^host: //p')

echo "building with $rustc, sanitizer $sanitizer"
cargo "${toolchain[@]}" fuzz build --sanitizer "$sanitizer"
work=$PWD/target/campaign
mkdir -p "$work"
rm -rf "$work"/*
for target in $targets; do
  # A copy: somebody may build while this runs.
  cp "target/$host/release/$target" "$work/"
done

python3 seeds.py corpus
for target in $targets; do
  mkdir -p "corpus/$target" "artifacts/$target"
  for input in "regressions/$target"/*; do
    [ -e "$input" ] && cp "$input" "corpus/$target/"
  done
done

started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
stopped=
trap 'stopped=1' INT TERM

# The last value of a figure in a log.
last() {
  local value
  value=$(sed -n "s/.*$2 *\([0-9][0-9]*\).*/\1/p" "$1" | tail -n 1)
  echo "${value:-0}"
}

# Runs one target for some seconds, again after each finding; leaves a line of figures.
run() {
  local target=$1 seconds=$2 log=$work/$1.log runs=0 found=0 begun=$SECONDS left executions
  local dictionary=()
  [ -e "dictionaries/$target" ] && dictionary=("-dict=dictionaries/$target")
  while left=$((seconds - (SECONDS - begun))) && [ "$left" -gt 0 ] && [ -z "$stopped" ] && [ "$found" -lt 5 ]; do
    "$work/$target" "corpus/$target" "${dictionary[@]}" "-artifact_prefix=artifacts/$target/" \
      "-max_len=$(max_len "$target")" "-max_total_time=$left" -timeout=10 -rss_limit_mb=2048 \
      -print_final_stats=1 -print_funcs=0 >/dev/null 2>"$log" &
    local pid=$! result=0 said=$SECONDS
    while kill -0 $pid 2>/dev/null; do
      # A signal for this script is one for the target, too.
      [ -z "$stopped" ] || kill -INT $pid 2>/dev/null || true
      sleep 1 || true
      if [ $((SECONDS - said)) -ge 60 ]; then
        said=$SECONDS
        echo "  $target $((SECONDS - begun)) of $seconds s: $(grep '^#' "$log" | tail -n 1)"
      fi
    done
    wait $pid || result=$?
    executions=$(last "$log" stat::number_of_executed_units:)
    # A target that was aborted has its count in its last line alone.
    [ "$executions" != 0 ] || executions=$(sed -n 's/^#\([0-9][0-9]*\).*/\1/p' "$log" | tail -n 1)
    runs=$((runs + ${executions:-0}))
    # 72 is libFuzzer interrupted.
    if [ "$result" != 0 ] && [ "$result" != 72 ] && [ -z "$stopped" ]; then
      found=$((found + 1))
      cp "$log" "$work/$target.finding-$found.log"
      echo "  $target: FINDING, see artifacts/$target"
      grep -m 3 -E 'panicked at|ERROR: libFuzzer|SUMMARY' -A 1 "$log" || true
    fi
  done
  local took=$((SECONDS - begun))
  [ "$took" -gt 0 ] || took=1
  echo "$target $runs $took $(last "$log" 'cov:') $(last "$log" 'ft:') $(find "corpus/$target" -type f | wc -l) $found" \
    >"$work/$target.figures"
}

# A table of what there is so far; the same as JSON.
table() {
  cat "$work"/*.figures | awk '
    BEGIN { printf "%-20s %13s %8s %8s %7s %9s %7s %9s\n", "target", "executions", "seconds", "per s", "edges", "features", "corpus", "findings" }
    { printf "%-20s %13d %8d %8d %7d %9d %7d %9d\n", $1, $2, $3, $2 / $3, $4, $5, $6, $7; n += $2; s += $3; f += $7 }
    END { printf "%-20s %13d %8d %8d %34d\n", "total", n, s, n / (s ? s : 1), f }'
}
json() {
  cat "$work"/*.figures | awk -v started="$started" -v rustc="$rustc" -v sanitizer="$sanitizer" '
    { line[NR] = sprintf("    {\"target\": \"%s\", \"executions\": %d, \"seconds\": %d, \"edges\": %d, \"features\": %d, \"corpus\": %d, \"findings\": %d}", $1, $2, $3, $4, $5, $6, $7); n += $2; f += $7 }
    END {
      printf "{\n  \"started\": \"%s\",\n  \"rustc\": \"%s\",\n  \"sanitizer\": \"%s\",\n", started, rustc, sanitizer
      printf "  \"executions\": %d,\n  \"findings\": %d,\n  \"targets\": [\n", n, f
      for (i = 1; i <= NR; i++) printf "%s%s\n", line[i], i < NR ? "," : ""
      print "  ]\n}"
    }' >"$figures"
}

# The script is read to its end before it takes its time: who edits it meanwhile changes the next campaign.
campaign() {
  sum=0
  for target in $targets; do sum=$((sum + $(shares | sed -n "s/^$target //p"))); done
  for target in $targets; do
    [ -z "$stopped" ] || break
    share=$(shares | sed -n "s/^$target //p")
    seconds=$(awk -v m="$minutes" -v s="$share" -v sum="$sum" 'BEGIN { n = int(m * 60 * s / sum); print (n > 1 ? n : 1) }')
    echo "$(date -u +%H:%M:%S) $target for $seconds s"
    run "$target" "$seconds"
    json
  done

  echo
  table
  json
  awk '{ found += $7 } END { exit found > 0 }' "$work"/*.figures
}
campaign; exit
