#!/usr/bin/env python3
"""Runs the built examples, and compares what they print with what their pages show.

Usage: examples_test.py BUILD_FOLDER
"""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "docs"))
import docs_commands  # noqa: E402

BUILD = ""


def program(name):
    return os.path.join(BUILD, name, name)


def shown(name):
    """What the page of an example shows: the commands of its `console` blocks, with their output."""
    page = docs_commands.read_page(ROOT, f"examples/{name}/README.md")
    return [command for block in page.blocks if block.language == "console"
            for command in docs_commands.commands_of(block)]


class Examples(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *command):
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def ask(self, process, line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return process.stdout.readline().rstrip("\n")

    def test_prints_what_its_page_shows(self):
        for name in ("web_page_cache", "session_store", "durable_counter", "custom_strategy"):
            commands = shown(name)
            self.assertTrue(commands)
            for command in commands:
                words = command.text.split()
                self.assertEqual(words[0], f"build/{name}")
                with self.subTest(command=command.text):
                    result = subprocess.run([program(name), *words[1:]], cwd=self.folder, text=True,
                                            stdout=subprocess.PIPE, check=True, timeout=60)
                    self.assertEqual(result.stdout.splitlines(), command.output)

    def test_says_how_it_is_called(self):
        for name in ("session_store", "durable_counter", "shared_through_redis"):
            with self.subTest(name=name):
                result = subprocess.run([program(name)], capture_output=True, text=True, timeout=60,
                                        check=False)
                self.assertEqual(result.returncode, 2)
                self.assertIn(f"Usage: {name}", result.stdout + result.stderr)

    # Goal: what was printed has been counted for good. Method: kill -9 in the middle, five times; the
    # next start goes on behind the last number that was printed, or one further.
    def test_counter_survives_kill_9(self):
        printed = 0
        for _ in range(5):
            process = self.start(program("durable_counter"), "counts", "1000000")
            first = int(process.stdout.readline().split()[1])
            self.assertIn(first - printed, (1, 2))
            for _ in range(20):
                printed = int(process.stdout.readline().split()[1])
            process.send_signal(signal.SIGKILL)
            for line in process.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    printed = int(line.split()[1])
            process.wait()

    def test_service_is_scraped(self):
        service, scrape = shown("scraped_service")
        process = self.start(program("scraped_service"), "127.0.0.1:0")
        said = [process.stdout.readline().rstrip("\n")]
        url = said[0].removeprefix("metrics at ")
        said += [self.ask(process, name) for name in ("alice", "bob", "alice")]
        self.assertTrue(docs_commands.in_kind(service.output, said), said)
        self.assertEqual(said[1:], service.output[1:])
        with urllib.request.urlopen(url, timeout=20) as answer:
            metrics = answer.read().decode().splitlines()
        for line in scrape.output:
            self.assertIn(line, metrics)

    def test_processes_share_through_redis(self):
        server = self.start("redis-server", "--port", "0", "--unixsocket", "redis.sock",
                            "--save", "", "--dir", self.folder)
        for line in server.stdout:
            if "eady to accept connections" in line:
                break
        one = self.start(program("shared_through_redis"), "redis.sock")
        other = self.start(program("shared_through_redis"), "redis.sock")
        (said,) = shown("shared_through_redis")
        first = [self.ask(one, "set coffee 2.80")]
        first += [self.ask_until_kept(one), self.ask(one, "get coffee")]
        self.assertEqual(first, said.output)
        self.assertEqual(self.ask(other, "get coffee"), "2.80 (from Redis)")
        self.assertEqual(self.ask(other, "set coffee 3.20"), "set")
        answers = [self.ask(one, "get coffee")]
        while answers[-1] == "2.80" and len(answers) < 1_000_000:
            answers.append(self.ask(one, "get coffee"))  # The news is on its way.
        self.assertEqual(answers[-1], "3.20 (from Redis)")

    def ask_until_kept(self, process):
        """After its own set() a process hears of it, too; until then it asks Redis each time."""
        answer = self.ask(process, "get coffee")
        for _ in range(1_000):
            again = self.ask(process, "get coffee")
            if again == "2.80":
                break
        return answer


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
