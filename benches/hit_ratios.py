"""Hit ratios of the eviction policies beside those of other implementations, on one trace.

    pip install libcachesim theine
    cargo run --release -p sim-models --example hit_ratios -- 1000000 1.0 10000 > ours.txt
    python benches/hit_ratios.py ours.txt

The first line of the file names items, exponent and capacity; then one line for each policy with its
hit ratio, then `trace`, then one key a line. Ends with 1 if any two that are compared differ by more
than half a point.

libCacheSim follows the papers to the letter but for W-TinyLFU, whose sketch is its own; that policy is
compared with theine, a port of Caffeine. Theine buffers some hundred accesses, so that a capacity below
ten thousand says more about its buffers than about the policy: there it is shown and not compared.
"""

import sys

import libcachesim
import theine

THEIRS = {
    "Lru": libcachesim.LRU,
    "Fifo": libcachesim.FIFO,
    "Clock": libcachesim.Clock,
    "Lfu": libcachesim.LFU,
    "Sieve": libcachesim.Sieve,
    "S3Fifo": libcachesim.S3FIFO,
    "TinyLfu": libcachesim.WTinyLFU,
    "Arc": libcachesim.ARC,
    "TwoQ": libcachesim.TwoQ,
    "Slru": libcachesim.SLRU,
}
# Of these, both sides follow the same paper with the same parameters.
COMPARED = ("Lru", "Fifo", "Clock", "Lfu", "Sieve", "S3Fifo", "Arc", "TwoQ")
# From this capacity on, theine's buffers do not matter.
UNBUFFERED = 10_000


def hit_ratio(make, capacity, keys):
    cache = make(capacity)
    request = libcachesim.Request()
    request.obj_size = 1
    hits = 0
    for key in keys:
        request.obj_id = key
        hits += cache.get(request)
    return hits / len(keys)


def hit_ratio_of_theine(capacity, keys):
    cache = theine.Cache(capacity)
    hits = 0
    for key in keys:
        _, hit = cache.get(key)
        if hit:
            hits += 1
        else:
            cache.set(key, key)
    cache.close()
    return hits / len(keys)


def main(path):
    with open(path, encoding="ascii") as file:
        lines = file.read().split("\n")
    capacity = int(lines[0].split()[2])
    cut = lines.index("trace")
    ours = dict(line.split() for line in lines[1:cut])
    keys = [int(line) for line in lines[cut + 1 :] if line]
    rows = [(name, hit_ratio(make, capacity, keys), name in COMPARED) for name, make in THEIRS.items()]
    rows.append(("TinyLfu", hit_ratio_of_theine(capacity, keys), capacity >= UNBUFFERED))
    worst = 0.0
    print(f"{'policy':8} {'ours':>8} {'theirs':>8} {'points':>7}")
    for name, other, compared in rows:
        mine = float(ours[name])
        points = 100 * (mine - other)
        print(f"{name:8} {mine:8.4f} {other:8.4f} {points:7.2f}{'' if compared else '  (not compared)'}")
        if compared:
            worst = max(worst, abs(points))
    return 0 if worst <= 0.5 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
