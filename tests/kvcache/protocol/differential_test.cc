// The same commands for a stock memcached and for a Session: every byte of the answers is compared
// but times and sizes of items. CAS numbers are compared too: before each script the one that is
// behind catches up.
//
// In the environment: DIFFERENTIAL_SCRIPTS, how many scripts for each language; DIFFERENTIAL_SEED,
// of the first; DIFFERENTIAL_SAVE, a file for a script that was answered differently.
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "kvcache/protocol/session.h"
#include "tests/kvcache/protocol/command_maker.h"
#include "tests/kvcache/protocol/session_fixture.h"
#include "tests/kvcache/protocol/stock_memcached.h"
#include "tests/support/environment.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int kScripts = 40;
constexpr int kCommandsPerScript = 50;
constexpr size_t kSmallReplyLimitBytes = 100;
constexpr size_t kShownBytes = 200;

// As large as the items of a memcached may be.
StoreOptions LargeShard() {
  return {.limits = {.shard_bytes = 16 * kMiB, .segment_bytes = kMiB, .item_max_bytes = kMiB},
          .hash_seed = 17};
}

class DifferentialTest : public testing::TestWithParam<Language> {
 protected:
  DifferentialTest() : world_(LargeShard()) { world_.now_s = static_cast<uint32_t>(time(nullptr)); }

  void Compare(int seed);

  // What we answer, as the input is split and the answers are sent at random.
  std::string Ours(const std::string& script, int seed);
  std::string OursWhole(const std::string& script) {
    Session session(world_.server);
    return Talk(session, script, script.size());
  }

  uint64_t AlignCasNumbers();

  StockMemcached stock_;
  SessionWorld world_;
};

std::string DifferentialTest::Ours(const std::string& script, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  Session session(world_.server, seed % 2 == 0 ? kReplyLimitBytes : kSmallReplyLimitBytes);
  std::string answers;
  size_t at = 0;
  while (at < script.size()) {
    const size_t size = std::min<size_t>(1 + random() % 4096, script.size() - at);
    at += session.Feed(BytesOf(std::string_view(script).substr(at, size)));
    const size_t sent = std::min<size_t>(1 + random() % 4096, session.Unsent().size());
    answers += session.Unsent().substr(0, sent);
    session.Drained(sent);
  }
  return answers + Talk(session, {}, 1);
}

// The CAS number of z, whose answer is `VALUE z 0 1 CAS`.
uint64_t CasIn(const std::string& answer) {
  const size_t at = answer.find("z 0 1 ");
  return at == std::string::npos ? 0 : strtoull(answer.c_str() + at + 6, nullptr, 10);
}

uint64_t DifferentialTest::AlignCasNumbers() {
  const std::string set = "set z 0 0 1\r\nz\r\n";
  const std::string begin = "flush_all\r\n" + set + "gets z\r\n";
  uint64_t stock = CasIn(stock_.Talk(begin + "quit\r\n"));
  uint64_t ours = CasIn(OursWhole(begin));
  EXPECT_NE(stock, 0u);
  std::string late_sets;
  for (uint64_t i = std::min(stock, ours); i < std::max(stock, ours); ++i) late_sets += set;
  if (stock < ours) {
    stock_.Talk(late_sets + "quit\r\n");
  } else {
    OursWhole(late_sets);
  }
  return std::max(stock, ours) + 1;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Without numbers that follow `name`.
std::string Without(const std::string& name, const std::string& text) {
  std::string left;
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find(name, at), text.size());
    const size_t end = std::min(found + name.size(), text.size());
    left += text.substr(at, end - at);
    at = end;
    while (at < text.size() && IsDigit(text[at])) ++at;
  }
  return left;
}

std::string Comparable(std::string text) {
  for (const char* name : {" t", " l", " la=", " exp=", " exp=-", " cls=", " size="}) {
    text = Without(name, text);
  }
  return text;
}

std::string Around(const std::string& text, size_t at) {
  const size_t begin = at - std::min(at, kShownBytes);
  return absl::CHexEscape(text.substr(begin, 2 * kShownBytes));
}

// Of a connection that ends within a value, or is closed because of what was sent, memcached drops
// the answers that it has still to send: those after the last command that flushes, `mn` or NOOP.
bool LacksOnlyWhatWasDropped(const std::string& stock, const std::string& ours) {
  if (!ours.starts_with(stock)) return false;
  const std::string dropped = ours.substr(stock.size());
  return dropped.find("MN\r\n") == std::string::npos &&
         dropped.find("\x81\x0a") == std::string::npos;
}

void Save(const std::string& script) {
  if (const char* file = getenv("DIFFERENTIAL_SAVE")) std::ofstream(file) << script;
}

void DifferentialTest::Compare(int seed) {
  CommandMaker maker(static_cast<uint64_t>(seed), GetParam(), AlignCasNumbers());
  const std::string script = maker.Script(kCommandsPerScript);
  world_.now_s = static_cast<uint32_t>(time(nullptr));
  const std::string stock = Comparable(stock_.Talk(script));
  const std::string ours = Comparable(Ours(script, seed));
  if (ours == stock) return;
  if (LacksOnlyWhatWasDropped(stock, ours)) return;
  const auto differ = std::mismatch(stock.begin(), stock.end(), ours.begin(), ours.end());
  const auto at = static_cast<size_t>(differ.first - stock.begin());
  Save(script);
  FAIL() << "seed " << seed << ", byte " << at << " of the answers\nstock: " << Around(stock, at)
         << "\nours:  " << Around(ours, at);
}

TEST_P(DifferentialTest, AnswersAreThoseOfStockMemcached) {
  const int first = FromEnvironment("DIFFERENTIAL_SEED", 1);
  const int scripts = FromEnvironment("DIFFERENTIAL_SCRIPTS", kScripts);
  for (int seed = first; seed < first + scripts; ++seed) {
    ASSERT_NO_FATAL_FAILURE(Compare(seed));
  }
}

INSTANTIATE_TEST_SUITE_P(Languages, DifferentialTest,
                         testing::Values(Language::kText, Language::kMeta, Language::kBinary),
                         [](const testing::TestParamInfo<Language>& info) {
                           switch (info.param) {
                             case Language::kText:
                               return "Text";
                             case Language::kMeta:
                               return "Meta";
                             default:
                               return "Binary";
                           }
                         });

}  // namespace
}  // namespace tombolo::kvcache
