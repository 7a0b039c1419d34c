// What a client of memcached's protocols may send. However it is split, the answers are the same;
// and no more of them wait than the limit and one item.
#include <cstdlib>
#include <string>
#include <string_view>

#include "kvcache/protocol/binary_header.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/session.h"
#include "kvcache/protocol/store_backend.h"
#include "kvcache/store/store.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "tests/kvcache/shard_memory.h"
#include "transport/base/units.h"

namespace tombolo::fuzz {
namespace {

using kvcache::AppendBinaryHeader;
using kvcache::kBinaryRequest;
using kvcache::Server;
using kvcache::Session;
using kvcache::ShardMemory;
using kvcache::Store;
using kvcache::StoreBackend;
using kvcache::StoreOptions;

constexpr uint32_t kNowS = 1'700'000'000;
constexpr size_t kReplyLimitBytes = 1024;
constexpr size_t kMaxItemBytes = 4 * kKiB;
// One command may end in several short answers, such as those of the statistics.
constexpr size_t kMaxCommandBytes = kMaxItemBytes + 8 * kKiB;

StoreOptions TinyShard() {
  return {.limits = {.shard_bytes = 96 * kKiB,
                     .expected_item_bytes = 40,
                     .segment_bytes = 4 * kKiB,
                     .item_max_bytes = kMaxItemBytes},
          .hash_seed = 17};
}

std::string AnswersTo(std::string_view input, size_t step) {
  const StoreOptions options = TinyShard();
  ShardMemory memory(options.limits.shard_bytes);
  const auto store = *Store::Open(memory.Bytes(), options, [] { return kNowS; });
  StoreBackend backend(*store);
  Server server(backend);
  Session session(server, kReplyLimitBytes);
  std::string answers;
  while (!input.empty() || session.HasMore() || !session.Unsent().empty()) {
    const std::string_view part = input.substr(0, step);
    const size_t taken = session.Feed(std::as_bytes(std::span(part)));
    if (taken == 0 && session.Unsent().empty() && !session.HasMore()) abort();
    input.remove_prefix(taken);
    if (session.Unsent().size() > kReplyLimitBytes + kMaxCommandBytes) abort();
    answers += session.Unsent();
    session.Drained(session.Unsent().size());
  }
  return answers;
}

// How many bytes were read is told by the statistics, and differs. In the binary protocol their
// opcode is one byte.
bool MayAskForStatistics(std::string_view input) {
  return input.find("stats") != std::string_view::npos ||
         input.find('\x10') != std::string_view::npos;
}

std::string Packet(uint8_t opcode, const std::string& extras, const std::string& key,
                   const std::string& value) {
  std::string packet;
  AppendBinaryHeader(
      {.magic = kBinaryRequest,
       .opcode = opcode,
       .key_bytes = static_cast<uint16_t>(key.size()),
       .extras_bytes = static_cast<uint8_t>(extras.size()),
       .body_bytes = static_cast<uint32_t>(extras.size() + key.size() + value.size())},
      packet);
  return packet + extras + key + value;
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const size_t step = 1 + input.Below(32);
  const std::span<const uint8_t> rest = input.Rest();
  const std::string text(rest.begin(), rest.end());
  const std::string split = AnswersTo(text, step);
  const std::string whole = AnswersTo(text, text.size());
  if (split != whole && !MayAskForStatistics(text)) abort();
}

std::vector<Bytes> Seeds() {
  const std::string none(8, '\0');
  std::vector<Bytes> seeds;
  for (const std::string& text : {
           std::string("set a 5 0 3\r\nabc\r\nget a b\r\ngats 9 a\r\ncas a 0 0 1 1\r\nx\r\n"),
           std::string("add n 0 0 1 noreply\r\n7\r\nincr n 1\r\ndecr n 9\r\ndelete n 0\r\n"),
           std::string("append a 0 -1 2\r\nhi\r\ntouch a 1\r\nflush_all 10\r\nverbosity 1\r\n"),
           std::string("set a 0 0 99999\r\nversion\r\nstats items\r\nstats reset\r\nquit\r\n"),
           std::string("ms a 2 T9 F1 c k O1 I\r\nhi\r\nmg a s v f t c k O7 h N1 R9\r\nmn\r\n"),
           std::string("ms YQ== 1 b ME\r\n1\r\nma YQ== b N0 J5 D2 MI v\r\nmd a I C1 q\r\nme a\r\n"),
           Packet(0x01, none, "a", "15") + Packet(0x0c, "", "a", "") + Packet(0x0a, "", "", ""),
           Packet(0x05, none + none + std::string(4, '\0'), "n", "") + Packet(0x0e, "", "n", "1"),
           Packet(0x1d, "\1\2\3\4", "a", "") + Packet(0x10, "", "slabs", "") +
               Packet(7, "", "", ""),
       }) {
    Bytes seed = {3};
    seed.insert(seed.end(), text.begin(), text.end());
    seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace tombolo::fuzz
