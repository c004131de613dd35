"""Judges inputs for tests.fuzz.isolated: NAME FIRST LAST SECONDS FOLDER, or NAME FILE FOLDER."""

import json
import sys
import time
from pathlib import Path

from tests.fuzz.hunt import hunt, limits, one
from tests.fuzz.registry import find
from tests.fuzz.target import Failure

if len(sys.argv) == 4:
    name, file, _ = sys.argv[1:]
    with limits():
        verdict = one(find(name), Path(file), Path(file).read_bytes())
    print(verdict.detail if isinstance(verdict, Failure) else verdict)
    sys.exit(isinstance(verdict, Failure))
name, first, last, seconds, folder = sys.argv[1:]
find(name).seeds()  # imports, which take a while, are not counted
until = time.time() + float(seconds)
print(json.dumps(hunt(name, range(int(first), int(last)), Path(folder), until=until)))
