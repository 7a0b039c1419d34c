// kv_sets ROUNDS MEMCACHED NAME=OWNER...: how long a set of 100 bytes takes, one after the other,
// by the library through each owner of a cache, and by a connection to stock memcached. OWNER: as
// OwnerAddress has it; MEMCACHED: as TextClient has it. On the last core; the servers had better be
// on others. Prints a line for each measurement and round, in the form of transport_pair.
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bench/kv/asked_keys.h"
#include "bench/kv/text_client.h"
#include "bench/transport/cores.h"
#include "bench/transport/require.h"
#include "kvcache/client/client.h"
#include "kvcache/store/store_types.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

using kvcache::Client;

constexpr size_t kKeys = 10'000;
constexpr size_t kWarmUp = 1'000;  // Of a round, and not timed.
constexpr size_t kSets = 5'000;

// Times each call of `work(i)`, and prints the median and the 99th percentile. The clock's own time
// is in them.
template <typename Work>
void PrintTimes(const std::string& name, Work work) {
  for (size_t i = 0; i < kWarmUp; ++i) work(i);
  std::vector<int64_t> ns(kSets);
  const uint64_t preempted = TimesPreempted();
  for (size_t i = 0; i < kSets; ++i) {
    const int64_t begin_ns = MonotonicNs();
    work(i);
    ns[i] = MonotonicNs() - begin_ns;
  }
  const bool is_disturbed = TimesPreempted() != preempted;
  std::sort(ns.begin(), ns.end());
  const std::pair<const char*, size_t> quantiles[] = {{"p50", kSets / 2}, {"p99", kSets / 100}};
  for (const auto& [quantile, slower] : quantiles) {
    printf("{\"name\": \"%s/set/%s\", \"unit\": \"ns\", \"value\": %.9g, \"disturbed\": %s}\n",
           name.c_str(), quantile, static_cast<double>(ns[kSets - 1 - slower]),
           is_disturbed ? "true" : "false");
  }
}

struct Owner {
  std::string name;
  Client client;
};

void Set(Client& client, const Key& key, const std::string& value) {
  const auto answer = Require(client.Set(key.View(), value));
  if (answer.result != kvcache::StoreResult::kStored) Fail("a set was refused");
}

std::vector<Owner> OwnersIn(int argc, char** argv) {
  std::vector<Owner> owners;
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t sign = word.find('=');
    if (sign == std::string::npos) Fail("an owner is NAME=ADDRESS");
    owners.push_back(
        {word.substr(0, sign), Require(Client::Open({.owner = word.substr(sign + 1)}))});
  }
  return owners;
}

int Main(int argc, char** argv) {
  if (argc < 4) Fail("usage: kv_sets ROUNDS MEMCACHED NAME=OWNER...");
  PinTo(AllowedCores().back());
  const std::string value(kValueBytes, 'v');
  std::vector<Owner> owners = OwnersIn(argc, argv);
  TextClient memcached(argv[2], 1);
  std::vector<Key> keys;
  std::vector<std::vector<std::string>> requests;
  for (size_t i = 0; i < kKeys; ++i) {
    keys.push_back(KeyOf(i));
    requests.push_back({"set " + std::string(keys[i].View()) + " 0 0 " +
                        std::to_string(value.size()) + "\r\n" + value + "\r\n"});
  }
  for (int round = 0; round < atoi(argv[1]); ++round) {
    PrintTimes("memcached", [&](size_t i) {
      memcached.Ask(requests[i % kKeys], std::string("STORED\r\n").size(), 1);
    });
    for (Owner& owner : owners) {
      PrintTimes(owner.name, [&](size_t i) { Set(owner.client, keys[i % kKeys], value); });
    }
  }
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }
