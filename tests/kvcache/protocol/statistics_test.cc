// What the commands `stats` tell.
#include "kvcache/protocol/statistics.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/kvcache/protocol/session_fixture.h"
#include "tests/kvcache/protocol/watched_backend.h"

namespace tombolo::kvcache {
namespace {

class StatisticsTest : public SessionTest {
 protected:
  // The value of one, "(none)" when it is not told.
  std::string Told(const std::string& command, const std::string& name) {
    const std::string answer = Ask(command + "\r\n");
    EXPECT_TRUE(answer.ends_with("END\r\n")) << answer;
    const std::string before = "STAT " + name + " ";
    const size_t at = answer.find(before);
    if (at == std::string::npos) return "(none)";
    const size_t begin = at + before.size();
    return answer.substr(begin, answer.find('\r', begin) - begin);
  }
};

TEST_F(StatisticsTest, ExportersFindWhatTheyLookFor) {
  for (const char* name : {"pid",
                           "uptime",
                           "time",
                           "version",
                           "curr_items",
                           "total_items",
                           "bytes",
                           "curr_connections",
                           "cmd_get",
                           "cmd_set",
                           "get_hits",
                           "get_misses",
                           "evictions",
                           "limit_maxbytes",
                           "threads",
                           "cas_hits",
                           "touch_hits",
                           "rejected_connections",
                           "bytes_read",
                           "bytes_written",
                           "total_connections",
                           "max_connections"}) {
    EXPECT_NE(Told("stats", name), "(none)") << name;
  }
}

// Seconds, a point, and six digits, whatever they are.
TEST_F(StatisticsTest, ProcessorTimeIsWrittenAsMemcachedWritesIt) {
  for (const char* name : {"rusage_user", "rusage_system"}) {
    const std::string told = Told("stats", name);
    const size_t point = told.find('.');
    EXPECT_EQ(told.size(), point + 7) << told;
    EXPECT_EQ(told.find_first_not_of("0123456789."), std::string::npos) << told;
  }
}

TEST_F(StatisticsTest, CommandsAreCounted) {
  Ask("set a 0 0 1\r\n1\r\nget a nothing\r\nincr a 1\r\ndelete nothing\r\ntouch a 0\r\n"
      "cas a 0 0 1 9\r\n1\r\nmg a v\r\n");
  EXPECT_EQ(Told("stats", "cmd_get"), "3");
  EXPECT_EQ(Told("stats", "get_hits"), "2");
  EXPECT_EQ(Told("stats", "get_misses"), "1");
  EXPECT_EQ(Told("stats", "cmd_set"), "2");
  EXPECT_EQ(Told("stats", "incr_hits"), "1");
  EXPECT_EQ(Told("stats", "delete_misses"), "1");
  EXPECT_EQ(Told("stats", "touch_hits"), "1");
  EXPECT_EQ(Told("stats", "cas_badval"), "1");
  EXPECT_EQ(Told("stats", "curr_items"), "1");
}

TEST_F(StatisticsTest, ResetForgetsWhatWasCountedAndNotWhatIsThere) {
  Ask("set a 0 0 1\r\n1\r\nget a\r\nset b 0 -1 1\r\n1\r\nget b\r\n");
  EXPECT_EQ(Told("stats", "get_expired"), "1");
  EXPECT_EQ(Ask("stats reset\r\n"), "RESET\r\n");
  EXPECT_EQ(Told("stats", "get_hits"), "0");
  EXPECT_EQ(Told("stats", "get_expired"), "0");
  EXPECT_EQ(Told("stats", "curr_items"), "1");
}

// A guest's owner was started anew, or cannot be reached.
TEST_F(StatisticsTest, AnOwnerThatCountsFromZeroAgainIsToldAsItCounts) {
  class CountingBackend final : public WatchedBackend {
   public:
    using WatchedBackend::WatchedBackend;
    BackendFacts Facts() override {
      const BackendFacts facts = WatchedBackend::Facts();  // Which may fail.
      return {.items = facts.items, .evicted_items = evicted, .flushed_items = 7};
    }
    uint64_t evicted = 100;
  };
  CountingBackend backend(world_.backend);
  Server server(backend);
  Session session(server);
  const auto is_told = [&session](const char* statistic) {
    return Talk(session, "stats\r\n", 99).find(statistic) != std::string::npos;
  };
  EXPECT_EQ(Talk(session, "stats reset\r\n", 99), "RESET\r\n");
  backend.evicted = 103;
  EXPECT_TRUE(is_told("STAT evictions 3\r"));
  backend.evicted = 2;
  EXPECT_TRUE(is_told("STAT evictions 2\r"));
  EXPECT_TRUE(is_told("STAT get_flushed 0\r"));
  backend.FailAfter(0);
  EXPECT_TRUE(Talk(session, "stats reset\r\n", 99).starts_with("SERVER_ERROR"));
  backend.FailAfter(UINT64_MAX);
  EXPECT_TRUE(is_told("STAT get_flushed 0\r")) << "nothing was reset";
}

// As if every part had counted as often as the one that is asked.
class Twins : public WholeServer {
 public:
  explicit Twins(const Server& part) : part_(part) {}

  void SumUp(Server& sum) override {
    sum.facts.threads = 2;
    for (int i = 0; i < 2; ++i) AddCounters(part_.counters, sum.counters);
    SubtractCounters(at_reset_, sum.counters);
  }
  void Reset(const BackendFacts& /*facts*/) override {
    for (int i = 0; i < 2; ++i) AddCounters(part_.counters, at_reset_);
  }
  void SetVerbosity(uint32_t level) override { verbosity = level; }

  uint32_t verbosity = 0;

