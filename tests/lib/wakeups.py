# SPDX-License-Identifier: ISC
"""How often the threads of a process have been woken: each wait that they went into of their own
accord counts, for a lock or a disk as well as for time to pass."""
import os
import time


def waits(pids):
    """{(pid, thread): waits so far}"""
    found = {}
    for pid in pids:
        for thread in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{thread}/status', encoding='ascii') as f:
                for line in f:
                    if line.startswith('voluntary_ctxt_switches:'):
                        found[pid, thread] = int(line.split()[1])
    return found


def woken(pids, seconds):
    """{(pid, thread): wake-ups} of those that were woken within this span."""
    before = waits(pids)
    time.sleep(seconds)
    after = waits(pids)
    return {key: count - before.get(key, 0) for key, count in after.items()
            if count != before.get(key)}


def settle(pids, quiet_s, patience_s):
    """Until nobody was woken for so long: what a start leaves to be done is done."""
    give_up = time.monotonic() + patience_s
    while woken(pids, quiet_s):
        assert time.monotonic() < give_up, f'still busy after {patience_s} s: {woken(pids, 1)}'
