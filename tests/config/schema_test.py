#!/usr/bin/env python3
"""Checks the JSON schema of cache files with a validator that is not ours.

Usage: schema_test.py CONFIG_FOLDER      the shipped files must be valid, and the files below not.
"""

import json
import pathlib
import sys

import jsonschema
import yaml

HEAD = "caches: [{name: c}]\nobservers:\n"

# What the reader refuses for a single value or key, an editor should mark too.
WRONG = {
    "no caches": "observers: {}",
    "caches empty": "caches: []",
    "no name": "caches: [{seed: 1}]",
    "a name of dots": "caches: [{name: ..}]",
    "a number as a name": "caches: [{name: 5}]",
    "unknown key": "caches: [{name: c, max_entry: 5}]",
    "unknown key in undo": "caches: [{name: c, undo: {max_byte: 5}}]",
    "unknown key in loading": "caches: [{name: c, loading: {refresh: 5s}}]",
    "second tier without a prefix": "caches: [{name: c, l2: {port: 6379}}]",
    "second tier with an unknown key": "caches: [{name: c, l2: {prefix: 'a:', password: x}}]",
    "early refresh below 0": "caches: [{name: c, loading: {early_refresh: -1}}]",
    "capacity of 0": "caches: [{name: c, max_entries: 0}]",
    "quoted number": "caches: [{name: c, max_entries: '5'}]",
    "fraction": "caches: [{name: c, max_entries: 1.5}]",
    "duration without unit": "caches: [{name: c, default_ttl: 250}]",
    "duration of unknown unit": "caches: [{name: c, default_ttl: 10m}]",
    "octal duration": "caches: [{name: c, default_ttl: 010s}]",
    "bytes of unknown unit": "caches: [{name: c, max_bytes: 64mb}]",
    "boolean in quotes": "caches: [{name: c, background_expiry: 'true'}]",
    "shards": "caches: [{name: c, shards: 12}]",
    "part without name": "caches: [{name: c, eviction: {ageing: true}}]",
    "parameter of a wrong type": "caches: [{name: c, eviction: {strategy: lfu, ageing: maybe}}]",
    "parameter out of range": "caches: [{name: c, eviction: {strategy: lfu, ageing_period: 0}}]",
    "parameter as a list": "caches: [{name: c, eviction: {strategy: mine, x: [1]}}]",
    "unknown observer": HEAD + "  metric: {}",
    "IPv6 address": HEAD + "  metrics: {address: '[::1]:9464'}",
    "event log without path": HEAD + "  event_log: {queue: 5}",
    "unknown event": HEAD + "  event_log: {path: x, types: [entry_evict]}",
    "queue of nothing": HEAD + "  event_log: {path: x, queue: 0}",
}

RIGHT = {
    "a part of the program's own": "caches: [{name: c, eviction: {strategy: mine, depth: 3}}]",
    "unlimited": "caches: [{name: c, max_entries: unlimited, max_bytes: 1.5GiB}]",
    "a port alone": HEAD + "  metrics: {address: 9464}",
    "all events": HEAD + "  event_log: {path: x, types: all}",
}


def main():
    folder = pathlib.Path(sys.argv[1])
    schema = json.loads((folder / "schema" / "tarmac.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    failures = []
    shipped = sorted(folder.glob("*.yaml")) + sorted(folder.glob("samples/*.yaml"))
    if len(shipped) < 2:
        failures.append(f"no files found in {folder}")
    right = {str(path): path.read_text(encoding="utf-8") for path in shipped} | RIGHT
    for name, text in right.items():
        for error in validator.iter_errors(yaml.safe_load(text)):
            failures.append(f"{name}: refused: {error.json_path}: {error.message}")
    for name, text in WRONG.items():
        if validator.is_valid(yaml.safe_load(text)):
            failures.append(f"{name}: accepted: {text}")

    for failure in failures:
        print(failure)
    print(f"{len(right)} right and {len(WRONG)} wrong files, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
