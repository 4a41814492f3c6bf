"""The Python half of the example: a service with dogpile.cache, asked over standard input.

    report 2026     a cached function with a slow body
    put KEY JSON    stores a value
    get KEY         prints a value
"""

import json
import os
import sys
import time

from dogpile.cache import make_region

region = make_region().configure(
    "dogpile.cache.redis",
    expiration_time=60,
    arguments={
        "url": os.environ["REDIS_URL"],
        "redis_expiration_time": 120,
        "distributed_lock": True,
        "thread_local_lock": False,
        "lock_timeout": 10,
        "lock_sleep": 0.02,
    },
)
created = 0


@region.cache_on_arguments()
def report(year):
    global created
    created += 1
    time.sleep(0.3)  # something slow
    return {"year": year, "total": 1234.5, "by": "Python", "months": tuple(range(1, 13))}


def main():
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        command, *arguments = line.split(maxsplit=2)
        if command == "report":
            before = created
            answer = {"value": report(int(arguments[0])), "created": created - before}
        elif command == "put":
            answer = region.set(arguments[0], json.loads(arguments[1]))
        else:
            answer = region.get(arguments[0])
        print(json.dumps(answer), flush=True)
