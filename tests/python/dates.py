"""Dates in MessagePack, in the two forms that serializers for dogpile_backend_redis_advanced have.

    dates.py                 prints values with their bytes: tests/python/dates.jsonl is what it said
    dates.py read HEX...     prints what is read from each, in UTC microseconds or as a day
    dates.py again HEX...    reads each as those serializers do, in the local zone, and prints what they write
"""

import json
import random
import struct
import sys
from datetime import date, datetime, timedelta, timezone

import msgpack

EPOCH = datetime(1970, 1, 1)
MICRO = timedelta(microseconds=1)
CODES = {datetime: 1, date: 2, timedelta: 3}


def as_dict(value):
    if isinstance(value, datetime):
        return {"__datetime__": True, "0": (value - EPOCH).total_seconds()}
    if isinstance(value, date):
        return {"__date__": True, "0": f"{value.year:04}{value.month:02}{value.day:02}"}
    return {"__timedelta__": True, "0": value.total_seconds()}


def as_ext(value):
    if isinstance(value, datetime):
        data = struct.pack(">I", (value - EPOCH) // timedelta(seconds=1))
    elif isinstance(value, date):
        data = struct.pack(">III", value.year, value.month, value.day)
    else:
        data = struct.pack(">I", value // timedelta(seconds=1))
    return msgpack.ExtType(CODES[type(value)], data)


def utc(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def local(seconds):
    """The defect: written as UTC, read as local."""
    return datetime.fromtimestamp(seconds)


def reader(moment):
    def from_dict(found):
        found = {name.decode() if isinstance(name, bytes) else name: value for name, value in found.items()}
        if "__datetime__" in found:
            return moment(found["0"])
        if "__date__" in found:
            digits = found["0"].decode() if isinstance(found["0"], bytes) else found["0"]
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        if "__timedelta__" in found:
            return timedelta(seconds=found["0"])
        return found

    def from_ext(code, data):
        numbers = struct.unpack(">III" if code == 2 else ">I", data)
        return {1: moment, 2: date, 3: lambda seconds: timedelta(seconds=seconds)}[code](*numbers)

    return lambda data: msgpack.unpackb(data, object_hook=from_dict, ext_hook=from_ext)


def plain(value):
    if isinstance(value, datetime):
        return str((value - EPOCH) // MICRO)
    if isinstance(value, date):
        return [value.year, value.month, value.day]
    return str(value // MICRO)


def show(form, value, data, reads=reader(utc)):
    try:
        read = plain(reads(data))
    except (OverflowError, ValueError):
        read = None  # Python cannot read what it has written.
    kind = type(value).__name__
    fields = {"form": form, "kind": kind, "value": plain(value), "read": read, "bytes": data.hex()}
    fields["text"] = str(value)
    print(json.dumps(fields))


def moments():
    yield from (EPOCH, datetime(2020, 1, 2, 3, 4, 5, 678901), datetime(2016, 8, 13, 18, 41, 38, 761270))
    yield from (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59), datetime(1969, 12, 31, 23, 59, 59, 999999))
    yield from (datetime(2024, 2, 29), datetime(2038, 1, 19, 3, 14, 8), datetime(2106, 2, 7, 6, 28, 15))
    yield from (datetime(1697, 10, 17, 11, 3, 28, 1), datetime(2242, 3, 16, 12, 56, 31, 999999))
    # Floats tell no microseconds here.
    yield from (datetime(1, 1, 1, 0, 0, 0, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(3000, 1, 1, 0, 0, 0, 7))
    source = random.Random(20)
    for _ in range(200):
        yield EPOCH + timedelta(seconds=source.randrange(-(2**33), 2**33), microseconds=source.randrange(10**6))
    for _ in range(50):
        yield datetime(1, 1, 1) + timedelta(microseconds=source.randrange(315537897599999999))


def spans():
    yield from (timedelta(0), timedelta(days=1, seconds=2.5), timedelta(microseconds=1), timedelta(microseconds=-1))
    yield from (timedelta.min, timedelta(days=999999999), timedelta.max, timedelta(days=-1, microseconds=1))
    source = random.Random(21)
    for _ in range(100):
        yield timedelta(microseconds=source.randrange(-(2**53), 2**53))
    for bits in range(53, 67):
        for _ in range(10):
            yield timedelta(microseconds=source.randrange(2**(bits - 1), min(2**bits, 86399999999999999999)))


def days():
    yield from (date(2020, 1, 2), date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), date(987, 6, 5))


def main():
    for value in [*moments(), *spans(), *days()]:
        show("dict", value, msgpack.packb(value, default=as_dict))
        try:
            data = msgpack.packb(value, default=as_ext)
        except struct.error:
            continue
        show("ext", value, data)
    # Other spellings, which are only read: of Python 2, of other writers, in another order.
    for value in (datetime(2020, 1, 2, 3, 4, 5), date(2020, 1, 2), timedelta(seconds=90)):
        (tag, _), (_, inner) = as_dict(value).items()
        raw = inner.encode() if isinstance(inner, str) else inner
        show("read", value, msgpack.packb({tag.encode(): True, b"0": raw}, use_bin_type=True))
        show("read", value, msgpack.packb({tag.encode(): True, b"0": raw}, use_bin_type=False))
        show("read", value, msgpack.packb({"0": inner, tag: True}))
        show("read", value, msgpack.packb({tag: 1, "0": inner if isinstance(inner, str) else int(inner)}))
    for value in (EPOCH, datetime(987, 6, 5, 23, 59, 59), datetime(2020, 1, 2, 3, 4, 5, 60)):
        for seconds in (0, 7200, -12600, 20700, 3661, -59, -86399, 86399):
            aware = value.replace(tzinfo=timezone(timedelta(seconds=seconds)))
            print(json.dumps({"kind": "aware", "value": plain(value), "offset": seconds, "text": str(aware)}))


if __name__ == "__main__":
    command, *values = sys.argv[1:] or ["print"]
    if command == "print":
        main()
    for value in values:
        data = bytes.fromhex(value)
        if command == "read":
            print(json.dumps(plain(reader(utc)(data))))
        else:
            write = as_dict if data[0] >> 4 == 8 else as_ext
            print(msgpack.packb(reader(local)(data), default=write).hex())
