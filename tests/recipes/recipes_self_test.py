#!/usr/bin/env python3
"""Feeds recipes.py a recipe that is right, then the same with one thing wrong."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recipes  # noqa: E402

FILES = {"a/list.txt": "one\n  two(2)\n  three\n"}
GOOD = """# Contributing

```
not a recipe
```

# Recipes

Words.

## Add a thing

**1. Write it**: `a/thing.txt`.

<!-- add: a/thing.txt -->
```cpp
thing

  indented
```

**2. Name it**.

<!-- insert after "two" in: a/list.txt -->
```
  thing
```
<!-- insert before "two(2)" in: a/list.txt -->
```
  "before"
```
"""

# What is replaced in the recipe, and what the error must speak of.
BAD = [
    ("# Recipes\n", "# Recipe\n", "no chapter"),
    ("add: a/thing.txt", "add: a/list.txt", "there already"),
    ("add: a/thing.txt", "add: ../thing.txt", "leaves the tree"),
    ("add: a/thing.txt", "add: /thing.txt", "leaves the tree"),
    ("add: a/thing.txt", "ad: a/thing.txt", "not a mark"),
    ("<!-- add: a/thing.txt -->\n", "", "without a mark"),
    ('"two" in: a/list.txt', '"two" in: a/lists.txt', "no such file"),
    ('after "two"', 'after "four"', "0 lines"),
    ('after "two"', 'after "t"', "2 lines"),
    ('after "two"', 'behind "two"', "not a mark"),
    ("**2. Name", "**3. Name", "steps"),
    ("**1. Write", "1. Write", "steps"),
    ("**2. Name it**", "\n".join(f"**{n}. Step**" for n in range(2, 7)), "steps"),
    ('-->\n```\n  thing\n```\n', '-->\nwords\n', "no block"),
    ('-->\n```\n  thing\n```\n', '-->\n', "no block"),
    ('  "before"\n```\n', '  "before"\n', "not complete"),
    ('```\n  "before"\n```\n', "", "not complete"),
    ("## Add a thing\n", "", "above the first recipe"),
]


class RecipesSelfTest(unittest.TestCase):
    def test_does_what_the_recipe_says(self):
        self.assertEqual(recipes.follow(GOOD, FILES), {
            "a/thing.txt": "thing\n\n  indented\n",
            "a/list.txt": 'one\n  "before"\n  two(2)\n  thing\n  three\n'})
        self.assertEqual(list(recipes.read(GOOD)), ["Add a thing"])

    def test_refuses_each_recipe_that_cannot_be_followed(self):
        for old, new, words in BAD:
            with self.subTest(old=old, new=new):
                self.assertIn(old, GOOD)
                with self.assertRaisesRegex(recipes.RecipeError, words):
                    recipes.follow(GOOD.replace(old, new, 1), FILES)

    def test_says_which_recipe_and_which_mark_is_wrong(self):
        with self.assertRaises(recipes.RecipeError) as caught:
            recipes.follow(GOOD.replace('after "two"', 'after "four"'), FILES)
        self.assertEqual(str(caught.exception),
                         "'Add a thing': <!-- insert after \"four\" in: a/list.txt -->: "
                         "0 lines begin so, and it has to be one")


if __name__ == "__main__":
    unittest.main()
