#!/usr/bin/env python3
"""Turns the figures of `cargo bench` into docs/benchmarks.md, its charts, and the tables of the README.

    benches/figures.py          after `cargo bench`, which writes target/figures/*.json
    benches/figures.py --check  whether what is written down is what the figures say

The figures of the run that is written down are kept in docs/figures/*.json, so that everybody can make the
same tables of them without a run. Needs nothing but Python.
"""
import html
import json
import pathlib
import re
import shutil
import sys

BENCHES = pathlib.Path(__file__).resolve().parent
ROOT = BENCHES.parent
DOCS = ROOT / "docs"
KEPT = DOCS / "figures"
FRESH = BENCHES / "target" / "figures"

# Tables and columns of the README.
COLD, OVER = "A missing key", "over a creation, ms"

ABOUT = {
    "hit": "Keys of 11 bytes by Zipf's law with exponent 0.99, all of them there, asked for in a task: 100,000, of which "
    "most are not in the processor's caches, and 1000, which are; room for twice as many. Everybody is filled in the "
    "order of the keys, which is not that of their popularity, is called as its users call it, and has its own "
    "protection against stampedes and, where it says so, a lifetime of an hour. moka and foyer have the hasher that "
    "larder and quick_cache have, cached the lock and hitbox the format that were fastest here. "
    "dogpile.cache runs in a process of its own and measures itself. Allocations are those of a call; two threads "
    "take the time of the slower one.",
    "stampede": "A thousand tasks on two threads ask at once; a creation takes 50 ms. Creations and callers without a value "
    "are the most of all rounds, times the median; dogpile.cache has a thousand threads, once. `not served` are "
    "errors, panics and five seconds without an answer; the task that is dropped, or whose own creation panics, is not "
    "counted. Where somebody has to create anew, the time of the creation that came to nothing is taken off, too: below "
    "zero is who had no need to, or gave up.",
    "stack": "Each level beside the one below it; the whole Redis stack beside the same client, codec and check by hand. "
    "Instructions are counted by valgrind, and so are exact to about 2 %; the guard of "
    "`cargo bench --bench stack -- --check` compares them with `benches/stack/instructions.json`.",
    "codec": "What a value becomes, and how long that takes: small is a number, struct has five fields, list 50 rows of text "
    "and numbers. Ratios are to rmp-serde by hand.",
    "batch": "A thousand keys in one call and in a thousand, warm, half warm and cold, on one Redis and on a cluster of three. "
    "By hand is MGET, then one pipeline of SETs, without any lock.",
    "scale": "Memory is what was asked of the allocator, for File the size of its file. Hits are those of a Zipf trace over "
    "100,000 keys, where there is room for a share of them; the best choice knows the popular keys in advance.",
    "coherence": "Two processes with a tier of their own over one Redis; one writes, the other reads all the time.",
}

ORDER = list(ABOUT)


def number(value, digits=None):
    """With as many digits as mean something."""
    if value is None:
        return ""
    if digits is not None and not isinstance(value, str):
        value = round(value, digits)
    if isinstance(value, (str, bool)):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return (f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}").rstrip("0").rstrip(".")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def code(name):
    return f"`{name}`" if "<" in name or "#[" in name else name


def timed(of):
    """A table whose rows were measured in turn."""
    unit = of["unit"]
    counted = any(row["allocations"] is not None for row in of["rows"])
    others = list(dict.fromkeys(name for row in of["rows"] for name in row["figures"]))
    head = ["", "ratio", f"median, {unit}", f"best, {unit}"] + ["allocations", "bytes"] * counted
    rows = []
    for row in of["rows"]:
        cells = [code(row["name"]), f"{row['ratio']:.2f}", number(row["median"]), number(row["best"])]
        if counted:
            cells += [number(row["allocations"], 2), number(row["bytes"], 0)]
        for name in others:
            figure = row["figures"].get(name)
            cells.append("" if figure is None else beside(figure))
        rows.append(cells)
    head += others
    calls = f"{of['rounds']} rounds of {of['calls']:,} calls"
    return f"**{of['title']}** ({calls}, in turn)\n\n{table(head, rows)}\n"


def beside(figure):
    """A value, and what it is to that of the first row."""
    ratio = figure.get("ratio")
    return number(figure["value"], 1) + (f" ({ratio:.2f})" if ratio is not None else "")


def plain(of):
    """Rows of anything."""
    columns = [key for key in of["rows"][0] if key != "name"]
    head = [""] + columns
    rows = [[code(str(row["name"]))] + [number(row.get(key), 2) for key in columns] for row in of["rows"]]
    return f"**{of['title']}**\n\n{table(head, rows)}\n"


