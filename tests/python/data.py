"""Values, and words for them that both sides understand."""

import math
import struct

_row = {"id": 1, "name": "ann", "tags": ("a", "b")}
_shared = [1, "shared"]

VALUES = [
    None, True, False,
    0, 1, -1, 127, 128, 255, 256, 65535, 65536, -128, -129, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1,
    2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 2**100, -(2**127), 2**127, 2**128, -(2**200), 10**700,
    0.0, -0.0, 1.5, -2.75, 0.1, 1e300, 5e-324, math.inf, -math.inf, math.nan,
    "", "a", "some value", "é", "日本 🦀", "line\nbreak\r\t\x00\x1a\\u0041\\", "x" * 300, "it's \"quoted\"",
    "bar|x", "mellifluous",
    b"", b"xy", b"\x00\xff|", b"z" * 300, bytearray(b"array"), bytearray(),
    [], [1], [1, "two", [3.0, [None]]], list(range(1500)), [[]] * 3,
    (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), [()]),
    {}, {"a": 1}, {"foo": ["bar|x", 1, False, None]}, {1: "x", (1, (2, "y")): "t", None: 0, b"k": 1.5, True: 2},
    {str(n): n for n in range(1200)},
    set(), {1}, {"a"}, frozenset(), frozenset({2}), {frozenset({1}), (1, 2)},
    [dict(_row, id=n) for n in range(20)], [_shared, _shared, (_shared,)],
    {"users": [{"name": "ann", "score": 1.25}, {"name": "bob", "score": None}], "total": 2},
]


def describe(value):
    """As JSON, with kinds told apart. Rust has the same in tests/python_formats/words.rs."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": struct.pack(">d", value).hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return {"list": [describe(item) for item in value]}
    if isinstance(value, tuple):
        return {"tuple": [describe(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[describe(key), describe(item)] for key, item in value.items()]}
    if isinstance(value, (set, frozenset)):
        kind = "set" if isinstance(value, set) else "frozenset"
        return {kind: sorted((describe(item) for item in value), key=repr)}
    raise TypeError(f"no word for {value!r}")
