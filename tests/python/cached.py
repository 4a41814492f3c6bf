"""Calls functions that are cached in the Redis at argv[1]; what their entries are named is for others to see."""

import sys

from dogpile.cache import make_region
from dogpile.cache.util import kwarg_function_key_generator, length_conditional_mangler, sha1_mangle_key

SOURCE = '''
@PAGES.cache_on_arguments()
def one(a, b):
    return "python"

@PAGES.cache_on_arguments(namespace="foo")
def nothing():
    return "python"

@PAGES.cache_on_arguments(namespace="foo", function_key_generator=by_names)
def named(zeta, alpha=None):
    return "python"

@PAGES.cache_multi_on_arguments(namespace="foo")
def many(*ids):
    return ["python" for id in ids]

class Repo:
    @PAGES.cache_on_arguments()
    def load(self, ratio, flag):
        return "python"

@MANGLED.cache_on_arguments()
def long(text):
    return "python"
'''


def region(**options):
    return make_region(**options).configure("dogpile.cache.redis", arguments={"url": sys.argv[1]})


scope = {
    "__name__": "myapp.tools",
    "PAGES": region(),
    "MANGLED": region(key_mangler=length_conditional_mangler(24, sha1_mangle_key)),
    "by_names": kwarg_function_key_generator,
}
exec(SOURCE, scope)
scope["one"](-3, "clé é")
scope["one"](a=4, b=None)
scope["nothing"]()
scope["named"]("z")
scope["named"](alpha=1.0, zeta="a b")
scope["many"](1, 2, 10)
scope["Repo"]().load(1e16, False)
scope["long"]("ä" * 5)
scope["long"]("ä" * 20)
