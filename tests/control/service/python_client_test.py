#!/usr/bin/python3
"""The control API as a client in Python finds it: messages made from the .proto files, and what every gRPC server has.

Usage: python_client_test.py TOMBOLOD FILE.proto... [unittest's flags]
"""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import grpc

sys.path.insert(0, "tests/support")
from tombolod import Tombolod

TOMBOLOD = ""
FILES = []
TIMEOUT_S = 60
PACKAGE = "tombolo.control.v1"


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="python_client_", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        subprocess.run(["protoc", "-I.", f"--python_out={cls.folder}", *FILES], check=True, timeout=TIMEOUT_S)
        sys.path.insert(0, cls.folder)
        cls.messages = {name: importlib.import_module(f"control.proto.{name}_pb2")
                        for name in ("membership", "services", "admin", "regions")}
        cls.daemon = Tombolod(TOMBOLOD, "--size", "16M")
        cls.addClassCleanup(cls.daemon.stop)
        cls.operator = grpc.insecure_channel("unix:" + cls.daemon.runtime_dir + "/control.sock")
        cls.addClassCleanup(cls.operator.close)

    def call(self, channel, service, name, /, **fields):
        """As a stub would: the messages of a call are what the .proto says of it."""
        module = self.messages[service.lower()]
        method = module.DESCRIPTOR.services_by_name[service].methods_by_name[name]
        request = getattr(module, method.input_type.name)
        answer = getattr(module, method.output_type.name)
        ask = channel.unary_unary(f"/{PACKAGE}.{service}/{name}", request_serializer=request.SerializeToString,
                                  response_deserializer=answer.FromString)
        return ask(request(**fields), timeout=TIMEOUT_S)

    def test_the_host_is_a_member_and_the_region_is_described(self):
        listed = self.call(self.operator, "Membership", "ListPeers")
        self.assertEqual([peer.slot for peer in listed.peers], [0])
        described = self.call(self.operator, "Membership", "DescribePeer", slot=0)
        self.assertEqual(described.peer, listed.peers[0])
        region = self.call(self.operator, "Membership", "GetRegion").region
        self.assertEqual((region.uuid, region.size_bytes), (listed.region_uuid, 16 << 20))
        self.assertEqual(len(self.call(self.operator, "Services", "ListServices").services), 0)

    def test_a_watch_begins_with_a_snapshot(self):
        membership = self.messages["membership"]
        watch = self.operator.unary_stream(f"/{PACKAGE}.Membership/WatchPeers",
                                           request_serializer=membership.WatchPeersRequest.SerializeToString,
                                           response_deserializer=membership.WatchPeersResponse.FromString)
        stream = watch(membership.WatchPeersRequest(), timeout=TIMEOUT_S)
        first = next(stream)
        stream.cancel()
        self.assertEqual(first.WhichOneof("event"), "snapshot")

    def test_services_are_watched(self):
        services = self.messages["services"]
        watch = self.operator.unary_stream(f"/{PACKAGE}.Services/WatchServices",
                                           request_serializer=services.WatchServicesRequest.SerializeToString,
                                           response_deserializer=services.WatchServicesResponse.FromString)
        stream = watch(services.WatchServicesRequest(), timeout=TIMEOUT_S)
        first = next(stream)
        stream.cancel()
        self.assertEqual(first.WhichOneof("event"), "snapshot")
        self.assertEqual(first.revision, self.call(self.operator, "Services", "ListServices").revision)
        with self.assertRaises(grpc.RpcError) as refused:
            next(watch(services.WatchServicesRequest(resume_after_revision=7), timeout=TIMEOUT_S))
        self.assertEqual(refused.exception.code(), grpc.StatusCode.OUT_OF_RANGE)

    def test_errors_have_their_codes(self):
        with self.assertRaises(grpc.RpcError) as refused:
            self.call(self.operator, "Membership", "DescribePeer", slot=5)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.NOT_FOUND)
        with grpc.insecure_channel("unix:" + self.daemon.runtime_dir + "/guest.sock") as guest:
            with self.assertRaises(grpc.RpcError) as refused:
                self.call(guest, "Admin", "Drain")
        self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)

    def test_administrators_see_statistics(self):
        statistics = self.call(self.operator, "Admin", "GetStatistics")
        self.assertEqual(statistics.region.uuid, self.call(self.operator, "Membership", "GetRegion").region.uuid)
        self.assertEqual(statistics.log_level, self.messages["admin"].LOG_LEVEL_INFO)

    def test_regions_are_made_described_resized_and_deleted(self):
        limits = self.messages["regions"].RegionLimits(size_bytes=2 << 20, slots=3, vectors=3, endpoints=64)
        made = self.call(self.operator, "Regions", "CreateRegion", name="blue", limits=limits).region
        self.assertEqual((made.name, made.region.size_bytes, made.check.violations), ("blue", 2 << 20, 0))
        with grpc.insecure_channel("unix:" + made.folder + "/control.sock") as blue:
            self.assertEqual(self.call(blue, "Membership", "GetRegion").region.uuid, made.region.uuid)
        regions = self.call(self.operator, "Regions", "ListRegions").regions
        self.assertEqual([region.name for region in regions], ["default", "blue"])
        limits.size_bytes = 4 << 20
        self.assertEqual(self.call(self.operator, "Regions", "ResizeRegion", name="blue", limits=limits).region
                         .region.size_bytes, 4 << 20)
        self.assertEqual(self.call(self.operator, "Regions", "DescribeRegion", name="blue").region.present.endpoints, 0)
        self.call(self.operator, "Regions", "DeleteRegion", name="blue")
        with self.assertRaises(grpc.RpcError) as refused:
            self.call(self.operator, "Regions", "DescribeRegion", name="blue")
        self.assertEqual(refused.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_every_service_is_healthy(self):
        check = self.operator.unary_unary("/grpc.health.v1.Health/Check")
        for name in ("Membership", "Services", "Admin", "Regions", "Cluster"):
            service = f"{PACKAGE}.{name}".encode()
            # HealthCheckRequest{service}: field 1, a string; HealthCheckResponse{status}: field 1, 1 is SERVING.
            self.assertEqual(check(b"\x0a" + bytes([len(service)]) + service, timeout=TIMEOUT_S), b"\x08\x01", name)


if __name__ == "__main__":
    TOMBOLOD = os.path.abspath(sys.argv[1])
    FILES = [word for word in sys.argv[2:] if word.endswith(".proto")]
    unittest.main(argv=sys.argv[:1] + [word for word in sys.argv[2:] if not word.endswith(".proto")], verbosity=2)
