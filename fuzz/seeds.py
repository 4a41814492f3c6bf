"""What campaigns begin with, beside the regressions: bytes that Python wrote, configurations of examples.

python3 fuzz/seeds.py CORPUS    from anywhere; a folder for each target is made there.
"""

import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parent / "tests" / "python_formats"
TYPES = 26  # `TYPES` in src/codecs.rs
# As src/formats.rs counts codecs and types.
CODECS = ["msgpack", "msgpack_named", "json", "postcard", "pickle", "raw"]
FORMATS = {"dogpile": "format_dogpile", "whole": "format_full_dict", "int_time": "format_int_time", "no_meta": "format_no_meta"}


def put(target, *parts):
    data = b"".join(parts)
    folder = pathlib.Path(sys.argv[1]) / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def lines(name):
    with open(PYTHON / name) as file:
        for line in file:
            yield json.loads(line)


for name in ["pickles.jsonl", "python_2.jsonl"]:
    for at, line in enumerate(lines(name)):
        data = bytes.fromhex(line["bytes"])
        # As any data, and as one type each.
        put("codec_pickle", bytes([0]), data)
        put("codec_pickle", bytes([2 * (at % TYPES) + 1]), data)

for at, line in enumerate(lines("entries.jsonl")):
    data, form = bytes.fromhex(line["bytes"]), line["form"]
    codec = next((at for at, codec in enumerate(CODECS) if codec in form), None)
    target = next((target for name, target in FORMATS.items() if name in form), None)
    if codec is None or target is None:
        continue
    for kind in range(6):
        put(target, bytes([codec + len(CODECS) * kind]), data)
    if target == "format_no_meta":
        put("codec_" + CODECS[codec], bytes([at % TYPES]), data)

for example in sorted(HERE.parent.glob("examples/**/*.toml")):
    text = example.read_text()
    put("config_text", text.encode())
    # The regions that the target builds.
    put("config_text", text.replace("users", "a").replace("steps", "b").encode())
put("config_text", b'a.backend="redis"\na.url="unix:///tmp/s"\nb.expiration_time="1m"\nb.max_entries="9"')
