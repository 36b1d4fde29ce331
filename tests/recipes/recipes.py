"""Reads the recipes of CONTRIBUTING.md, and does what they say to the files of a tree.

A recipe is a section of the chapter `# Recipes` with code in it. Its steps begin with `**1.`, `**2.`
and so on. The comment above a block of code says what to do with the block:

    <!-- add: PATH -->                          a new file
    <!-- insert after "LINE" in: PATH -->       behind the one line that begins so, indentation aside
    <!-- insert before "LINE" in: PATH -->      in front of it
"""

import os
import re

CHAPTER = "# Recipes"
MAX_STEPS = 5
ADD = re.compile(r"<!-- add: (\S+) -->")
INSERT = re.compile(r'<!-- insert (after|before) "(.+)" in: (\S+) -->')


class RecipeError(Exception):
    """A recipe cannot be followed. The message names it, and what is wrong."""


class Edit:
    def __init__(self, recipe, mark, block):
        self.recipe, self.mark, self.block = recipe, mark, block

    def fail(self, reason):
        raise RecipeError(f"'{self.recipe}': {self.mark or 'a block without a mark'}: {reason}")

    def apply(self, files):
        """Changes `files`, a map from paths to texts."""
        add, insert = ADD.fullmatch(self.mark), INSERT.fullmatch(self.mark)
        if not add and not insert:
            self.fail("this is not a mark that says what to do with a block")
        path = (add or insert).group(add and 1 or 3)
        if os.path.isabs(path) or ".." in path.split("/"):
            self.fail("the path leaves the tree")
        if add:
            if path in files:
                self.fail("the file is there already")
            files[path] = self.block
            return
        if path not in files:
            self.fail("there is no such file")
        lines = files[path].splitlines(keepends=True)
        places = [n for n, line in enumerate(lines) if line.strip().startswith(insert.group(2))]
        if len(places) != 1:
            self.fail(f"{len(places)} lines begin so, and it has to be one")
        lines.insert(places[0] + (insert.group(1) == "after"), self.block)
        files[path] = "".join(lines)


def read(text):
    """The edits of each recipe, by its heading."""
    if f"\n{CHAPTER}\n" not in text:
        raise RecipeError(f"there is no chapter '{CHAPTER}'")
    recipes, steps, title, mark, block = {}, {}, None, "", None
    for line in text.split(f"\n{CHAPTER}\n", 1)[1].splitlines(keepends=True):
        if block is not None:
            if line.strip() == "```":
                if title is None:
                    raise RecipeError("a block of code above the first recipe")
                recipes.setdefault(title, []).append(Edit(title, mark, "".join(block)))
                mark, block = "", None
            else:
                block.append(line)
        elif line.startswith("```"):
            block = []
        elif line.startswith("## "):
            title = line[3:].strip()
        elif line.startswith("<!--"):
            if mark:
                raise RecipeError(f"'{title}': {mark}: no block of code follows it")
            mark = line.strip()
        elif line.strip():
            if mark:
                raise RecipeError(f"'{title}': {mark}: no block of code follows it")
            step = re.match(r"\*\*(\d+)\.", line)
            if step:
                steps.setdefault(title, []).append(int(step.group(1)))
    if mark or block is not None:
        raise RecipeError(f"'{title}': the last block is not complete")
    for name in recipes:
        numbers = steps.get(name, [])
        if numbers != list(range(1, len(numbers) + 1)) or not 1 <= len(numbers) <= MAX_STEPS:
            raise RecipeError(f"'{name}': its steps are {numbers}, and not 1 to at most {MAX_STEPS}")
    return recipes


def follow(text, files):
    """Follows every recipe of `text`; gives the files that it changes or adds, with their texts."""
    result = dict(files)
    for edits in read(text).values():
        for edit in edits:
            edit.apply(result)
    return {path: content for path, content in result.items() if files.get(path) != content}
