// guest_gets ROUNDS KEYS NAME=ADDRESS...: what one GET takes in a virtual machine, one after the
// other: through kvcache's Client, from the window, and from servers of memcached's text protocol
// over one connection. KEYS items, as bench/kv_guests_lab.py stores them, are there.
//   NAME=ADDRESS: a server, as in kv_front; `owner`: where the Client asks the owner
// Prints a line for each measurement and round, in the form of transport_pair.
#include <stdio.h>
#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/kv/text_client.h"
#include "bench/transport/require.h"
#include "kvcache/client/client.h"
#include "kvcache/server/window_device.h"
#include "kvcache/store/store_types.h"
#include "transport/base/clock.h"

namespace tombolo::bench {
namespace {

constexpr size_t kValueBytes = 100;
constexpr size_t kGets = 20'000;         // Of one measurement.
constexpr size_t kServerGets = 300;      // The same of a server.
constexpr size_t kFirstKey = 1'000'000;  // Keys are all of the same length.

struct Server {
  std::string name;
  std::unique_ptr<TextClient> client;
};

void Print(const std::string& name, int64_t begin_ns, size_t gets) {
  printf("{\"name\": \"%s\", \"unit\": \"ns\", \"value\": %.9g}\n", name.c_str(),
         static_cast<double>(MonotonicNs() - begin_ns) / static_cast<double>(gets));
}

class GuestGets {
 public:
  GuestGets(size_t keys, const std::string& owner)
      : client_(Require(
            kvcache::Client::Open({.window = Require(kvcache::FindWindow()), .owner = owner}))) {
    for (size_t i = 0; i < keys; ++i) keys_.push_back("key-" + std::to_string(kFirstKey + i));
    for (size_t i = 0; i < kGets; ++i) asked_.push_back(random_() % keys);
    for (const size_t i : asked_) requests_.push_back("get " + keys_[i] + "\r\n");
    const std::string head = "VALUE " + keys_[0] + " 0 " + std::to_string(kValueBytes) + "\r\n";
    answer_bytes_ = head.size() + kValueBytes + std::string("\r\nEND\r\n").size();
  }

  void OfWindow() {
    Get(asked_[0]);  // After a pause the owner is asked.
    const int64_t begin_ns = MonotonicNs();
    for (const size_t i : asked_) Get(i);
    Print("window", begin_ns, asked_.size());
  }

  void OfServer(Server& server) {
    const int64_t begin_ns = MonotonicNs();
    server.client->Ask(requests_, answer_bytes_, kServerGets);
    Print(server.name, begin_ns, kServerGets);
  }

  uint64_t Asked() const { return client_.Counters().asked; }

 private:
  void Get(size_t i) {
    kvcache::StoredValue item;
    const bool is_hit = Require(client_.GetInto(keys_[i], std::span(value_), item));
    if (!is_hit || item.value_bytes != kValueBytes) Fail("a get missed");
  }

  kvcache::Client client_;
  std::minstd_rand random_{7};
  std::vector<std::string> keys_;
  std::vector<size_t> asked_;
  std::vector<std::string> requests_;
  size_t answer_bytes_ = 0;
  std::vector<std::byte> value_ = std::vector<std::byte>(kValueBytes);
};

void Measure(int rounds, GuestGets& gets, std::vector<Server>& servers) {
  for (int round = 0; round < rounds; ++round) {
    const bool is_forward = round % 2 == 0;
    if (is_forward) gets.OfWindow();
    for (size_t i = 0; i < servers.size(); ++i) {
      gets.OfServer(servers[is_forward ? i : servers.size() - 1 - i]);
    }
    if (!is_forward) gets.OfWindow();
  }
  printf("{\"name\": \"asked\", \"unit\": \"\", \"value\": %.9g}\n",
         static_cast<double>(gets.Asked()) / static_cast<double>(kGets) / rounds);
}

int Main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: guest_gets ROUNDS KEYS owner=ADDRESS NAME=ADDRESS...\n");
    return 2;
  }
  std::string owner;
  std::vector<Server> servers;
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    if (equals == std::string::npos) Fail(word + " is no NAME=ADDRESS");
    const std::string name = word.substr(0, equals), address = word.substr(equals + 1);
    if (name == "owner") {
      owner = address;
    } else {
      servers.push_back({name, std::make_unique<TextClient>(address, /*connections=*/1)});
    }
  }
  GuestGets gets(static_cast<size_t>(atoi(argv[2])), owner);
  Measure(atoi(argv[1]), gets, servers);
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }
