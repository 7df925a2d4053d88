"""Runs one Python workload and prints what it measured.

``python child.py FILE MEASURE WARM N HOST PORT CAFILE [ARGS...]``: FILE defines ``work(host, port, n, cafile,
*args)``, which returns evidence of the work done; MEASURE is ``time``, ``rss`` (work() returns the objects to
keep) or ``proof`` (the evidence of ``proof()``, with a hash, not timed).
"""

import json
import os
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location


def resident() -> float:
    """Memory in use, in KiB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def main() -> None:
    """Load, warm up, measure, print one line of JSON."""
    file, measure, warm, n, host, port, cafile, *args = sys.argv[1:]
    spec = spec_from_file_location("workload", file)
    assert spec and spec.loader
    workload = module_from_spec(spec)
    spec.loader.exec_module(workload)
    peer = host, int(port)
    if measure == "proof":
        print(json.dumps({"value": 0, "work": workload.proof(*peer, int(n), cafile, *args)}))
        return
    warmed = workload.work(*peer, int(warm), cafile, *args) if int(warm) else []
    if measure == "rss":
        before = resident()
        work = workload.work(*peer, int(n), cafile, *args)
        value = (resident() - before) / int(n)
        work = len(work) + len(warmed)
    else:
        start = time.perf_counter_ns()
        work = workload.work(*peer, int(n), cafile, *args)
        value = (time.perf_counter_ns() - start) / int(n)
    print(json.dumps({"value": value, "work": work}))


main()
