// kv_miss_ratio WORKLOAD REQUESTS NAME=SOCKET...: asks several servers of memcached's text protocol
// for the same keys, a batch from each in turn, and stores what is missing. Prints for each which
// share was missing, once the first third of the requests is over: NAME/WORKLOAD, in the form of
// transport_pair.
#include <stdio.h>
#include <stdlib.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/kv/key_stream.h"
#include "bench/kv/look_aside.h"
#include "bench/transport/require.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

constexpr size_t kKeysAtOnce = 50;
// Where items expire, so that servers of any speed have the same time for the same keys.
constexpr size_t kSecondsOfExpiring = 12;

const Workload kWorkloads[] = {
    {.name = "zipf99", .keys = 1'000'000, .skew = 0.99},
    {.name = "zipf80", .keys = 1'000'000, .skew = 0.8},
    {.name = "scan", .keys = 500'000, .skew = 0.99, .scan_every = 150'000, .scan_keys = 50'000},
    {.name = "expiry", .keys = 1'000'000, .skew = 0.99, .expires = true},
};

const Workload& WorkloadNamed(std::string_view name) {
  for (const Workload& workload : kWorkloads) {
    if (workload.name == name) return workload;
  }
  Fail("a workload is one of zipf99, zipf80, scan, expiry");
}

std::vector<LookAside> Connect(int count, char** words) {
  std::vector<LookAside> caches;
  for (int i = 0; i < count; ++i) {
    const std::string word = words[i];
    const size_t sign = word.find('=');
    if (sign == std::string::npos) Fail("a server is NAME=SOCKET");
    caches.emplace_back(word.substr(0, sign), word.substr(sign + 1));
  }
  return caches;
}

// Gives the misses of each after the first third.
std::vector<size_t> Use(std::vector<LookAside>& caches, const Workload& workload, size_t requests) {
  KeyStream stream(workload);
  std::vector<size_t> misses(caches.size());
  std::vector<uint64_t> keys(kKeysAtOnce);
  const int64_t begin_ns = MonotonicNs();
  for (size_t done = 0; done < requests; done += kKeysAtOnce) {
    for (uint64_t& key : keys) key = stream.Next();
    for (size_t i = 0; i < caches.size(); ++i) {
      const size_t missing = caches[i].Use(keys, stream);
      if (done >= requests / 3) misses[i] += missing;
    }
    const auto due_ns = static_cast<int64_t>(kSecondsOfExpiring * kNsPerSecond * done / requests);
    while (workload.expires && MonotonicNs() - begin_ns < due_ns) continue;
  }
  return misses;
}

int Main(int argc, char** argv) {
  if (argc < 4) Fail("usage: kv_miss_ratio WORKLOAD REQUESTS NAME=SOCKET...");
  const Workload& workload = WorkloadNamed(argv[1]);
  const auto requests = static_cast<size_t>(atol(argv[2]));
  std::vector<LookAside> caches = Connect(argc - 3, argv + 3);
  const std::vector<size_t> misses = Use(caches, workload, requests);
  const size_t counted = requests - requests / 3;
  for (size_t i = 0; i < caches.size(); ++i) {
    printf("{\"name\": \"%s/%s\", \"unit\": \"\", \"value\": %.9g}\n", caches[i].Name().c_str(),
           workload.name.c_str(), static_cast<double>(misses[i]) / static_cast<double>(counted));
  }
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }
