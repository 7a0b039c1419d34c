#!/usr/bin/python3
"""Weakens store, reader or server in one place, and looks whether the tests notice: each mutant must fail its tests.

Works on a copy of the tree, with the sources as they are here, and builds there; the cache of ./dev build helps. A mutant
whose place is no longer in the source is an error: describe it anew. The last line is "N passed, M failed".
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TESTS_FAILED = 3  # As bazel says it.
# Longer than usual, so that what is a matter of luck is met.
LONG_FORMS = {"TORN_READ_HITS": "50000", "KILL_LOOP_KILLS": "300"}

READER, PLACEMENT, RECOVERY = "kvcache/client/reader.cc", "kvcache/store/placement.cc", "kvcache/store/recovery.cc"
SEGMENTS, WRITES, EVICTION = "kvcache/store/segment_log.cc", "kvcache/store/mutations.cc", "kvcache/store/eviction.cc"
SOCKET, WORKER = "kvcache/server/connection.cc", "kvcache/server/worker_backend.cc"


class Mutant(NamedTuple):
    name: str
    tests: str  # Of tests/kvcache, or as server:NAME of a folder below it: each of them must fail.
    file: str
    before: str
    after: str


MUTANTS = (
    Mutant("an item is published before its bytes", "torn_read_test kill_loop_test kill_steps_test", WRITES,
           """  ItemWriter writer(shard_.At(*place), header);
  for (const std::string_view part : {draft.key, draft.head, draft.tail}) writer.Append(part);
  writer.Finish();
  log_.Commit(queue, item_bytes);
  if (!Publish(draft, before, *place)) return {.result = StoreResult::kNoMemory};
""",
           """  log_.Commit(queue, item_bytes);
  if (!Publish(draft, before, *place)) return {.result = StoreResult::kNoMemory};
  ItemWriter writer(shard_.At(*place), header);
  for (const std::string_view part : {draft.key, draft.head, draft.tail}) writer.Append(part);
  writer.Finish();
"""),
    Mutant("a survivor is published before its bytes", "torn_read_test", EVICTION,
           """  ItemWriter writer(shard_.At(*place), entry.header);
""",
           """  index_.Fill(entry.slot, hash, *place, entry.header.life.expiry_s);
  ItemWriter writer(shard_.At(*place), entry.header);
"""),
    Mutant("the slot leads to more than the segment says is written", "kill_steps_test", WRITES,
           """  log_.Commit(queue, item_bytes);
  if (!Publish(draft, before, *place)) return {.result = StoreResult::kNoMemory};
""",
           """  if (!Publish(draft, before, *place)) return {.result = StoreResult::kNoMemory};
  log_.Commit(queue, item_bytes);
