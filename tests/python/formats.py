"""Entries as Python services write and read them, in every form.

    formats.py pickles          prints values in all protocols of pickle
    formats.py golden URL       writes entries at a fixed time, and prints their bytes
    formats.py write URL        writes entries, and prints their keys, values and times
    formats.py read URL         reads the entries named on standard input, and prints the same

One JSON document a line. Which forms there are depends on the packages.
"""

import json
import pickle
import sys
import time

import dogpile
import dogpile_backend_redis_advanced  # noqa: F401 (registers its backends)
import msgpack
import redis
from data import VALUES, describe
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE, CachedValue

FIXED = 1471113698.76127
TODAY = tuple(map(int, dogpile.__version__.split(".")[:2])) >= (1, 1)


# Golden bytes are for small values; the large ones are for the live test.
SMALL = 600


def has_other_json(value):
    """Whether readers of JSON other than Python's round it, or refuse it."""
    if isinstance(value, (list, tuple)):
        return any(map(has_other_json, value))
    if isinstance(value, dict):
        return any(map(has_other_json, value.values()))
    return isinstance(value, int) and not -(2**63) <= value < 2**64


def json_bytes(value):
    if has_other_json(value):
        raise ValueError("an int of more than 64 bits")
    return json.dumps(value, allow_nan=False).encode()


def region(url, backend="dogpile.cache.redis", wrap=(), arguments=None, **settings):
    made = make_region(**settings)
    return made.configure(backend, wrap=list(wrap), arguments={"url": url, **(arguments or {})})


def todays_forms(url):
    from dogpile_backend_redis_advanced.cache import serializers

    already = "dogpile_backend_redis_advanced.already_serialized"
    return {
        "dogpile_pickle": region(url),
        "dogpile_pickle_5": region(url, "dogpile_backend_redis_advanced"),
        "dogpile_json": region(url, serializer=json_bytes, deserializer=json.loads),
        "dogpile_msgpack": region(
            url,
            serializer=msgpack.packb,
            deserializer=lambda value: msgpack.unpackb(value, strict_map_key=False),
        ),
        "pickle_int_time": region(url, already, [serializers.Serializer_PickleIntTime_ProxyBackend]),
        "pickle_no_meta": region(url, already, [serializers.Serializer_PickleNoMeta_ProxyBackend]),
        "raw": region(url, already, [serializers.Serializer_Raw_ProxyBackend]),
        "hashes": region(
            url, "dogpile_backend_redis_advanced.hstore", arguments={"redis_expiration_time_hash": False}
        ),
    }


def earlier_forms(url):
    def advanced(dumps, loads):
        return region(url, "dogpile_backend_redis_advanced", arguments={"dumps": dumps, "loads": loads})

    def whole(dumps, loads):
        return advanced(lambda entry: dumps(entry), lambda data: CachedValue(*loads(data)))

    def int_time(dumps, loads):
        return advanced(
            lambda entry: dumps((entry[0], int(entry[1]["ct"]))),
            lambda data: (lambda pair: CachedValue(pair[0], {"ct": pair[1], "v": 1}))(loads(data)),
        )

    def no_meta(dumps, loads):
        return advanced(
            lambda entry: dumps(entry[0]),
            lambda data: CachedValue(loads(data), {"ct": time.time(), "v": 1}),
        )

    def unpack(data):
        return msgpack.unpackb(data, use_list=False, strict_map_key=False)

    def pickle_2(value):
        return pickle.dumps(value, 2)

    return {
        "pickled_class": advanced(pickle.dumps, pickle.loads),
        "pickled_class_2": advanced(pickle_2, pickle.loads),
        "whole_json": whole(json_bytes, json.loads),
        "whole_msgpack": whole(msgpack.packb, unpack),
        "int_time_json": int_time(json_bytes, json.loads),
        "int_time_msgpack": int_time(msgpack.packb, unpack),
        "no_meta_json": no_meta(json_bytes, json.loads),
        "no_meta_msgpack": no_meta(msgpack.packb, unpack),
    }


def key_of(form, number):
    return ("hash:" + form, str(number)) if form == "hashes" else f"{form}:{number}"


def key_from(text):
    return tuple(text) if isinstance(text, list) else text


def entries(url):
    """Writes each value that a form can hold."""
    for form, cache in (todays_forms if TODAY else earlier_forms)(url).items():
        for number, value in enumerate(VALUES):
            key = key_of(form, number)
            try:
                cache.set(key, value)
                found, created = read(cache, key)
            except (TypeError, ValueError, OverflowError):
                continue  # JSON, MessagePack and Raw do not have everything.
            if form == "raw" and isinstance(value, bool):
                continue  # Written, and read by nobody.
            if form == "raw" and isinstance(value, int) and abs(value) >= 2**63:
                continue  # For types that the test does not have.
            yield form, key, found, created


def read(cache, key):
    """The value as Python sees it, and its time of creation."""
    if TODAY:
        entry = cache.get_value_metadata(key)
        return entry.payload, entry.metadata["ct"]
    entry = cache.backend.get(key)
    if entry is NO_VALUE:
        raise KeyError(key)
    return entry.payload, entry.metadata["ct"]


def stored(client, key):
    return client.hget(*key) if isinstance(key, tuple) else client.get(key)


def say(**fields):
    print(json.dumps(fields, ensure_ascii=False, allow_nan=False))


def main(command, url=None):
    if command == "pickles":
        for value in VALUES:
            for protocol in range(6):
                data = pickle.dumps(value, protocol)
                if len(data) <= SMALL:
                    say(protocol=protocol, value=describe(value), bytes=data.hex())
        for protocol in range(6):
            entry = CachedValue("a", {"ct": FIXED, "v": 2 if TODAY else 1})
            say(protocol=protocol, value=describe(tuple(entry)), bytes=pickle.dumps(entry, protocol).hex())
    elif command == "golden":
        time.time = lambda: FIXED
        client = redis.Redis.from_url(url)
        for form, key, value, created in entries(url):
            data = stored(client, key)
            if len(data) <= SMALL:
                say(form=form, value=describe(value), ct=created, bytes=data.hex())
    elif command == "write":
        for form, key, value, created in entries(url):
            say(form=form, key=key, value=describe(value), ct=created)
    elif command == "read":
        forms = (todays_forms if TODAY else earlier_forms)(url)
        for line in sys.stdin:
            asked = json.loads(line)
            key = key_from(asked["key"])
            value, created = read(forms[asked["form"]], key)
            say(form=asked["form"], key=asked["key"], value=describe(value), ct=created)
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