 private:
  const Server& part_;
  CommandCounters at_reset_;
};

TEST_F(StatisticsTest, AllWorkersOfAServerAreToldOfTogether) {
  Twins twins(world_.server);
  world_.server.whole = &twins;
  Ask("get nothing\r\n");
  EXPECT_EQ(Told("stats", "get_misses"), "2");
  EXPECT_EQ(Told("stats", "threads"), "2");
  EXPECT_EQ(Ask("stats reset\r\n"), "RESET\r\n");
  EXPECT_EQ(Told("stats", "get_misses"), "0");
  EXPECT_EQ(Ask("verbosity 3\r\n"), "OK\r\n");
  EXPECT_EQ(twins.verbosity, 3u);
}

TEST_F(StatisticsTest, EveryConnectionIsTold) {
  class Listed final : public Twins {
   public:
    using Twins::Twins;
    std::vector<ConnectionFacts> Connections() override {
      return {{.socket = 5, .address = "tcp:h:1", .state = "conn_listening", .idle_s = 9},
              {.socket = 7, .address = "a", .listen_address = "b", .state = "conn_read"}};
    }
  };
  EXPECT_EQ(Ask("stats conns\r\n"), "END\r\n");
  Listed listed(world_.server);
  world_.server.whole = &listed;
  world_.server.served_fd = 7;
  EXPECT_EQ(Ask("stats conns\r\n"),
            "STAT 5:addr tcp:h:1\r\nSTAT 5:state conn_listening\r\n"
            "STAT 5:secs_since_last_cmd 9\r\n"
            "STAT 7:addr a\r\nSTAT 7:listen_addr b\r\nSTAT 7:state conn_parse_cmd\r\n"
            "STAT 7:secs_since_last_cmd 0\r\nEND\r\n");
}

TEST_F(StatisticsTest, TheFrontEndTellsOfItsConnections) {
  world_.server.facts.curr_connections = 5;
  world_.server.facts.started_s = kSessionStartS - 60;
  EXPECT_EQ(Told("stats", "curr_connections"), "5");
  EXPECT_EQ(Told("stats", "uptime"), "60");
}

TEST_F(StatisticsTest, SettingsItemsSlabsAndSizesAreTold) {
  EXPECT_EQ(Told("stats settings", "item_size_max"), "8192");
  EXPECT_EQ(Ask("stats items\r\n"), "END\r\n");
  EXPECT_EQ(Told("stats slabs", "active_slabs"), "0");
  Ask("set a 0 0 1\r\n1\r\n");
  EXPECT_EQ(Told("stats items", "items:1:number"), "1");
  EXPECT_EQ(Told("stats slabs", "1:used_chunks"), "1");
  EXPECT_EQ(Told("stats slabs", "1:chunk_size"), "32");
  EXPECT_EQ(Ask("stats sizes\r\n"), "STAT sizes_status disabled\r\nEND\r\n");
}

TEST_F(StatisticsTest, ABackendNeedNotKnowAnythingOfItself) {
  class SilentBackend final : public WatchedBackend {
   public:
    using WatchedBackend::WatchedBackend;
    BackendFacts Facts() override { return {.items = 1}; }
  };
  SilentBackend backend(world_.backend);
  Server server(backend);
  Session session(server);
  for (const char* command : {"stats\r\n", "stats items\r\n", "stats slabs\r\n"}) {
    EXPECT_TRUE(Talk(session, command, 99).ends_with("END\r\n")) << command;
  }
}

TEST_F(StatisticsTest, PrefixesAreCountedOnceSomebodyWantsThat) {
  Ask("set p:a 0 0 1\r\na\r\n");
  EXPECT_EQ(Ask("stats detail dump\r\n"), "END\r\n");
  EXPECT_EQ(Ask("stats detail on\r\n"), "OK\r\n");
  EXPECT_EQ(Told("stats settings", "detail_enabled"), "yes");
  // As memcached counts: neither touch and incr, nor the meta commands.
  Ask("set p:a 0 0 1\r\na\r\nget p:a p:b q r:\r\ndelete p:a\r\ntouch p:a 1\r\nincr p:x 1\r\n"
      "gat 1 p:a\r\nmg p:a v\r\nms p:c 1\r\na\r\nmd p:c\r\n");
  const std::string counted =
      "PREFIX p get 3 hit 1 set 1 del 1\r\nPREFIX r get 1 hit 0 set 0 del 0\r\nEND\r\n";
  EXPECT_EQ(Ask("stats detail dump\r\n"), counted);
  EXPECT_EQ(Ask("stats detail off\r\nget p:a\r\n"), "OK\r\nEND\r\n");
  EXPECT_EQ(Ask("stats detail dump\r\n"), counted);
  Ask("stats reset\r\n");
  EXPECT_EQ(Ask("stats detail dump\r\n"), "END\r\n");
  EXPECT_EQ(Ask("stats detail\r\n"), "CLIENT_ERROR usage: stats detail on|off|dump\r\n");
}

TEST_F(StatisticsTest, OfMorePrefixesThanThereMayBeTheRestIsNotCounted) {
  Ask("stats detail on\r\n");
  PrefixStatistics& prefixes = *world_.server.prefixes;
  for (size_t i = 0; i < kMostPrefixes; ++i) prefixes.CountSet(std::to_string(i) + ":");
  Ask("get new:a 7:a\r\n");
  const std::string dump = prefixes.Dump();
  EXPECT_EQ(dump.find("PREFIX new "), std::string::npos);
  EXPECT_NE(dump.find("PREFIX 7 get 1 hit 0 set 1 del 0"), std::string::npos);
}

}  // namespace
}  // namespace tombolo::kvcache