"""),
    Mutant("a segment is recycled in the same generation", "read_steps_test", SEGMENTS, "  ++recycled.generation;\n", ""),
    Mutant("a reader does not look again after its copy", "torn_read_test read_steps_test", READER,
           "#else\nconstexpr bool kLooksAgain = true;", "#else\nconstexpr bool kLooksAgain = false;"),
    Mutant("a reader does not look at the generation again", "read_steps_test", READER,
           "  return segment.generation.load(acquire) == candidate.generation &&\n",
           "  return (segment.generation.load(acquire) == candidate.generation || true) &&\n"),
    Mutant("a reader does not look at the slot again", "read_steps_test", READER,
           "         WordOf(candidate.slot).load(acquire) == candidate.word &&\n",
           "         (WordOf(candidate.slot).load(acquire) == candidate.word || true) &&\n"),
    Mutant("a view is valid whatever became of it", "torn_read_test reader_test", READER,
           "  return IsUnchanged({.slot = view.found.slot,\n", "  return true || IsUnchanged({.slot = view.found.slot,\n"),
    Mutant("a key that has a slot gets another one", "kill_loop_test", WRITES,
           "  if (before) {\n    index_.Fill(", "  if (before && shard_.Shape().bucket_count == 0) {\n    index_.Fill("),
    Mutant("a store that never evicts drops what nobody asked for", "memory_limit_test", EVICTION,
           "  if (survivors == Survivors::kAll) return true;\n", ""),
    Mutant("a store that never evicts gives a slot of another key away", "memory_limit_test", PLACEMENT,
           "  if (never_evicts_) return std::nullopt;\n", ""),
    Mutant("a segment that is given up is filled", "memory_limit_test", SEGMENTS,
           "  free_.pop_back();\n  return held_.back();", "  return held_.back();"),
    Mutant("a delete leaves the slot", "kill_loop_test", WRITES,
           "  index_.Clear(before->slot);\n  return {.result = StoreResult::kDone};",
           "  return {.result = StoreResult::kDone};"),
    Mutant("an item leaves its first bucket before it is in its second", "kill_steps_test", PLACEMENT,
           "  index_.Fill(*next, hash, entry->place, entry->header.life.expiry_s);\n",
           "  index_.Clear(slot);\n  index_.Fill(*next, hash, entry->place, entry->header.life.expiry_s);\n"),
    Mutant("an item moves back to its first bucket", "store_test", PLACEMENT,
           "  if (slot / kBucketSlots != pair.first) return false;\n"
           "  const std::optional<uint64_t> next = index_.EmptySlotIn(pair.second);\n",
           "  const bool is_first = slot / kBucketSlots == pair.first;\n"
           "  const std::optional<uint64_t> next = index_.EmptySlotIn(is_first ? pair.second : pair.first);\n"),
    Mutant("a reader looks at the second bucket first", "read_steps_test", READER,
           "{buckets.first, buckets.second}", "{buckets.second, buckets.first}"),
    Mutant("the next owner leaves an item in both buckets", "kill_steps_test", RECOVERY, "  FinishMove();\n", ""),
    Mutant("the next owner takes what was being filled for empty", "kill_loop_test", SEGMENTS,
           "      SetState(segment, SegmentState::kSealed);\n      [[fallthrough]];",
           "      free_.push_back(segment);\n      break;"),
    Mutant("the next owner forgets what was being recycled", "kill_loop_test", SEGMENTS,
           "      unfinished_.push_back(segment);\n", ""),
    Mutant("a server hands out a value without looking again after its copy", "server:worker_backend_test", WORKER,
           "    if (reader.StillValid(view)) {\n", "    if (reader.StillValid(view) || true) {\n"),
    Mutant("a server forgets the end that came with the last bytes", "server:connections_test", SOCKET,
           "is_readable_ = got >= 0 && (is_ending_ || static_cast<size_t>(got) == buffer.size());",
           "is_readable_ = got >= 0 && static_cast<size_t>(got) == buffer.size();"),
    Mutant("a server takes a full buffer for all there was", "server:connections_test", SOCKET,
           "is_readable_ = got >= 0 && (is_ending_ || static_cast<size_t>(got) == buffer.size());",
           "is_readable_ = got >= 0 && is_ending_;"),
    Mutant("a watcher that does not read keeps all its lines", "protocol:watch_test", "kvcache/protocol/watch_log.cc",
           "  if (lines_.size() + line.size() > WatchLog::kMostBytesOfWatcher) {\n", "  if (false) {\n"),
)


def label(test: str) -> str:
    folder, _, name = test.rpartition(":")
    return f"//{os.path.join('tests/kvcache', folder).rstrip('/')}:{name}"


def copy_tree(to: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE).stdout.decode()
    for name in filter(lambda name: name and os.path.lexists(ROOT / name), listed.split("\0")):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)


class Copy:
    def __init__(self, folder: str):
        self.tree, self.output = Path(folder, "tree"), Path(folder, "output")
        copy_tree(self.tree)

    def bazel(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bazel", f"--output_base={self.output}", *words], cwd=self.tree, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def test(self, *names: str) -> subprocess.CompletedProcess[str]:
        settings = [f"--test_env={name}={value}" for name, value in LONG_FORMS.items()]
        return self.bazel("test", "--noshow_progress", "--keep_going", "--test_output=summary", *settings,
                          *(label(name) for name in names))

    def close(self) -> None:
        self.bazel("shutdown")
        # What bazel unpacks is not writable.
        subprocess.run(["chmod", "-R", "u+w", str(self.output)], check=False)

    def why_alive(self, mutant: Mutant) -> str:
        """Empty if all its tests noticed."""
        file = self.tree / mutant.file
        source = file.read_text(encoding="utf-8")
        if source.count(mutant.before) != 1:
            return f"its place is {source.count(mutant.before)} times in {mutant.file}, expected once: describe it anew"
        file.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")
        ends = {name: self.test(name) for name in mutant.tests.split()}
        file.write_text(source, encoding="utf-8")
        wrong = {name: end for name, end in ends.items() if end.returncode != TESTS_FAILED}
        return "; ".join(f"{name} passed" if end.returncode == 0 else f"{name} was not run: {end.stdout}"
                         for name, end in wrong.items())


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", metavar="WORD", nargs="*", help="only mutants whose names contain one of them")
    words = parser.parse_args().words
    mutants = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    if not mutants:
        parser.error(f"no mutant is called so: {' '.join(words)}; there are: {', '.join(one.name for one in MUTANTS)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tombolo_mutants_", dir="/tmp") as folder:
        copy = Copy(folder)
        try:
            usual = copy.test(*sorted({name for mutant in mutants for name in mutant.tests.split()}))
            if usual.returncode != 0:
                print(f"error: without a mutant the tests fail:\n{usual.stdout}", file=sys.stderr)
                return 1
            for mutant in mutants:
                why = copy.why_alive(mutant)
                failed += why != ""
                print(f"{'LIVES' if why else 'caught'}  {mutant.name} ({why or 'by ' + mutant.tests})", flush=True)
        finally:
            copy.close()
    print(f"{len(mutants) - failed} passed, {failed} failed")
    return int(failed != 0)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
