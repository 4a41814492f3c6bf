"""1000 keys through dogpile.cache on Redis: reads "direct|counted local|distributed", answers the seconds it took."""
import sys
import time

from dogpile.cache import make_region

keys = ["python:user:%06d" % n for n in range(1_000)]
user = {"id": 15, "age": 31, "score": 0.5, "active": True, "since": 1_700_000_000}


def region(url, distributed):
    arguments = {"url": url, "redis_expiration_time": 7200, "distributed_lock": distributed, "lock_timeout": 5}
    if distributed:
        # Without it every lock would be one of this thread, and released by whoever has it.
        arguments["thread_local_lock"] = False
    return make_region().configure("dogpile.cache.redis", expiration_time=3600, arguments=arguments)


# redis-py knows sockets as unix://, with the path behind it.
regions = {
    (server, lock): region(url, lock == "distributed")
    for server, url in zip(["direct", "counted"], sys.argv[1:])
    for lock in ["local", "distributed"]
}
for line in sys.stdin:
    server, lock = line.split()
    start = time.perf_counter()
    regions[server, lock].get_or_create_multi(keys, lambda *missing: [user] * len(missing))
    print(time.perf_counter() - start, flush=True)
