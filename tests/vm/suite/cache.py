"""A guest whose cable is pulled serves the host's kvcache: hits from a window that it may only read, the rest through the
agent."""

import json
from pathlib import Path

import kvcache
from lab.deadline import LabError
from tombolo_kv import Client

from .checks import Checks, expect
from .without_network import PYTHON, memccapable
from .world import WITH_WINDOW, World

CALLS = Path(__file__).resolve().parents[1] / "inside/cache_calls.py"
DAMAGE = b"DAMAGED!"  # What cache_calls.py stores.
PAGE_BYTES = 4096
SECONDS = 60
# Of a hundred gets, so many at most: each that follows a pause of a second is one, and the machine may be busy.
MOST_REQUESTS = 5
SAMPLE = b"key-7"


def run(world: World, checks: Checks) -> None:
    guest = world.lab.guest(WITH_WINDOW)
    guest.unplug()
    with checks.check("tombolo-kv finds its window in vm2, and serves the host's cache there", essential=True):
        kvcache.start_in_guest(guest, world.programs)
    with checks.check("memccapable passes in vm2, through the window and the agent"):
        memccapable(world, WITH_WINDOW, kvcache.GUEST_PORT)
    with checks.check("hits are read in the window: the owner is not asked") as note:
        _call(world, "fill")
        before = kvcache.requests_to_owner()
        gets = _call(world, "hits")["gets"]
        asked = kvcache.requests_to_owner() - before
        note(f"{gets} gets, {asked} requests")
        if asked > gets * MOST_REQUESTS / 100:
            raise LabError(f"the owner was asked {asked} times by {gets} gets, expected {MOST_REQUESTS} % at most")
    with checks.check("what vm2 stores to the window changes nothing for anybody") as note:
        sample = _owners_item()
        told = _call(world, "store")
        note(f"{told['pages']} pages")
        expect((told["taken"], _damaged_pages()), (0, 0), "damaged pages, as vm2 and as the host sees them")
        expect(_owners_item(), sample, "an item, as the owner tells it")
        _call(world, "same")
    with checks.check("kill -9 of the owner: vm2's clients get errors") as note:
        world.kv_owner.kill()
        took = _call(world, "gone")
        note(f"set {took['set']:.1f} s, get {took['get']:.1f} s")
    with checks.check("the owner starts again: vm2's clients get their items"):
        world.kv_owner = kvcache.start_owner(world.lab, world.programs)
        _call(world, "back")
    guest.plug()


def _call(world: World, name: str) -> dict:
    return json.loads(world.must_run(WITH_WINDOW, [*PYTHON, CALLS, kvcache.GUEST_PORT, name], SECONDS))


def _owners_item() -> bytes | None:
    with Client(str(kvcache.CLIENTS_SOCKET)) as client:
        return client.get(SAMPLE)


def _damaged_pages() -> int:
    memory = kvcache.DEVICE.file.read_bytes()
    return sum(memory.startswith(DAMAGE, page) for page in range(0, len(memory), PAGE_BYTES))
