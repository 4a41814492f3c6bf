"""Prints the keys that dogpile.cache makes, a JSON object a line: tests/python/keys.jsonl is what it said."""

import json
import random
import struct
import sys

from dogpile.cache.util import (
    function_key_generator,
    function_multi_key_generator,
    kwarg_function_key_generator,
    length_conditional_mangler,
    sha1_mangle_key,
)


def tagged(value):
    """A value so that every type of it survives JSON."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    return {"float": struct.pack(">d", value).hex()}


def show(**fields):
    print(json.dumps(fields))


def function(name, module, parameters):
    """A function as if it stood in `module`."""
    scope = {"__name__": module}
    exec(f"def {name}({parameters}): pass", scope)
    return scope[name]


def by_position(values, module="myapp.tools", name="one", namespace=None, parameters="*args"):
    fn = function(name, module, parameters)
    key = function_key_generator(namespace, fn)(*values)
    show(kind="positions", function=f"{module}:{name}", namespace=namespace, values=[tagged(v) for v in values], key=key)


def by_name(parameters, values, kwargs, bound, namespace=None):
    """`bound` is what the parameters are in the end."""
    fn = function("one", "myapp.tools", parameters)
    key = kwarg_function_key_generator(namespace, fn)(*values, **kwargs)
    arguments = [[name, tagged(value)] for name, value in bound.items()]
    show(kind="names", function="myapp.tools:one", namespace=namespace, arguments=arguments, key=key)


def batch(values, namespace=None):
    fn = function("many", "myapp.tools", "*ids")
    keys = function_multi_key_generator(namespace, fn)(*values)
    show(kind="batch", function="myapp.tools:many", namespace=namespace, values=[tagged(v) for v in values], keys=keys)


def floats():
    yield from (0.0, -0.0, 1.0, -1.0, 0.1, 0.1 + 0.2, 1.5, 100.0, 123456.789, 1 / 3, -2 / 3, 3.14159)
    yield from (float("inf"), float("-inf"), float("nan"))
    # Where the exponent begins.
    yield from (1e15, 1e16, 1e17, 9999999999999998.0, 99999999999999990.0, 123456789012345680.0)
    yield from (1e-3, 1e-4, 1e-5, 0.00012345, 0.000012345, 9.999e-5, 0.0001234567890123456)
    yield from (1e22, 1e23, 1e100, 1e-100, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324)
    yield from (float(2**53), float(2**53 + 2), float(2**63), float(2**64), 1e21, 1.2e21)
    # Two candidates are equally near.
    yield from (2.0**-25, 2.0**-44, 562949953421312.2, 1125899906842624.2, -1113178120592002.2, 111659285584252.12)
    # Edges of the binades, where the neighbours are not at the same distance.
    for exponent in range(-1074, 1024, 37):
        yield 2.0**exponent
    source = random.Random(19)
    for _ in range(400):
        yield struct.unpack(">d", struct.pack(">Q", source.getrandbits(64) & ~(1 << 62)))[0]
    for _ in range(200):
        yield source.randrange(1 << 60) / (1 << source.randrange(70))


TEXTS = [
    "", " ", "x", "a b", "|", "a|b", "None", "1", "'quoted'", '"', "\\", "%20", "tab\there", "line\nend", "\x00", "\x7f",
    "clé", "äöüß", "日本語", "🦀", "\u00a0", "\u2028", "e\u0301", "\ufeff", "\U0010ffff", "x" * 300,
]

INTS = [
    0, 1, -1, 7, -42, 127, 128, -128, 255, 256, 65535, 2**31, -(2**31), 2**32, 2**53, 2**63 - 1, -(2**63), 2**63,
    2**64 - 1, 2**64, -(2**64), 2**127 - 1, -(2**127), 2**128 - 1,
]


def main():
    by_position([])
    by_position([], namespace="foo")
    by_position([3, 4], namespace="foo")
    by_position([3, "x"], namespace="")
    by_position([3], namespace="a|b c")
    by_position([1, "x", 1.0, None, True, False])
    by_position(["a b", "c"])
    by_position(["a", "b c"])
    by_position([7], module="__main__", name="größe")
    by_position([True], module="a.b.c", name="_private")
    for first in ("self", "cls", "other"):
        fn = function("one", "myapp.tools", f"{first}, a")
        # What the receiver is leaves no trace.
        values = [5] if first != "other" else ["seen", 5]
        key = function_key_generator(None, fn)("seen", 5)
        show(kind="positions", function="myapp.tools:one", namespace=None, values=[tagged(v) for v in values], key=key)
    for value in [*INTS, *TEXTS]:
        by_position([value])
    for value in floats():
        by_position([value])

    by_name("a, b=None", [1], {}, {"a": 1, "b": None})
    by_name("a, b=None", [1, 2], {}, {"a": 1, "b": 2})
    by_name("b, a", [1, 2], {}, {"b": 1, "a": 2})
    by_name("zeta, Alpha, alpha, _x, a1, a10, a2", list("1234567"), {},
            dict(zip(["zeta", "Alpha", "alpha", "_x", "a1", "a10", "a2"], "1234567")))
    by_name("self, b, a=1.5", ["seen", True], {}, {"b": True, "a": 1.5})
    by_name("cls, b, a=1.5", ["seen"], {"b": "x"}, {"b": "x", "a": 1.5})
    by_name("é, z, ä", [1, 2, 3], {}, {"é": 1, "z": 2, "ä": 3}, namespace="foo")
    by_name("a, b", [], {"b": "later", "a": "first"}, {"a": "first", "b": "later"})
    by_name("", [], {}, {})

    batch([1, 2, 10, "x", None, 1.0])
    batch([1], namespace="foo")
    batch([])

    for text in [*TEXTS, "some_key", "tests.cache.test_decorator:one|1 2"]:
        show(kind="sha1", text=text, key=sha1_mangle_key(text))
        for length in (0, 1, 2, 4, 5, 250, 301):
            key = length_conditional_mangler(length, sha1_mangle_key)(text)
            show(kind="conditional", text=text, length=length, key=key)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
