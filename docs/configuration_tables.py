#!/usr/bin/env python3
"""Writes the tables of configuration.md from the schema of cache files, between marks in the page.

Usage: configuration_tables.py           writes the page
       configuration_tables.py --check   says what differs; status 1 if anything does
"""

import difflib
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "configuration.md")
SCHEMA = os.path.join(ROOT, "config", "schema", "tarmac.schema.json")
BEGIN, END = "<!-- from the schema: {} -->", "<!-- /from the schema -->"
MARK = re.compile(r"<!-- from the schema: (\S+) -->\n(.*?)<!-- /from the schema -->", re.DOTALL)

# How values of a definition are called, with the page that says more.
NAMES = {
    "duration": "duration",
    "byte_size": "bytes with a unit",
    "strategy_name": "[strategy](strategies.md)",
    "policy_name": "[policy](write-policies.md)",
    "store_name": "[store](stores.md)",
}
LARGEST = 1 << 62  # A bound that only the width of the number sets is none to speak of.


def at(schema, path):
    """The map of settings at a dotted path, `[]` for the elements of a list."""
    node = schema
    for step in path.split(".") if path != "." else []:
        node = node["properties"][step.removesuffix("[]")]
        if step.endswith("[]"):
            node = node["items"]
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def numbers(node):
    least = node.get("minimum", node.get("exclusiveMinimum"))
    most = node.get("maximum", node.get("exclusiveMaximum"))
    if most is not None and most >= LARGEST:
        most = None
    kind = "whole number" if node["type"] == "integer" else "number"
    over = "over " if "exclusiveMinimum" in node else ""
    under = "under " if "exclusiveMaximum" in node else ""
    if least is not None and most is not None:
        return f"{kind}, {over}{least} to {under}{most}"
    return f"{kind}, {over}{least} or more" if least else kind


def values(node):
    """What may stand there, in words."""
    if "$ref" in node:
        return NAMES[node["$ref"].rsplit("/", 1)[1]]
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        named = node["enum"]
        if all(isinstance(one, int) for one in named) and len(named) > 4:
            return f"a power of two, {named[0]} to {named[-1]}"
        return ", ".join(f"`{one}`" for one in named)
    if "anyOf" in node:
        return ", or ".join(values(one) for one in node["anyOf"])
    kind = node["type"]
    if kind in ("integer", "number"):
        return numbers(node)
    if kind == "array":
        return "event types" if "enum" in node["items"] else "list"
    if kind == "object":
        parts = [name for name in ("strategy", "policy", "store") if name in node["properties"]
                 and name in node.get("required", [])]
        return f"a map with `{parts[0]}`" if parts else "map"
    return {"boolean": "`true`, `false`", "string": "text"}[kind]


def default(name, node, required):
    if name in required:
        return "needed"
    if "default" not in node:
        return ""
    value = node["default"]
    return f"`{json.dumps(value) if isinstance(value, bool) else value}`"


def settings(node):
    rows = ["| key | meaning | values | default |", "|---|---|---|---|"]
    for name, one in node["properties"].items():
        shown = one.get("description", "").rstrip(".")
        rows.append(f"| `{name}` | {shown} | {values(one)} | "
                    f"{default(name, one, node.get('required', []))} |")
    return rows


def parameters(schema):
    """The parameters of parts: their descriptions begin with the parts they belong to."""
    rows = ["| part | parameter | meaning | values | default |", "|---|---|---|---|---|"]
    cache = schema["$defs"]["cache"]["properties"]
    for key, name in (("eviction", "strategy"), ("write_policy", "policy"), ("store", "store")):
        for parameter, node in cache[key]["anyOf"][1]["properties"].items():
            if parameter == name:
                continue
            parts, _, meaning = node["description"].partition(": ")
            # "lirs (2), frd (4)": the default depends on the part.
            own = re.findall(r"\((\d+)\)", parts)
            shown = re.sub(r" \(\d+\)", "", parts)
            if not shown.startswith("any "):
                shown = ", ".join(f"`{one}`" for one in shown.split(", "))
            rows.append(f"| {shown} | `{parameter}` | {meaning.rstrip('.')} | {values(node)} | "
                        f"{'; '.join(own) or default(parameter, node, [])} |")
    return rows


def tables(text, schema):
    """`text` with every table as the schema has it."""
    def table(match):
        path = match.group(1)
        rows = parameters(schema) if path == "parameters" else settings(at(schema, path))
        return "\n".join([BEGIN.format(path), *rows, END])

    return MARK.sub(table, text)


def main():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    if not MARK.search(text):
        print(f"{PAGE} has no table that is made from the schema")
        return 1
    wanted = tables(text, schema)
    if "--check" not in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(wanted)
        return 0
    if wanted == text:
        return 0
    print("docs/configuration.md differs from the schema; run docs/configuration_tables.py")
    print("\n".join(difflib.unified_diff(text.splitlines(), wanted.splitlines(), "page", "schema",
                                         lineterm="", n=0)))
    return 1


if __name__ == "__main__":
    sys.exit(main())
