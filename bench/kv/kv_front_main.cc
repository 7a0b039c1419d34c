// kv_front ROUNDS NAME=ADDRESS@PID...: asks several servers of memcached's text protocol the same,
// one after the other in every round. ADDRESS: a port of 127.0.0.1 or the path of a Unix socket;
// PID: the server's process. Prints requests (get, set) or keys (mget) a second, in the form of
// transport_pair: NAME/get/CONNECTIONS/VALUE_BYTES and so on; and the same with /busy behind it by
// the server's processor time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/kv/text_client.h"
#include "bench/transport/cores.h"
#include "bench/transport/require.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

constexpr size_t kKeys = 10'000;
constexpr size_t kKeysAtOnce = 100;
constexpr size_t kUsualBytes = 100;
constexpr size_t kLongerBytes[] = {1024, 4096, 16384, 65536};
constexpr size_t kConnections[] = {1, 8, 64};
constexpr size_t kUsualConnections = 8;
constexpr size_t kRequests = 4'000;
constexpr size_t kMostBytes = 64 * kMiB;  // Of values in one measurement.

struct Work {
  std::string name;
  size_t connections = 1;
  std::vector<std::string> requests;
  size_t answer_bytes = 0;
  size_t count = 0;         // Of requests.
  double results_each = 1;  // What is counted of a request.
};

struct Target {
  std::string name;
  std::string address;
  clockid_t processor_time = CLOCK_MONOTONIC;
};

double SecondsOf(clockid_t clock) {
  timespec now;
  Require(clock_gettime(clock, &now) == 0, "reading the processor time of a server");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / kNsPerSecond;
}

std::string Key(size_t number, size_t value_bytes) {
  char text[64];
  snprintf(text, sizeof(text), "%06zu:%08zu", value_bytes, number);
  return text;
}

size_t ItemAnswerBytes(size_t value_bytes) {
  return ("VALUE " + Key(0, value_bytes) + " 0 " + std::to_string(value_bytes) + "\r\n").size() +
         value_bytes + 2;
}

size_t KeysOf(size_t value_bytes) { return value_bytes <= 1024 ? kKeys : 100; }

std::vector<std::string> Sets(size_t value_bytes) {
  std::vector<std::string> requests;
  for (size_t i = 0; i < KeysOf(value_bytes); ++i) {
    requests.push_back("set " + Key(i, value_bytes) + " 0 0 " + std::to_string(value_bytes) +
                       "\r\n" + std::string(value_bytes, 'v') + "\r\n");
  }
  return requests;
}

std::vector<std::string> Gets(size_t value_bytes, size_t keys_at_once) {
  std::vector<std::string> requests;
  const size_t keys = KeysOf(value_bytes);
  for (size_t i = 0; i < keys; ++i) {
    std::string request = "get";
    // Any order but that in which they were stored.
    for (size_t j = 0; j < keys_at_once; ++j) {
      request.append(" ").append(Key((i * 7919 + j * 104729) % keys, value_bytes));
    }
    requests.push_back(request + "\r\n");
  }
  return requests;
}

Work GetWork(size_t connections, size_t value_bytes) {
  return {.name = "get/" + std::to_string(connections) + "/" + std::to_string(value_bytes),
          .connections = connections,
          .requests = Gets(value_bytes, 1),
          .answer_bytes = ItemAnswerBytes(value_bytes) + strlen("END\r\n"),
          .count = std::min(kRequests, kMostBytes / value_bytes)};
}

std::vector<Work> AllWork() {
  std::vector<Work> all;
  for (const size_t connections : kConnections) all.push_back(GetWork(connections, kUsualBytes));
  for (const size_t bytes : kLongerBytes) {
    all.push_back(GetWork(kUsualConnections, bytes));
  }
  for (const size_t connections : kConnections) {
    all.push_back({.name = "set/" + std::to_string(connections) + "/100",
                   .connections = connections,
                   .requests = Sets(kUsualBytes),
                   .answer_bytes = strlen("STORED\r\n"),
                   .count = kRequests});
    all.push_back({.name = "mget/" + std::to_string(connections) + "/100",
                   .connections = connections,
                   .requests = Gets(kUsualBytes, kKeysAtOnce),
                   .answer_bytes = kKeysAtOnce * ItemAnswerBytes(kUsualBytes) + strlen("END\r\n"),
                   .count = kRequests / 20,
                   .results_each = kKeysAtOnce});
  }
  return all;
}

void Fill(const Target& target) {
  TextClient client(target.address, kUsualConnections);
  client.Ask(Sets(kUsualBytes), strlen("STORED\r\n"), KeysOf(kUsualBytes));
  for (const size_t bytes : kLongerBytes) {
    client.Ask(Sets(bytes), strlen("STORED\r\n"), KeysOf(bytes));
  }
}

void Print(const std::string& name, const Work& work, double seconds, bool is_disturbed) {
  printf("{\"name\": \"%s\", \"unit\": \"/s\", \"value\": %.9g, \"disturbed\": %s}\n", name.c_str(),
         static_cast<double>(work.count) * work.results_each / seconds,
         is_disturbed ? "true" : "false");
}

void Measure(const Target& target, const Work& work) {
  TextClient client(target.address, work.connections);
  client.Ask(work.requests, work.answer_bytes, work.count / 8 + work.connections);
  const uint64_t preempted = TimesPreempted();
  const double busy_begin = SecondsOf(target.processor_time);
  const double begin = SecondsOf(CLOCK_MONOTONIC);
  client.Ask(work.requests, work.answer_bytes, work.count);
  const double seconds = SecondsOf(CLOCK_MONOTONIC) - begin;
  const double busy_seconds = SecondsOf(target.processor_time) - busy_begin;
  const bool is_disturbed = TimesPreempted() != preempted;
  Print(target.name + "/" + work.name, work, seconds, is_disturbed);
  Print(target.name + "/" + work.name + "/busy", work, busy_seconds, is_disturbed);
}

Target TargetOf(const std::string& word) {
  const size_t sign = word.find('=');
  const size_t at = word.rfind('@');
  if (sign == std::string::npos || at == std::string::npos || at < sign) {
    Fail("a server is NAME=ADDRESS@PID, and not " + word);
  }
  Target target{.name = word.substr(0, sign), .address = word.substr(sign + 1, at - sign - 1)};
  Require(clock_getcpuclockid(atoi(word.c_str() + at + 1), &target.processor_time) == 0,
          "finding the process of a server");
  return target;
}

int Main(int argc, char** argv) {
  if (argc < 3) Fail("usage: kv_front ROUNDS NAME=ADDRESS@PID...");
  const int rounds = atoi(argv[1]);
  std::vector<Target> targets;
  for (int i = 2; i < argc; ++i) targets.push_back(TargetOf(argv[i]));
  for (const Target& target : targets) Fill(target);
  const std::vector<Work> all = AllWork();
  for (int round = 0; round < rounds; ++round) {
    for (const Work& work : all) {
      // Who comes first changes from round to round.
      for (size_t i = 0; i < targets.size(); ++i) {
        Measure(targets[(i + static_cast<size_t>(round)) % targets.size()], work);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }
