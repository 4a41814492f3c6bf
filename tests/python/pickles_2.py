"""What Python 2 pickled, for tests/python_formats/python_2.jsonl. Run with Python 2.7; the tests do not."""

import cPickle
import json
import pickle

VALUES = [
    (None,None),(True,True),(7,{"int":"7"}),(-129,{"int":"-129"}),(2**31,{"int":str(2**31)}),(2**64,{"int":str(2**64)}),(-2**70,{"int":str(-2**70)}),
 (1.5,{"float":"3ff8000000000000"}),("text",{"text":"text"}),("it's\n\\ \"q\"",{"text":"it's\n\\ \"q\""}),("\xff\x00",{"bytes":"ff00"}),(u"\xe9 \u65e5 \U0001f980\n\\u0041",{"text":u"\xe9 \u65e5 \U0001f980\n\\u0041"}),
 ([1,(2,)],{"list":[{"int":"1"},{"tuple":[{"int":"2"}]}]}),({"a":[]},{"dict":[[{"text":"a"},{"list":[]}]]}),(set([1]),{"set":[{"int":"1"}]}),(frozenset([2]),{"frozenset":[{"int":"2"}]}),(bytearray(b"ab\xff"),{"bytes":"6162ff"}),
 ((),{"tuple":[]}),((1,2,3,4),{"tuple":[{"int":str(n)} for n in (1,2,3,4)]}),(10**50,{"int":str(10**50)})]

for value, words in VALUES:
    for protocol in range(3):
        for pickler in (pickle, cPickle):
            data = pickler.dumps(value, protocol).encode("hex")
            print(json.dumps({"protocol": protocol, "value": words, "bytes": data}, sort_keys=True))
