#!/usr/bin/env python3
"""Follows the recipes of CONTRIBUTING.md in a copy of the tree, and tests what they added.

The copy and its build stay in WORK_FOLDER; only what differs is written and built again.

Usage: recipes_test.py WORK_FOLDER [CMAKE_OPTION …]
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "tidy")]
import recipes  # noqa: E402
import tidy  # noqa: E402

GUIDE = "CONTRIBUTING.md"

# For each recipe: the name that files may then use, the test program that it changes, and the suites that prove it.
PROOFS = {
    "Add an eviction strategy":
        ("mru", "tests/strategies/tests_strategies",
         ["EvictionStrategyContract/mru", "Mru", "Catalog"]),
    "Add a write policy":
        ("write_verified", "tests/policies/tests_policies",
         ["WritePolicyContract/write_verified", "WriteVerified"]),
    "Add a backing store":
        ("sorted", "tests/stores/tests_stores", ["BackingStoreContract/sorted", "SortedStore"]),
    "Add an event type":
        ("cache_resized", "tests/core/core_resized_test", ["CacheResized"]),
    "Add a metric":
        (None, "tests/observers/observers_resizes_test", ["Resizes"]),
}

# Mistakes put into a recipe, and in which stage each has to be found: the proof that this test can
# fail. Both are in the store, which is the quickest to build.
MISTAKES = [
    ("std::make_unique<SortedStore>()", "std::make_unique<SotredStore>()", "build"),
    ("one.stamp < found->second.stamp;", "one.stamp > found->second.stamp;", "test"),
]


class Failure(Exception):
    def __init__(self, stage, message):
        super().__init__(f"[{stage}] {message}")
        self.stage = stage


def run(stage, command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", check=False, **options)
    if result.returncode != 0:
        raise Failure(stage, f"{' '.join(command)}\n{result.stdout[-8000:]}")
    return result.stdout


def original_tree():
    files = {}
    for path in tidy.files_of(ROOT):
        with open(os.path.join(ROOT, path), "rb") as file:
            files[path] = file.read()
    return files


class Copy:
    def __init__(self, work, options):
        self.tree, self.build = os.path.join(work, "tree"), os.path.join(work, "build")
        self.options = options
        self.original = original_tree()
        if GUIDE not in self.original:
            raise Failure("read", f"found no {GUIDE}")
        self.guide = self.original[GUIDE].decode()
        self.changed = {}
        os.makedirs(self.tree, exist_ok=True)
        # With a repository of its own, the checks of the tree look at the copy alone.
        run("read", ["git", "init", "-q", self.tree])

    def follow(self, guide):
        """Makes the copy what the tree is after the recipes of `guide`."""
        texts = {}
        for path, content in self.original.items():
            try:
                texts[path] = content.decode()
            except UnicodeDecodeError:
                pass  # Packed data: no recipe changes it.
        try:
            self.changed = recipes.follow(guide, texts)
        except recipes.RecipeError as error:
            raise Failure("read", str(error)) from error
        wanted = {**self.original, **{p: text.encode() for p, text in self.changed.items()}}
        for path in set(tidy.files_of(self.tree)) - set(wanted):
            os.remove(os.path.join(self.tree, path))
        for path, content in wanted.items():
            full = os.path.join(self.tree, path)
            if os.path.exists(full):
                with open(full, "rb") as file:
                    if file.read() == content:
                        continue  # Its time stays as it was, so it is not built again.
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(content)

    def check_text(self):
        """What the recipes wrote is as the checks of the tree want it."""
        code = [path for path in self.changed if path.endswith(tidy.CODE)]
        run("format", ["clang-format-14", "--dry-run", "-Werror", *sorted(code)], cwd=self.tree)
        known = {(path, rule) for path, _, rule, _ in tidy.findings_of(ROOT)[0]}
        for path, line, rule, message in tidy.findings_of(self.tree)[0]:
            if (path, rule) not in known:
                raise Failure("tidy", f"{path}:{line}: [{rule}] {message}")
        config = os.path.join(self.tree, "config")
        run("schema", ["python3", os.path.join(self.tree, "tests/config/schema_test.py"), config])
        with open(os.path.join(config, "schema", "tarmac.schema.json"), encoding="utf-8") as file:
            offered = names_in(json.load(file))
        missing = [name for name, _, _ in PROOFS.values() if name and name not in offered]
        if missing:
            raise Failure("schema", f"not offered to editors: {missing}")

    def build_and_test(self, names):
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            run("configure", ["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja",
                              *self.options])
        proofs = [PROOFS[name] for name in names]
        run("build", ["cmake", "--build", self.build, "--parallel", "2", "--target",
                      *[os.path.basename(program) for _, program, _ in proofs]])
        for _, program, suites in proofs:
            self.test(os.path.join(self.build, program), suites)

    @staticmethod
    def test(program, suites):
        listed = run("test", [program, "--gtest_list_tests"]).splitlines()
        for suite in suites:
            if f"{suite}." not in [line.split("  #")[0].strip() for line in listed]:
                raise Failure("test", f"{program} has no suite {suite}")
        output = run("test", [program, "--gtest_brief=1",
                              "--gtest_filter=" + ":".join(f"{suite}.*" for suite in suites)])
        passed = next(line for line in output.splitlines() if "PASSED" in line)
        print(f"{os.path.basename(program)}: {passed}", flush=True)


def names_in(schema):
    """Every name of every `enum` below `schema`."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema))
    if not isinstance(schema, dict):
        return set()
    own = {name for name in schema.get("enum", []) if isinstance(name, str)}
    return own.union(*map(names_in, schema.values()))


def expect_to_be_found(copy, old, new, stage):
    if copy.guide.count(old) != 1:
        raise Failure("self-check", f"{GUIDE} has {copy.guide.count(old)} times: {old}")
    copy.follow(copy.guide.replace(old, new))
    try:
        copy.build_and_test(["Add a backing store"])
    except Failure as failure:
        if failure.stage != stage:
            raise
        print(f"self-check: a mistake is found by the {stage}: {new}", flush=True)
        return
    raise Failure("self-check", f"this mistake in a recipe was not found: {new}")


def main():
    copy = Copy(os.path.abspath(sys.argv[1]), sys.argv[2:])
    if set(recipes.read(copy.guide)) != set(PROOFS):
        raise Failure("read", f"{GUIDE} has other recipes than {sorted(PROOFS)}")
    copy.follow(copy.guide)
    copy.check_text()
    copy.build_and_test(PROOFS)
    for mistake in MISTAKES:
        expect_to_be_found(copy, *mistake)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, recipes.RecipeError) as error:
        print(f"the recipes of {GUIDE} do not work: {error}")
        sys.exit(1)
