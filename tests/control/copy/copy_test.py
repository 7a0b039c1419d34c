#!/usr/bin/python3
"""`tombolo cp` and an agent with --allow-copy, as processes.

Usage: copy_test.py TOMBOLOD TOMBOLO_AGENT TOMBOLO [unittest's flags]
"""

import os
import pty
import stat
import subprocess
import sys

sys.path[:0] = ["tests/support", "tests/control/copy"]
from copy_fixture import (DATA, FAILED, GOOD, NOT_RUNNING, PUT, TIMEOUT_S, USAGE, CopyTest, frame, from_frame, main,
                          read, write)
from forwarding import HostAgent, eventually


class RoundTripTest(CopyTest):
    def test_files_arrive_as_they_were(self):
        self.start_agent()
        for size in (0, 1, 65535, 65536, 5_000_000):
            source = self.local("a.img", size, seed=size)
            os.chmod(source, 0o750)
            self.copy(source, "0:" + self.path("inbox", "b.img"), saying="checksum good")
            there = self.path("inbox", "b.img")
            self.assertEqual(read(there), read(source))
            self.assertEqual(stat.S_IMODE(os.stat(there).st_mode), 0o750)
            self.copy("0:" + there, self.path("here", "c.img"))
            self.assertEqual(read(self.path("here", "c.img")), read(source))
        self.assertEqual(os.listdir(self.path("inbox")), ["b.img"], "no part is left")
        self.assertCountEqual(os.listdir(self.path("here")), ["a.img", "c.img"])

    def test_folders_keep_the_name_and_relative_paths_are_below_the_first(self):
        self.start_agent()
        source = self.local("x y", 10)
        self.copy(source, "0:" + self.path("inbox") + "/")
        os.mkdir(self.path("inbox", "sub"))
        self.copy("x y", "0:sub/z", cwd=self.path("here"))
        self.assertEqual(read(self.path("inbox", "sub", "z")), read(source))
        self.copy("0:x y", ".", cwd=self.path("outside"))
        self.assertEqual(read(self.path("outside", "x y")), read(source))
        write(self.path("library", "deep", "book"), b"words")
        self.copy("0:" + self.path("library", "deep", "book"), self.path("outside"))
        self.assertEqual(read(self.path("outside", "book")), b"words")

    def test_nobody_is_let_to_write_by_the_sender(self):
        self.start_agent()
        source = self.local("a", 1)
        os.chmod(source, 0o777)
        self.copy(source, "0:a")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("inbox", "a")).st_mode), 0o755)

    def test_quiet_says_nothing(self):
        self.start_agent()
        self.assertEqual(self.copy("-q", self.local("a", 100), "0:a"), "")

    def test_a_terminal_sees_how_far_it_is(self):
        self.start_agent()
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start(self.local("a", 300_000), "0:a", stderr=theirs, env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        self.assertEqual(process.wait(TIMEOUT_S), GOOD)
        self.assertRegex(os.read(ours, 65536), rb"^\r\x1b\[Ka \[=*>? *\] \d+ %  \d+ (Ki)?B of 292 KiB.*\r\x1b\[K$")

    def test_several_at_a_time(self):
        self.start_agent()
        sources = [self.local(f"f{i}", 300_000, seed=i) for i in range(12)]
        for process in [self.start(source, "0:") for source in sources]:
            self.assertEqual(process.wait(TIMEOUT_S), GOOD)
        for source in sources:
            self.assertEqual(read(self.path("inbox", os.path.basename(source))), read(source))


class FolderTest(CopyTest):
    def tree(self, *names):
        """What lies below: folders end with a slash."""
        root = self.path(*names)
        found = {}
        for folder, folders, files in os.walk(root):
            for name in folders:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, root) + "/"] = os.path.islink(path)
            for name in files:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, root)] = read(path)
        return found

    def plant(self, folder):
        os.makedirs(os.path.join(folder, "a", "b c", "d"))
        os.mkdir(os.path.join(folder, "empty"))
        for number, name in enumerate(("1", "a/2", "a/b c/3", "a/b c/d/4")):
            write(os.path.join(folder, name), b"x" * 40_000 * number)

    def test_a_folder_arrives_as_it_was_both_ways(self):
        self.start_agent()
        self.plant(self.path("here", "tree"))
        planted = self.tree("here", "tree")
        for _ in range(2):  # The second time over what is there.
            said = self.copy("-r", self.path("here", "tree") + "/", "0:")
            self.assertEqual(said.count("checksum good"), 4)
            self.assertEqual(self.tree("inbox", "tree"), planted)
        self.copy("-qr", "0:tree", self.path("outside"))
        self.assertEqual(self.tree("outside", "tree"), planted)
        self.copy("-qr", "0:" + self.path("inbox", "tree", "a"), self.path("outside", "other"))
        self.assertEqual(sorted(self.tree("outside", "other")), ["2", "b c/", "b c/3", "b c/d/", "b c/d/4"])

    def test_links_and_pipes_are_left_out_and_named(self):
        self.start_agent()
        for folder in ("here", "library"):
            self.plant(self.path(folder, "tree"))
            os.symlink("..", self.path(folder, "tree", "circle"))
            os.symlink("1", self.path(folder, "tree", "link"))
            os.mkfifo(self.path(folder, "tree", "pipe"))
        process = self.start("-qr", self.path("here", "tree"), "0:")
        _, said = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, GOOD, said)
        self.assertEqual(said.count("left out"), 3, said)
        self.copy("-qr", "0:" + self.path("library", "tree"), self.path("outside"))
        for folder in ("inbox", "outside"):
            self.assertEqual(sorted(self.tree(folder, "tree")),
                             ["1", "a/", "a/2", "a/b c/", "a/b c/3", "a/b c/d/", "a/b c/d/4", "empty/"])

    def test_no_folder_is_made_where_nothing_may_be_written(self):
        self.start_agent()
        self.plant(self.path("here", "tree"))
        tree = self.path("here", "tree")
        self.copy("-r", tree, "0:" + self.path("library") + "/", code=FAILED, saying="is only for reading")
        os.symlink("../outside", self.path("inbox", "tree"))
        self.copy("-r", tree, "0:", code=FAILED, saying="leads out of the folder")
        self.copy("-r", tree, "0:../outside/tree", code=FAILED, saying="leads out of the folder")
        self.copy("-r", tree, "0:" + self.path("outside", "tree"), code=FAILED, saying="below no folder")
        self.copy("-r", "0:" + self.path("outside"), self.path("here", "got"), code=FAILED, saying="below no folder")
        self.copy("-r", "0:tree", self.path("here", "got"), code=FAILED, saying="leads out of the folder")
        self.assertEqual(os.listdir(self.path("outside")), [])
        self.assertEqual(os.listdir(self.path("library")), ["deep"])
        self.assertFalse(os.path.exists(self.path("here", "got")))

    def test_a_link_here_is_not_written_through(self):
        self.start_agent()
        self.plant(self.path("library", "tree"))
        os.makedirs(self.path("here", "tree"))
        os.symlink(self.path("outside"), self.path("here", "tree", "a"))
        self.copy("-qr", "0:" + self.path("library", "tree"), self.path("here"), code=FAILED, saying="make the folder")
        self.assertEqual(os.listdir(self.path("outside")), [])

    def test_a_file_is_no_folder(self):
        self.start_agent()
        source = self.local("a", 1)
        self.copy("-r", source, "0:", code=FAILED, saying="Not a directory")
        os.mkdir(self.path("here", "tree"))
        self.copy(self.path("here", "tree"), "0:", code=USAGE, saying="-r copies all that is in it")
        self.copy(source, "0:")
        self.copy("-r", "0:a", self.path("here", "got"), code=FAILED, saying="Not a directory")
        self.copy("-r", self.path("here", "tree"), "0:a", code=FAILED, saying="Not a directory")