STYLE = """<style>
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #24292f }
.head { font: 600 15px system-ui, sans-serif }
.note { font: 12px system-ui, sans-serif; fill: #57606a }
.end { text-anchor: end }
.bare { fill: #8c959f } .larder { fill: #0969da } .peer { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .note { fill: #8b949e }
.bare { fill: #6e7681 } .larder { fill: #4493f8 } .peer { fill: #d29922 }
}
</style>"""


def bars(title, note, rows):
    """Bars, shorter is better: (name, value, text). Those that do not fit are cut, and say so."""
    left, full, row_height, top = 470, 300, 21, 62
    shown = sorted(value for _, value, _ in rows)
    most = min(shown[-1], 3.2 * shown[len(shown) // 2]) or 1
    height = top + len(rows) * row_height + 12
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 920 {height}" width="920" height="{height}" '
        f'role="img" aria-label="{html.escape(title)}">', STYLE,
        f'<text class="head" x="12" y="24">{html.escape(title)}</text>',
        f'<text class="note" x="12" y="44">{html.escape(note)}</text>',
    ]
    for at, (name, value, text) in enumerate(rows):
        y = top + at * row_height
        kind = "larder" if name.startswith("larder") else "bare" if "quick_cache" in name else "peer"
        length = max(1.0, min(value, most) / most * full)
        out.append(f'<text class="end" x="{left - 10}" y="{y + 13}">{html.escape(name)}</text>')
        out.append(f'<rect class="{kind}" x="{left}" y="{y + 2}" width="{length:.1f}" height="15"/>')
        if value > most:
            out.append(f'<path class="{kind}" d="M{left + full} {y + 2} l8 7.5 l-8 7.5 z"/>')
        out.append(f'<text x="{left + length + 14:.1f}" y="{y + 14}">{html.escape(text)}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def charts(name, report):
    """The pictures of one benchmark: file name and text."""
    if name == "hit":
        for of in report["tables"]:
            slug = "hit-" + re.sub(r"[^a-z0-9]+", "-", of["title"].lower()).strip("-")
            rows = [(row["name"], row["ratio"], f"{row['ratio']:.2f}") for row in of["rows"]]
            note = f"time of a hit; 1 = quick_cache's get, {of['rows'][0]['median']:.0f} ns in this run; shorter is better"
            yield f"{slug}.svg", bars("A hit: " + of["title"], note, rows)
    if name == "stampede":
        of = report["figures"][COLD]
        rows = [(row["name"], row[OVER], f"{row[OVER]:.1f} ms, {number(row['creations'])} created") for row in of["rows"]]
        note = "how much longer than one creation until all 1000 tasks have the value; shorter is better"
        yield "stampede.svg", bars("1000 tasks, one missing key", note, rows)


def versions():
    """What was compared."""
    lock = (BENCHES / "Cargo.lock").read_text()
    names = ["quick_cache", "moka", "foyer", "cached", "cachet", "hitbox"]
    found = [re.search(rf'name = "{name}"\nversion = "(.*?)"', lock) for name in names]
    said = [f"{name} {match[1]}" for name, match in zip(names, found) if match]
    python = (ROOT / "tests" / "python" / "current.txt").read_text()
    return ", ".join(said) + " and dogpile.cache " + re.search(r"^dogpile.cache==(.*)$", python, re.M)[1]


def document(reports):
    """docs/benchmarks.md."""
    first = next(iter(reports.values()))
    out = [
        "# Benchmarks\n",
        "Made by `benches/figures.py` from `docs/figures/*.json`, which a run of `benches/run.sh` wrote; do not "
        "edit it.\n",
        f"{first['date']}, {first['rustc']}, {first['cores']} cores of {first['processor']}, a shared virtual machine. "
        "The ratio is that to the first row of the same table, round by round, where all rows take turns; "
        "nanoseconds of another machine, or of another hour, are others.\n",
        f"The others are {versions()}.\n",
    ]
    for name, report in reports.items():
        out.append(f"## `{name}`\n")
        out.append(ABOUT[name] + "\n")
        pictures = [file for file, _ in charts(name, report)]
        out += [f"![]({pathlib.Path('figures') / file})\n" for file in pictures]
        out += [timed(of) for of in report["tables"]]
        out += [plain(of) for of in report["figures"].values() if isinstance(of, dict) and of.get("rows")]
    return "\n".join(out)


PEERS = ["larder", "moka", "foyer", "cached", "cachet", "hitbox", "dogpile.cache"]


def comparison(reports):
    """The table of the README: figures of everybody on the same work."""
    hit = {of["title"]: of["rows"] for of in reports["hit"]["tables"]}
    rush = {name: of["rows"] for name, of in reports["stampede"]["figures"].items()}
    dropped, panics = [rush[name] for name in rush if name != COLD]
    lines = []

    def line(title, rows, show):
        cells = [[row for row in rows if row["name"].startswith(peer) and within(row)] for peer in PEERS]
        lines.append([title] + [show(cell) if cell else "" for cell in cells])

    # larder's cell is the stack that the others are like; of theirs, the best that they can do.
    def within(row):
        return not row["name"].startswith("larder") or "Logging<Memo" in row["name"]

    ratio = lambda rows: f"{min(row['ratio'] for row in rows):.2f}"
    least = lambda key, digits=0: lambda rows: number(min((row[key] for row in rows if row[key] is not None), default=None), digits)
    one, two = hit["A struct of five fields, 1 thread"], hit["A struct of five fields, 2 threads"]
    warm, blob = hit["A struct of five fields, 1 thread, a thousand keys"], hit["100 bytes, 1 thread"]
    line("a hit, a struct (1 = quick_cache's bare `get`)", plain_of(one), ratio)
    line("a hit, 100 bytes", plain_of(blob), ratio)
    line("a struct, of a thousand keys", plain_of(warm), ratio)
    line("a struct, with a lifetime", expiring(one), ratio)
    line("a struct, on two threads", plain_of(two), ratio)
    line(".. with a lifetime", expiring(two), ratio)
    line("allocations of a hit", one, least("allocations", 2))
    line("1000 tasks, one missing key: creations", rush[COLD], least("creations"))
    line("until all have it, ms beyond the creation", rush[COLD], least(OVER, 1))
    line("the first task is dropped: creations", dropped, least("creations"))
    line(".. others without a value", dropped, least("not served"))
    line("the first creation panics: others without a value", panics, least("not served"))
    return table([""] + PEERS, lines)


def expiring(rows):
    return [row for row in rows if "lifetime" in row["name"] or "Python" in row["name"]]


def plain_of(rows):
    return [row for row in rows if row not in expiring(rows)]


def campaign(figures):
    """The fuzzing campaign."""
    rows = [[row["target"], number(row["executions"]), number(row["edges"]), number(row["findings"])] for row in figures["targets"]]
    total = sum(row["executions"] for row in figures["targets"])
    found = sum(row["findings"] for row in figures["targets"])
    rows.append(["**all**", number(total), "", number(found)])
    return table(["target", "executions", "edges", "findings"], rows)


def coherence(report):
    """How long copies outlive a write, for the README."""
    [of] = report["figures"].values()
    columns = [key for key in of["rows"][0] if key not in ("name", "ratio")]
    return table([""] + columns, [[row["name"]] + [number(row[key]) for key in columns] for row in of["rows"]])


def between(text, name, body):
    """`text` with `body` between the marks of `name`."""
    marks = re.compile(rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)", re.S)
    if not marks.search(text):
        sys.exit(f"README.md has no place for the figures of {name}")
    return marks.sub(lambda match: match[1] + "\n" + body + "\n\n" + match[2], text)


def main():
    check = "--check" in sys.argv
    if not check:
        KEPT.mkdir(parents=True, exist_ok=True)
        for path in sorted(FRESH.glob("*.json")):
            shutil.copy(path, KEPT / path.name)
    reports = {path.stem: json.loads(path.read_text()) for path in KEPT.glob("*.json")}
    reports = {name: reports[name] for name in sorted(reports, key=lambda name: (ORDER + [name]).index(name))}
    made = {DOCS / "benchmarks.md": document(reports)}
    for name, report in reports.items():
        for file, text in charts(name, report):
            made[KEPT / file] = text
    readme = between((ROOT / "README.md").read_text(), "comparison", comparison(reports))
    readme = between(readme, "coherence", coherence(reports["coherence"]))
    fuzz = ROOT / "fuzz" / "figures.json"
    if fuzz.exists():
        readme = between(readme, "fuzzing", campaign(json.loads(fuzz.read_text())))
    made[ROOT / "README.md"] = readme
    other = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if check:
        for path in other:
            print(f"{path.relative_to(ROOT)} is not what the figures say: run benches/figures.py", file=sys.stderr)
        sys.exit(1 if other else 0)
    for path in other:
        path.write_text(made[path])
        print(f"   wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
