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

ORDER = ["hit", "stampede", "stack", "levels", "instructions", "codec", "batch", "scale", "coherence"]


def number(value):
    """With as many digits as mean something."""
    if value is None:
        return ""
    if isinstance(value, (str, bool)):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def code(name):
    return f"`{name}`" if "<" in name or "#[" in name else name


def timed(of):
    """A table whose rows were measured in turn."""
    unit = of["unit"]
    head = ["", "ratio", f"median, {unit}", f"best, {unit}", "allocations", "bytes"]
    rows = [
        [code(row["name"]), f"{row['ratio']:.2f}", number(row["median"]), number(row["best"]),
         number(round(row["allocations"], 2)), number(round(row["bytes"]))]
        for row in of["rows"]
    ]
    calls = f"{of['rounds']} rounds of {of['calls']:,} calls"
    return f"**{of['title']}** ({calls}, in turn)\n\n{table(head, rows)}\n"


def plain(of):
    """Rows of anything."""
    columns = [key for key in of["rows"][0] if key != "name"]
    head = [""] + [key.replace("_", " ") for key in columns]
    rows = [[code(str(row["name"]))] + [number(row.get(key)) for key in columns] for row in of["rows"]]
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
    left, full, row_height, top = 470, 330, 21, 62
    shown = sorted(value for _, value, _ in rows)
    most = min(shown[-1], 8 * shown[len(shown) // 2] or 1) or 1
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
        of = report["figures"]["cold"]
        rows = [(row["name"], row["over_ms"], f"{row['over_ms']:.1f} ms, {number(row['creations'])} created") for row in of["rows"]]
        note = "how much longer than one creation until all 1000 tasks have the value; shorter is better"
        yield "stampede.svg", bars("1000 tasks, one missing key", note, rows)


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
    ]
    for name, report in reports.items():
        out.append(f"## `{name}`\n")
        if report.get("about"):
            out.append(report["about"] + "\n")
        pictures = [file for file, _ in charts(name, report)]
        out += [f"![]({pathlib.Path('figures') / file})\n" for file in pictures]
        out += [timed(of) for of in report["tables"]]
        out += [plain(of) for of in report["figures"].values() if isinstance(of, dict) and of.get("rows")]
    return "\n".join(out)


PEERS = [
    ("larder", "larder: Region<Logging<Memo<T>>>"),
    ("moka", "moka"),
    ("foyer", "foyer"),
    ("cached", "cached"),
    ("cachet", "cachet"),
    ("hitbox", "hitbox"),
    ("dogpile.cache", "dogpile.cache"),
]


def find(rows, start):
    return next((row for row in rows if row["name"].startswith(start)), None)


def comparison(reports):
    """The table of the README: figures of everybody on the same work."""
    hit = {of["title"]: of["rows"] for of in reports["hit"]["tables"]}
    rush = {name: of["rows"] for name, of in reports["stampede"]["figures"].items()}
    lines = []

    def line(title, rows, show):
        cells = [find(rows, start) for _, start in PEERS]
        lines.append([title] + [show(cell) if cell else "" for cell in cells])

    ratio = lambda row: f"{row['ratio']:.2f}"
    one, two = hit["A struct of five fields, 1 thread(s)"], hit["A struct of five fields, 2 thread(s)"]
    line("a hit (1 = quick_cache's bare `get`)", one, ratio)
    line("the same on two threads", two, ratio)
    line("a hit of 100 bytes", hit["100 bytes, 1 thread(s)"], ratio)
    line("allocations of a hit", one, lambda row: number(round(row["allocations"], 1)) if "Python" not in row["name"] else "")
    line("1000 tasks, one missing key: creations", rush["cold"], lambda row: number(row["creations"]))
    line("until all have it, over one creation", rush["cold"], lambda row: f"{row['over_ms']:.1f} ms")
    line("the first task is dropped: creations", rush["dropped"], lambda row: number(row["creations"]))
    line("the first creation panics: callers without a value", rush["panic"], lambda row: number(row["unserved"]))
    return table([""] + [name for name, _ in PEERS], lines)


def campaign(figures):
    """The fuzzing campaign."""
    rows = [[row["target"], number(row["executions"]), number(row["edges"]), number(row["findings"])] for row in figures["targets"]]
    total = sum(row["executions"] for row in figures["targets"])
    found = sum(row["findings"] for row in figures["targets"])
    rows.append(["**all**", number(total), "", number(found)])
    return table(["target", "executions", "edges", "findings"], rows)


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
