"""The same work on DBOS for Python; see driver/src/lib.rs for how it is told what to do."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

URL, WORK = sys.argv[1], sys.argv[2]
NUMBERS, SIZE = [int(a) for a in sys.argv[3:-1]], int(sys.argv[-1])
PAYLOAD = os.urandom(SIZE).hex()[: SIZE - 2]

DBOS(
    config={
        "name": "bench",
        "system_database_url": URL,
        "log_level": "ERROR",
        "max_executor_threads": 200,
        "sys_db_pool_size": 20,
        "run_admin_server": False,
    }
)


@DBOS.step()
def step() -> str:
    return PAYLOAD


@DBOS.workflow()
def three_steps(n: int) -> str:
    step()
    step()
    return step()


@DBOS.workflow()
def many_steps(steps: int) -> int:
    for _ in range(steps):
        step()
    return steps


def say(line):
    print(line, flush=True)


def measured(work):
    say("begin")
    sys.stdin.readline()
    began = time.perf_counter()
    latencies = sorted(work() or [0.0])
    took = time.perf_counter() - began
    p50, p99 = (latencies[min(len(latencies) - 1, int(len(latencies) * part))] for part in (0.5, 0.99))
    say(f"end {took} {p50} {p99}")
    sys.stdin.read()
    os._exit(0)


def life(callers, runs):
    def call(n):
        began = time.perf_counter()
        three_steps(n)
        return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(call, range(runs)))


DBOS.launch()
if WORK == "life":
    # More threads than a hundred do not help it.
    callers, runs = min(NUMBERS[0], 100), NUMBERS[1]
    life(callers, max(callers, 20))
    measured(lambda: life(callers, runs))
elif WORK == "long":
    many_steps(50)
    measured(lambda: many_steps(NUMBERS[0]) and None)
os._exit(0)
