#include "control/cli/kv_servers.h"

#include <cstdint>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/memcached/server_address.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr char kUsualServer[] = "127.0.0.1:11211";

void AddOptions(CLI::App& command, KvServerFlags& flags, const std::string& what, int most) {
  command
      .add_option("--server", flags.addresses,
                  what + ": HOST:PORT, HOST, [IPV6]:PORT or unix:PATH (default 127.0.0.1:11211)")
      ->option_text("ADDRESS")
      ->expected(1, most)
      ->allow_extra_args(false);
  command
      .add_option("--timeout", flags.timeout_s,
                  absl::StrCat("Give up a server that says nothing for so long (default ",
                               flags.timeout_s, ")"))
      ->option_text("SECONDS")
      ->check(CLI::Range(0.01, 3600.0));
}

KvAnswer AskOne(MemcachedClient& client, const std::vector<std::string>& groups) {
  Statistics all;
  for (const std::string& group : groups.empty() ? std::vector<std::string>{""} : groups) {
    absl::StatusOr<Statistics> some = client.Stats(group);
    if (!some.ok()) return {client.Server(), some.status()};
    all.insert(all.end(), some->begin(), some->end());
  }
  return {client.Server(), std::move(all)};
}

}  // namespace

void AddKvServerOption(CLI::App& command, KvServerFlags& flags) {
  AddOptions(command, flags, "The server", 1);
}

void AddKvServersOption(CLI::App& command, KvServerFlags& flags) {
  AddOptions(command, flags, "A server, and others when given again",
             CLI::detail::expected_max_vector_size);
}

absl::StatusOr<std::vector<MemcachedClient>> KvClients(const KvServerFlags& flags) {
  const auto timeout_ns = static_cast<int64_t>(flags.timeout_s * static_cast<double>(kNsPerSecond));
  std::vector<MemcachedClient> clients;
  for (const std::string& text :
       flags.addresses.empty() ? std::vector<std::string>{kUsualServer} : flags.addresses) {
    absl::StatusOr<ServerAddress> address = ServerAddress::Parse(text);
    if (!address.ok()) return address.status();
    clients.emplace_back(*std::move(address), timeout_ns);
  }
  return clients;
}

std::vector<KvAnswer> AskForStatistics(std::vector<MemcachedClient>& clients,
                                       const std::vector<std::string>& groups) {
  std::vector<std::future<KvAnswer>> asked;
  for (MemcachedClient& client : clients) {
    asked.push_back(
        std::async(std::launch::async, [&client, &groups] { return AskOne(client, groups); }));
  }
  std::vector<KvAnswer> answers;
  for (std::future<KvAnswer>& one : asked) answers.push_back(one.get());
  return answers;
}

absl::Status Failures(const std::vector<KvAnswer>& answers) {
  absl::Status first;
  size_t failed = 0;
  for (const KvAnswer& answer : answers) {
    if (answer.statistics.ok()) continue;
    if (++failed == 1) first = answer.statistics.status();
  }
  if (failed == 0 || answers.size() == 1) return first;
  return {first.code(), absl::StrCat(failed, " of ", answers.size(),
                                     " servers failed; the first: ", std::string(first.message()))};
}

}  // namespace tombolo::control