class ResumeTest(CopyTest):
    def part(self, folder, name):
        return self.path(folder, f".{name}.tombolo-part")

    def test_a_part_that_fits_is_kept_and_another_one_is_not(self):
        self.start_agent()
        source = self.local("a", 3 << 20)
        content = read(source)
        for folder, words in (("inbox", (source, "0:a")),
                              ("here", ("0:" + self.path("library", "a"), self.path("here", "b")))):
            write(self.path("library", "a"), content)
            part = self.part(folder, "a" if folder == "inbox" else "b")
            write(part, content[:2 << 20])
            self.assertIn("3 MiB, of which 2 MiB were there", self.copy(*words))
            write(part, b"?" + content[1:2 << 20])
            self.assertNotIn("were there", self.copy(*words), "it begins otherwise")
            write(part, content + b"more")
            self.assertNotIn("were there", self.copy(*words), "it is longer")
            write(part, content)
            self.assertIn("3 MiB, of which 3 MiB were there", self.copy(*words))
            self.assertFalse(os.path.exists(part))
        self.assertEqual(read(self.path("inbox", "a")), content)
        self.assertEqual(read(self.path("here", "b")), content)

    def test_a_cut_copy_goes_on_where_it_stopped(self):
        agent = self.start_agent()
        source = self.local("a", 200_000)
        content = read(source)
        for victim in ("client", "agent"):
            part = self.part("inbox", victim)
            client = self.connect()
            client.sendall(frame(PUT, victim.encode()) + from_frame(0, len(content)) + frame(DATA, content[:60_000]))
            self.assertTrue(eventually(lambda: os.path.exists(part) and os.stat(part).st_size == 60_000))
            if victim == "agent":
                agent.kill()
            client.close()
            self.again(source, "0:" + victim, "of which 58 KiB were there")
            self.assertEqual(read(self.path("inbox", victim)), content)

    def again(self, source, target, saying):
        """Until the agent has learnt that the other copy has ended."""
        def done():
            process = self.start(source, target)
            out, said = process.communicate(timeout=TIMEOUT_S)
            self.assertIn(saying if process.returncode == GOOD else "by another copy", out + said)
            return process.returncode == GOOD
        self.assertTrue(eventually(done))


