#!/usr/bin/env python3
"""Miss counts of LRU, FIFO and LFU on a trace (standard input, CSV with a header), written without
any part of the library, so that its replay has something to be held against.

  zstd -dc demo/traces/build_files.csv.zst |
    tests/simulator/reference_miss_counts.py > tests/simulator/data/build_files_misses.csv

Every request is a look-up that inserts on a miss, into an empty cache. LFU never forgets while a key
is in the cache, forgets all when it leaves, and takes the least recently used of the lowest count.
An object larger than the cache is not kept. Sizes are shares of the keys and of their bytes.
"""
import csv
import heapq
import sys
from collections import OrderedDict

SHARES = (0.01, 0.1, 0.3)


class Lru:
    def __init__(self):
        self.order = OrderedDict()

    def insert(self, key):
        self.order[key] = None

    def hit(self, key):
        self.order.move_to_end(key)

    def evict(self):
        return self.order.popitem(last=False)[0]


class Fifo(Lru):
    def hit(self, key):
        pass


class Lfu:
    """A heap of (count, last use, key); what is no longer true is thrown away when it surfaces."""

    def __init__(self):
        self.now = 0
        self.state = {}
        self.heap = []

    def use(self, key, count):
        self.now += 1
        self.state[key] = (count, self.now)
        heapq.heappush(self.heap, (count, self.now, key))

    def insert(self, key):
        self.use(key, 1)

    def hit(self, key):
        self.use(key, self.state[key][0] + 1)

    def evict(self):
        while True:
            count, last_use, key = heapq.heappop(self.heap)
            if self.state.get(key) == (count, last_use):
                del self.state[key]
                return key


def misses(trace, policy, capacity, sized):
    held = {}
    used = 0
    missed = 0
    for key, size in trace:
        if key in held:
            policy.hit(key)
            continue
        missed += 1
        cost = size if sized else 1
        if cost > capacity:
            continue
        while used + cost > capacity:
            used -= held.pop(policy.evict())
        held[key] = cost
        used += cost
        policy.insert(key)
    return missed


def main():
    trace = [(int(row["key"]), int(row["size"])) for row in csv.DictReader(sys.stdin)]
    sizes = dict(trace)
    print("algorithm,size_unit,cache_size,requests,misses")
    for unit, whole in (("objects", len(sizes)), ("bytes", sum(sizes.values()))):
        for share in SHARES:
            capacity = int(whole * share)
            for name, policy in (("lru", Lru), ("fifo", Fifo), ("lfu", Lfu)):
                count = misses(trace, policy(), capacity, unit == "bytes")
                print(f"{name},{unit},{capacity},{len(trace)},{count}")


if __name__ == "__main__":
    main()
