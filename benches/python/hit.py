"""Hits of dogpile.cache in memory: reads a number of calls, answers the seconds that each took."""
import sys
import time

from dogpile.cache import make_region

region = make_region().configure("dogpile.cache.memory", expiration_time=3600)
keys = ["user:%06d" % n for n in range(100_000)]
user = {"id": 15, "age": 31, "score": 0.5, "active": True, "since": 1_700_000_000}
for key in keys:
    region.set(key, user)

trace = [keys[int(line)] for line in open(sys.argv[1])]
position = 0
for line in sys.stdin:
    calls = int(line)
    turn = [trace[n % len(trace)] for n in range(position, position + calls)]
    position += calls
    start = time.perf_counter()
    for key in turn:
        region.get_or_create(key, dict)
    print((time.perf_counter() - start) / calls, flush=True)