class AllowedTest(CopyTest):
    def test_without_the_flag_nobody_copies(self):
        agent = HostAgent(self.AGENT, self.daemon.runtime_dir)
        self.addCleanup(agent.stop)
        self.copy(self.local("a", 1), "0:a", code=FAILED, saying="slot 0 lets nobody copy: start its tombolo-agent "
                  "with --allow-copy DIR:rw")
        self.assertFalse(os.path.exists(os.path.join(self.daemon.runtime_dir, "copy.sock")))

    def test_nothing_is_written_where_reading_is_allowed(self):
        self.start_agent()
        self.copy(self.local("a", 1), "0:" + self.path("library", "a"), code=FAILED, saying="is only for reading")
        self.assertEqual(os.listdir(self.path("library")), ["deep"])

    def test_no_path_leads_out(self):
        self.start_agent()
        write(self.path("outside", "secret"), b"secret")
        os.symlink(self.path("outside"), self.path("inbox", "absolute"))
        os.symlink("../outside", self.path("inbox", "relative"))
        os.symlink("/proc/self/root" + self.path("outside"), self.path("inbox", "magic"))
        os.symlink("../outside/secret", self.path("inbox", "link"))
        source = self.local("a", 1)
        for path in ("absolute/secret", "relative/secret", "magic/secret", "link", "../outside/secret",
                     self.path("inbox", "..", "outside", "secret"), self.path("outside", "secret"),
                     self.path("inboxes", "secret"), "/etc/passwd"):
            said = self.copy("0:" + path, self.path("here", "got"), code=FAILED)
            self.assertRegex(said, "leads out of the folder|below no folder", path)
            if path != "link":
                self.assertRegex(self.copy(source, "0:" + path, code=FAILED), "leads out of|below no folder", path)
        self.copy(source, "0:link")
        self.assertEqual(read(self.path("inbox", "link")), read(source), "it took the link's place")
        self.assertEqual(read(self.path("outside", "secret")), b"secret")
        self.assertEqual(os.listdir(self.path("outside")), ["secret"])
        self.assertFalse(os.path.exists(self.path("here", "got")))

    def test_links_that_stay_below_are_followed(self):
        self.start_agent()
        write(self.path("library", "deep", "book"), b"words")
        os.symlink("deep/book", self.path("library", "short"))
        self.copy("0:" + self.path("library", "short"), self.path("here", "book"))
        self.assertEqual(read(self.path("here", "book")), b"words")

    def test_only_regular_files_are_copied(self):
        self.start_agent()
        os.mkfifo(self.path("inbox", "pipe"))
        os.mkdir(self.path("inbox", "sub"))
        for name in ("pipe", "sub"):
            self.copy("0:" + name, self.path("here", "got"), code=FAILED, saying="is no regular file")
        self.copy("0:nothing", self.path("here", "got"), code=FAILED, saying="No such file")
        source = self.local("a", 1)
        self.copy(source, "0:sub", code=FAILED, saying="end it with /")
        self.copy(source, "0:" + self.path("inbox"), code=FAILED, saying="is the folder itself")
        self.copy(source, "0:nothing/a", code=FAILED, saying="No such file")
        self.copy(self.path("inbox", "pipe"), "0:a", code=USAGE, saying="is no regular file")
        self.copy(source, "0:.a.tombolo-part", code=FAILED, saying="part of another copy")

    def test_a_part_that_somebody_planted_is_not_written(self):
        self.start_agent()
        secret = write(self.path("outside", "secret"), b"secret")
        source = self.local("a", 1)
        part = self.path("inbox", ".a.tombolo-part")
        os.symlink(secret, part)
        self.copy(source, "0:a", code=FAILED)
        os.unlink(part)
        os.link(secret, part)
        self.copy(source, "0:a", code=FAILED, saying="is no file of this program's")
        self.assertEqual(read(secret), b"secret")

    def test_words_that_make_no_sense_are_refused(self):
        source = self.local("a", 1)
        self.copy(source, self.path("inbox"), code=USAGE, saying="has to be SLOT:PATH")
        self.copy("0:a", "1:b", code=USAGE, saying="has to be SLOT:PATH")
        self.copy(self.path("here") + "/", "0:a", code=USAGE, saying="-r copies a folder")
        self.copy(source, "0:a", code=FAILED, saying="slot 0 has no agent")
        self.copy(source, "77:a", code=USAGE, saying="there is no slot 77")
        self.copy(self.path("here", "none"), "0:a", code=FAILED, saying="No such file")
        self.assertEqual(subprocess.run([self.TOMBOLO, "--runtime-dir", self.path("here"), "cp", source, "0:a"],
                                        capture_output=True, check=False).returncode, NOT_RUNNING)
        for flags, saying in ((("--allow-copy", "relative"), "absolute path"),
                              (("--allow-copy", "/tmp", "--allow", "copy=127.0.0.1:1"), "call it otherwise")):
            agent = subprocess.run([self.AGENT, "--host", "--runtime-dir", self.daemon.runtime_dir, *flags],
                                   capture_output=True, text=True, check=False)
            self.assertEqual((agent.returncode, saying in agent.stderr), (USAGE, True), agent.stderr)


if __name__ == "__main__":
    main()
