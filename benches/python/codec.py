"""Entries of dogpile.cache: reads "VALUE encode", "VALUE decode" or "VALUE size", answers the seconds or bytes."""
import pickle
import sys
import time

from dogpile.cache import make_region

region = make_region(serializer=lambda value: pickle.dumps(value, pickle.HIGHEST_PROTOCOL), deserializer=pickle.loads)
region.configure("dogpile.cache.memory")
metadata = {"ct": 1_700_000_000.76127, "v": 2}
values = {
    "number": (1_000, 123_456),
    "struct": (1_000, {"id": 15, "age": 31, "score": 0.5, "active": True, "since": 1_700_000_000}),
    "list": (50, [
        {
            "id": n + 1_000,
            "name": f"Product number {n}",
            "price": n * 1.25 + 0.99,
            "tags": ["kitchen", f"shelf-{n % 7}"],
        }
        for n in range(50)
    ]),
}
for line in sys.stdin:
    name, what = line.split()
    calls, value = values[name]
    entry = region._serialize_cached_value_elements(value, metadata)
    start = time.perf_counter()
    if what == "encode":
        for _ in range(calls):
            region._serialize_cached_value_elements(value, metadata)
    elif what == "decode":
        for _ in range(calls):
            region._parse_serialized_from_backend(entry)
    seconds = (time.perf_counter() - start) / calls
    print(len(entry) if what == "size" else seconds, flush=True)
