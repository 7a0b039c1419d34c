"""Daemons of a cluster as child processes of a test, and what they know of each other."""

import json
import os
import subprocess

from tombolod import Tombolod

TIMEOUT_S = 60
PREFIX = "/tombolo/v1/hosts/"


class Host(Tombolod):
    """A tombolod with --etcd."""

    def __init__(self, program, tombolo, name, endpoint, *flags, enter=()):
        self.name = name
        self._tombolo = tombolo
        super().__init__(program, "--size", "16M", "--slots", "2", "--endpoints", "64", "--etcd", endpoint,
                         "--cluster-host", name, *flags, enter=enter)

    @staticmethod
    def tombolo_at(program, runtime_dir, *words):
        return subprocess.run([program, "--runtime-dir", runtime_dir, *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                              env={**os.environ, "TOMBOLO_CONFIG": "/dev/null"})

    def tombolo(self, *words):
        return self.tombolo_at(self._tombolo, self.runtime_dir, *words)

    def cluster(self):
        """What `tombolo peers --all --json` prints."""
        done = self.tombolo("peers", "--all", "--json")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)

    def state(self):
        return self.cluster()["etcd"]["state"]

    def sees(self):
        """The names of the hosts that it knows with a region."""
        return [host["name"] for host in self.cluster()["hosts"] if host["regions"]]


def assert_each_slot_has_one_owner(clusters, history):
    """`clusters`: of several hosts. `history`: of etcd. In neither has a host, a region or a slot two owners."""
    for cluster in clusters:
        names = [host["name"] for host in cluster["hosts"]]
        assert len(names) == len(set(names)), names
        regions = [region for host in cluster["hosts"] for region in host["regions"]]
        uuids = [region["uuid"] for region in regions]
        assert len(uuids) == len(set(uuids)), uuids
        for region in regions:
            slots = [peer["slot"] for peer in region["peers"]]
            assert len(slots) == len(set(slots)), slots
    owners = {}
    for key, value in history:
        host, what = key[len(PREFIX):].split("/", 1)
        if what != "host":
            continue
        owner = value and json.loads(value)["instance"]
        assert owners.get(host) in (None, owner) or owner is None, f"{host} went from {owners[host]} to {owner}"
        owners[host] = owner
