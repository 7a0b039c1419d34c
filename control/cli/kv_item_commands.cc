#include "control/cli/kv_item_commands.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/kv_servers.h"
#include "control/memcached/memcached_client.h"
#include "control/words/words.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr size_t kReadBytes = 256 * kKiB;
constexpr char kStdin[] = "-";

struct ItemFlags {
  KvServerFlags server;
  std::vector<std::string> keys;
  std::string key;  // Of `set`, which has one.
  std::string value = kStdin;
  SetOptions set;
};

using Action = absl::Status (*)(MemcachedClient& client, const ItemFlags& flags);

absl::Status Missing(const MemcachedClient& client, const std::vector<std::string>& keys) {
  if (keys.empty()) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("there is no item ", Printable(absl::StrJoin(keys, ", ")), " at ",
                   client.Server(), "; it was never stored, or has expired or been evicted."));
}

// All keys before the first is asked for: what is wrong with one is no reason to do half.
absl::Status CheckKeys(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    if (absl::Status good = CheckKey(key); !good.ok()) return good;
  }
  return absl::OkStatus();
}

// As it is. Only a person's next prompt begins on a line of its own.
absl::Status Print(const std::string& value) {
  fwrite(value.data(), 1, value.size(), stdout);
  if (isatty(STDOUT_FILENO) && !value.ends_with('\n')) fputc('\n', stdout);
  if (fflush(stdout) != 0) return ErrnoStatus(errno, "write the value to stdout");
  return absl::OkStatus();
}

absl::Status Get(MemcachedClient& client, const ItemFlags& flags) {
  std::vector<std::string> missing;
  for (const std::string& key : flags.keys) {
    const absl::StatusOr<std::optional<std::string>> value = client.Get(key);
    if (!value.ok()) return value.status();
    if (!*value) {
      missing.push_back(key);
    } else if (absl::Status printed = Print(**value); !printed.ok()) {
      return printed;
    }
  }
  return Missing(client, missing);
}

absl::StatusOr<std::string> ReadStdin() {
  std::string value;
  for (;;) {
    const size_t had = value.size();
    value.resize(had + kReadBytes);
    const ssize_t got = read(STDIN_FILENO, value.data() + had, kReadBytes);
    if (got < 0 && errno != EINTR) return ErrnoStatus(errno, "read the value from stdin");
    value.resize(had + static_cast<size_t>(got > 0 ? got : 0));
    if (got == 0) return value;
    if (value.size() > kMostValueBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("stdin has more than ", kMostValueBytes,
                       " bytes, the most that any server keeps as one value; store it in parts."));
    }
  }
}

absl::Status Set(MemcachedClient& client, const ItemFlags& flags) {
  if (absl::Status good = CheckKey(flags.key); !good.ok()) return good;
  if (flags.value != kStdin) return client.Set(flags.key, flags.value, flags.set);
  const absl::StatusOr<std::string> value = ReadStdin();
  if (!value.ok()) return value.status();
  return client.Set(flags.key, *value, flags.set);
}

absl::Status Delete(MemcachedClient& client, const ItemFlags& flags) {
  std::vector<std::string> missing;
  for (const std::string& key : flags.keys) {
    const absl::StatusOr<bool> was_there = client.Delete(key);
    if (!was_there.ok()) return was_there.status();
    if (!*was_there) missing.push_back(key);
  }
  return Missing(client, missing);
}

absl::Status Run(Action action, const ItemFlags& flags) {
  if (absl::Status good = CheckKeys(flags.keys); !good.ok()) return good;
  absl::StatusOr<std::vector<MemcachedClient>> clients = KvClients(flags.server);
  if (!clients.ok()) return clients.status();
  return action(clients->front(), flags);
}

// A command with `action`; what it declares itself is put into the flags that are returned.
ItemFlags& Add(CLI::App& command, CliContext& context, Action action) {
  const auto flags = std::make_shared<ItemFlags>();
  AddKvServerOption(command, flags->server);
  command.callback([&context, action, flags] {
    context.needs_config = false;
    context.run = [action, flags] { return Run(action, *flags); };
  });
  return *flags;
}

void AddGet(CLI::App& kv, CliContext& context) {
  CLI::App* command = kv.add_subcommand(
      "get", "Print values as they are, one after the other. Exit code 1: one is not there.");
  command->footer(
      "  tombolo kv get page:7\n"
      "  tombolo kv get logo >logo.png                      its bytes and no others\n"
      "  tombolo kv get page:7 --server unix:/run/tombolo-kv.sock");
  ItemFlags& flags = Add(*command, context, &Get);
  command->add_option("KEY", flags.keys, "Of the items")->option_text("KEY...")->required();
}

void AddSet(CLI::App& kv, CliContext& context) {
  CLI::App* command = kv.add_subcommand("set", "Store a value.");
  command->footer(
      "  tombolo kv set greeting hello\n"
      "  tombolo kv set session:9 --ttl 3600 <session.json\n"
      "  tombolo kv set balance -- -5                       a value that begins with a dash");
  ItemFlags& flags = Add(*command, context, &Set);
  command->add_option("KEY", flags.key, "Of the item")->option_text("KEY")->required();
  command->add_option("VALUE", flags.value, "The value; stdin if it is missing or -")
      ->option_text("[VALUE]");
  command->add_option("--ttl", flags.set.ttl_s, "It expires after so long (default 0: never)")
      ->option_text("SECONDS");
  command->add_option("--flags", flags.set.flags, "A number that is kept with it (default 0)")
      ->option_text("N");
}

void AddDelete(CLI::App& kv, CliContext& context) {
  CLI::App* command = kv.add_subcommand("del", "Delete items. Exit code 1: one was not there.");
  command->footer(
      "  tombolo kv del page:7 page:8\n"
      "  tombolo kv del page:7 || true                      whether it was there or not");
  ItemFlags& flags = Add(*command, context, &Delete);
  command->add_option("KEY", flags.keys, "Of the items")->option_text("KEY...")->required();
}

}  // namespace

void AddKvItemCommands(CLI::App& kv, CliContext& context) {
  AddGet(kv, context);
  AddSet(kv, context);
  AddDelete(kv, context);
}

}  // namespace tombolo::control
