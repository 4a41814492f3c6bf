"""A process that caches with dogpile.cache and does what each line of its input says.

Its argument and its lines are JSON, and so is what it says. A key that is a list is a tuple here.
"""

import json
import os
import sys
import threading
import time

import dogpile.cache
from dogpile.cache.api import CachedValue
from dogpile.cache.util import sha1_mangle_key

SETTINGS = json.loads(sys.argv[1])
GO = threading.Semaphore(0)
SAYING = threading.Lock()


def say(*words):
    with SAYING:
        print(json.dumps(words), flush=True)


class WithDbmLocks:
    """Values in Redis, locks beside a dbm file: larder reads no dbm files."""

    @staticmethod
    def register():
        from dogpile.cache.backends.file import DBMBackend
        from dogpile.cache.backends.redis import RedisBackend

        class Backend(RedisBackend):
            def __init__(self, arguments):
                self.files = DBMBackend({"filename": arguments.pop("filename")})
                super().__init__(arguments)

            def get_mutex(self, key):
                return self.files.get_mutex(key)

        sys.modules["with_dbm_locks"] = sys.modules[__name__]
        sys.modules[__name__].Backend = Backend
        dogpile.cache.register_backend("with_dbm_locks", "with_dbm_locks", "Backend")


def region():
    arguments = dict(SETTINGS["arguments"])
    about = {}
    if SETTINGS["serializer"] == "json":
        about["serializer"] = lambda value: json.dumps(value).encode()
        about["deserializer"] = json.loads
    elif SETTINGS["serializer"] == "whole tuples":
        # Of the time when a backend was given whole tuples.
        arguments["dumps"] = lambda value: json.dumps([value.payload, value.metadata]).encode()
        arguments["loads"] = lambda found: CachedValue(*json.loads(found))
    if SETTINGS.get("sha1"):
        about["key_mangler"] = sha1_mangle_key
    if SETTINGS["backend"] == "with_dbm_locks":
        WithDbmLocks.register()
    if "redis_advanced" in SETTINGS["backend"]:
        import dogpile_backend_redis_advanced  # noqa: F401
    made = dogpile.cache.make_region(**about)
    return made.configure(
        SETTINGS["backend"], expiration_time=SETTINGS.get("expiration_time"), arguments=arguments
    )


REGION = region()


def as_key(key):
    return tuple(key) if isinstance(key, list) else key


def plain(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return None if value is dogpile.cache.api.NO_VALUE else value


def create(key, value):
    """Creates when it is let go."""

    def creator():
        say("creating")
        GO.acquire()
        return value

    try:
        say("got", plain(REGION.get_or_create(as_key(key), creator)))
    except Exception as error:
        say("failed", type(error).__name__)


def storm(key, value, path):
    """Creates at once, and leaves a mark that it did."""

    def creator():
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.write(file, b"x")
        os.close(file)
        time.sleep(0.04)
        return value

    say("got", plain(REGION.get_or_create(as_key(key), creator)))


def mutex(key):
    mangle = REGION.key_mangler
    return REGION._mutex(mangle(key) if mangle else as_key(key))


def obey(what, *words):
    if what == "create":
        threading.Thread(target=create, args=words, daemon=True).start()
    elif what == "storm":
        storm(*words)
    elif what == "go":
        GO.release()
    elif what == "get":
        say("got", plain(REGION.get(as_key(words[0]))))
    elif what == "get_multi":
        say("got", [plain(value) for value in REGION.get_multi([as_key(key) for key in words[0]])])
    elif what == "set":
        REGION.set(as_key(words[0]), words[1])
        say("done")
    elif what == "set_multi":
        REGION.set_multi({as_key(key): value for key, value in words[0]})
        say("done")
    elif what == "delete":
        REGION.delete(as_key(words[0]))
        say("done")
    elif what == "delete_multi":
        REGION.delete_multi([as_key(key) for key in words[0]])
        say("done")
    elif what == "locked":
        say("locked", bool(mutex(words[0]).locked()))
    elif what == "acquire":
        # As a reader of something stale does: it does not wait.
        HELD.append(mutex(words[0]))
        say("acquired", bool(HELD[-1].acquire(False)))
    elif what == "release":
        HELD.pop().release()
        say("done")
    elif what == "hold file":
        lock = REGION.backend._rw_lock
        HELD.append(lock)
        (lock.acquire_write_lock if words[0] else lock.acquire_read_lock)(True)
        say("done")
    elif what == "let file go":
        HELD.pop().release_write_lock()
        say("done")
    else:
        say("failed", "what is " + what)


HELD = []
say("ready")
for line in sys.stdin:
    obey(*json.loads(line))
