"""Threads that ask dogpile.cache for one missing key: reads their number, answers what happened, as JSON."""
import json
import sys
import threading
import time

from dogpile.cache import make_region

region = make_region().configure("dogpile.cache.memory", expiration_time=3600)

for line in sys.stdin:
    count = int(line)
    creations, values = [], []
    ready = threading.Barrier(count + 1)

    def create():
        creations.append(1)
        time.sleep(0.05)
        return "value"

    def ask():
        ready.wait()
        values.append(region.get_or_create("cold", create))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    print(json.dumps({"creations": len(creations), "seconds": seconds, "unserved": count - len(values)}), flush=True)
