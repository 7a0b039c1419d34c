#include "kvcache/server/server_flags.h"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/client/owner_address.h"
#include "kvcache/protocol/credentials.h"
#include "kvcache/server/shard_sizes.h"
#include "kvcache/server/window_device.h"
#include "kvcache/shard/file_shape.h"
#include "kvcache/shard/geometry.h"
#include "transport/base/units.h"
#include "transport/layout/service_record.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kMaxItemMaxBytes = 1024 * kMiB;
constexpr unsigned kMaxMode = 0777;
constexpr size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;

absl::StatusOr<unsigned> ParseMode(const std::string& text) {
  char* end = nullptr;
  const unsigned long mode = strtoul(text.c_str(), &end, 8);
  if (!text.empty() && *end == '\0' && mode <= kMaxMode) return static_cast<unsigned>(mode);
  return absl::InvalidArgumentError(
      absl::StrCat("-a ", text, ": give the permissions in octal, 0 to 777."));
}

constexpr const char* kOwnersFlags[] = {
    "--memory-limit",   "--memory-file",   "--max-item-size",    "--usual-item-size",
    "--shards",         "--owner-socket",  "--max-readers",      "--enable-largepages",
    "--region-service", "--broker-socket", "--disable-evictions"};
constexpr const char* kGuestsFlags[] = {"--window", "--owner", "--owner-timeout"};

absl::Status CheckNoGuestFlags(const CLI::App& app, bool is_guest) {
  for (const char* flag : kGuestsFlags) {
    if (is_guest || app.count(flag) == 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " is for a server that owns no items; give --guest too."));
  }
  return absl::OkStatus();
}

// What is wrong with the name of a service; empty: nothing.
std::string CheckServiceName(const std::string& name) {
  const bool is_good = !name.empty() && name.size() < kServiceNameBytes &&
                       name.find_first_of("@ ") == std::string::npos;
  return is_good ? ""
                 : absl::StrCat("give 1 to ", kServiceNameBytes - 1,
                                " characters, none of them a space or an @");
}

absl::Status CheckSocketPath(const char* flag, const std::string& path) {
  if (path.size() <= kMaxSocketPathBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", path, ": the path of a Unix socket has at most ", kMaxSocketPathBytes,
                   " bytes; choose a shorter one."));
}

// In memory, if this machine has the usual place for that.
std::string UsualPath(int port) {
  const std::string name =
      port > 0 ? absl::StrCat("/tombolo-kv-", port) : std::string("/tombolo-kv");
  if (access("/dev/shm", W_OK | X_OK) == 0) return "/dev/shm" + name;
  const char* runtime_dir = getenv("XDG_RUNTIME_DIR");
  return runtime_dir == nullptr ? "" : runtime_dir + name;
}

}  // namespace

void ServerFlags::Describe(CLI::App& app) {
  // A flag that is given twice means what was said last, as with memcached.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("-V,--version", "tombolo-kv 0.1.0, with the protocols of memcached 1.6.18");
  DescribeSockets(app);
  DescribeMemory(app);
  DescribeGuest(app);
  DescribeProcess(app);
  foreign_.Describe(app);
}

void ServerFlags::DescribeSockets(CLI::App& app) {
  ListenOptions& listen = options_.listen;
  app.add_option("-p,--port", listen.port,
                 "TCP port; 0: none, -1: whichever is free. With -s alone there is no TCP")
      ->check(CLI::Range(kAnyPort, int{UINT16_MAX}))
      ->capture_default_str();
  app.add_option("-l,--listen", listen.interfaces,
                 "addresses of this machine, with commas between or repeated: HOST, HOST:PORT, "
                 "[IPV6]:PORT. memcached's default is all of them, 0.0.0.0; this one's is safe")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->take_all()
      ->capture_default_str();
  app.add_option("-s,--unix-socket", listen.unix_path,
                 "Unix socket; together with -p or -l both are served, unlike memcached");
  app.add_option("-a,--unix-mask", unix_mode_, "permissions of the Unix socket, in octal")
      ->capture_default_str();
  app.add_option(
      "--owner-socket", options_.owner_socket,
      "Unix socket at which those who map the memory file ask for what they cannot do "
      "themselves: guests (tombolo-kv --guest) and programs with kvcache/client. Whoever "
      "may open it may change everything; -a is for it too");
  app.add_option("--region-service", options_.region_service,
                 "serve the same over links of Tombolo's region, where a request takes one to two "
                 "microseconds while both sides are busy: the name by which clients find it "
                 "(--owner region:NAME). Whoever is in the region may change everything")
      ->check(CheckServiceName, "NAME");
  app.add_option("--broker-socket", options_.broker_socket,
                 "with --region-service: where tombolod, or the agent of this guest, hands out the "
                 "region")
      ->capture_default_str();
  app.add_option("--max-readers", options_.max_readers,
                 "connections at --owner-socket at once, and as many readers of the region")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("-c,--conn-limit", options_.max_connections, "clients at once")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("-b,--listen-backlog", listen.backlog, "clients that may wait to be accepted")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--idle-timeout", idle_timeout_s_,
                 "seconds after which a client that is silent is closed; 0: never. The same as -o "
                 "idle_timeout=N")
      ->check(CLI::Range(int64_t{0}, int64_t{INT32_MAX}))
      ->capture_default_str();
  app.add_option("-R,--max-reqs-per-event", options_.worker.requests_per_turn,
                 "commands of one client before others have their turn")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

void ServerFlags::DescribeMemory(CLI::App& app) {
  app.add_option("-m,--memory-limit", memory_mib_, "MiB of the memory file: items and their index")
      ->check(CLI::Range(uint64_t{1}, uint64_t{4} << 20))
      ->capture_default_str();
  app.add_option("-e,--memory-file", options_.memory.path,
                 "file with all items, in memory, which outlives this process; others may map it "
                 "for reading. Default: /dev/shm/tombolo-kv-PORT");
  app.add_option("-I,--max-item-size", item_max_bytes_,
                 "bytes of the largest item, key and 24 bytes of header included: 512k, 1m, 128m")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_flag("-L,--enable-largepages", options_.wants_large_pages,
               "give the memory file pages of 2 MiB, which makes gets of other processes faster; "
               "takes a second for each GiB when the file is new");
  app.add_flag("-M,--disable-evictions", options_.never_evicts,
               "refuse to store what there is no room for, instead of evicting older items");
  app.add_option("--usual-item-size", options_.shard.expected_item_bytes,
                 "bytes of key and value of a usual item: sizes the index")
      ->check(CLI::Range(uint64_t{1}, kMiB))
      ->capture_default_str();
  app.add_option("--shards", options_.memory.shard_count,
                 "parts of the cache that are written independently; by default as many as "
                 "threads, or as a memory file has that is taken over")
      ->check(CLI::Range(1u, kMaxShards));
}

void ServerFlags::DescribeGuest(CLI::App& app) {
  app.add_flag("--guest", is_guest_,
               "own nothing: serve the items of another tombolo-kv, in a virtual machine or beside "
               "it. Takes --window and --owner, and no flag about memory");
  app.add_option("--window", guest_.window,
                 "with --guest: the file that shows its items: its memory file, or in a virtual "
                 "machine /sys/bus/pci/devices/DEVICE/resource2 of an ivshmem-plain device; auto: "
                 "that of the only one there is");
  app.add_option("--owner", guest_.owner,
                 "with --guest: where its --owner-socket is reached: the path of a Unix socket, or "
                 "ADDRESS:PORT, as the near end of a tunnel is; or region:NAME, its "
                 "--region-service (region:NAME@BROKER_SOCKET: of another broker than "
                 "/run/tombolo/broker.sock)");
  app.add_option("--owner-timeout", owner_timeout_ms_,
                 "with --guest: milliseconds to wait for the owner before clients get SERVER_ERROR")
      ->check(CLI::Range(int64_t{1}, int64_t{3'600'000}))
      ->capture_default_str();
}

void ServerFlags::DescribeProcess(CLI::App& app) {
  app.add_option("-t,--threads", options_.threads, "threads that serve clients")
      ->check(CLI::Range(1u, kMaxShards))
      ->capture_default_str();
  app.add_flag("-F,--disable-flush-all", refuses_flush_, "refuse flush_all");
  app.add_option("-D,--prefix-delimiter", prefix_delimiter_,
                 "count gets, sets and deletes by the prefix of their keys, which ends before this "
                 "character: `stats detail dump`. Clients can turn it on too, with `:`")
      ->check(
          [](const std::string& text) {
            return text.size() == 1 ? "" : "give one character, such as :";
          },
          "CHARACTER");
  app.add_flag("-X,--disable-dumping", refuses_dump_,
               "refuse lru_crawler metadump, which lists all keys");
  app.add_flag("-W,--disable-watch", refuses_watch_,
               "refuse watch, which shows a client the keys that others ask for");
  app.add_option("-Y,--auth-file", options_.auth_file,
                 "file with lines USER:PASSWORD. Clients say who they are by a set of any key with "
                 "the value 'USER PASSWORD'; the binary protocol is refused");
  app.add_flag("-k,--lock-memory", locks_memory_, "keep all memory from being swapped out");
  app.add_option("-u,--user", user_, "become this user; needed when root starts it");
  app.add_option("-P,--pidfile", pid_file_, "write the process id there");
  app.add_option("-o,--extended", extended_,
                 "options of memcached, with commas between: idle_timeout=N; others are ignored "
                 "or refused")
      ->join(',');
  app.add_flag("-v,--verbose", options_.verbosity, "tell more; -vv: all");
}

absl::StatusOr<ServerOptions> ServerFlags::Options(const CLI::App& app,
                                                   std::vector<std::string>& warnings) const {
  ServerOptions options = options_;
  int64_t idle_timeout_s = idle_timeout_s_;
  absl::Status status = foreign_.Check(warnings);
  status.Update(ParseExtendedOptions(extended_, idle_timeout_s, warnings));
  status.Update(CheckListen(app, options.listen));
  status.Update(is_guest_ ? CheckGuest(app, options) : CheckMemory(options));
  status.Update(CheckNoGuestFlags(app, is_guest_));
  status.Update(CheckRegion(app));
  status.Update(ReadCredentials(options));
  if (!status.ok()) return status;
  // Threads that look for work take the cores of those that have some: clients need one at least.
  options.worker.may_look = static_cast<int64_t>(options.threads) < sysconf(_SC_NPROCESSORS_ONLN);
  options.worker.idle_timeout_ns = idle_timeout_s * kNsPerSecond;
  options.allows_flush = !refuses_flush_;
  if (!prefix_delimiter_.empty()) options.prefix_delimiter = prefix_delimiter_.front();
  options.allows_dump = !refuses_dump_ && !is_guest_;
  options.allows_watch = !refuses_watch_;
  return options;
}

// A Unix socket alone is all there is then, as with memcached.
absl::Status ServerFlags::CheckListen(const CLI::App& app, ListenOptions& listen) const {
  const absl::StatusOr<unsigned> mode = ParseMode(unix_mode_);
  if (!mode.ok()) return mode.status();
  listen.unix_mode = *mode;
  for (const std::string& text : listen.interfaces) {
    const absl::StatusOr<Interface> interface = ParseInterface(text, listen.port);
    if (!interface.ok()) return interface.status();
  }
  absl::Status paths = CheckSocketPath("-s", listen.unix_path);
  paths.Update(CheckSocketPath("--owner-socket", options_.owner_socket));
  if (!paths.ok()) return paths;
  const bool wants_tcp = app.count("-p") != 0 || app.count("-l") != 0;
  if (!listen.unix_path.empty() && !wants_tcp) listen.port = kNoTcp;
  if (listen.port != kNoTcp || !listen.unix_path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError("-p 0 without -s: nobody could reach it; give one of them.");
}

absl::Status ServerFlags::CheckRegion(const CLI::App& app) const {
  if (app.count("--broker-socket") == 0 || !options_.region_service.empty()) {
    return CheckSocketPath("--broker-socket", options_.broker_socket);
  }
  return absl::InvalidArgumentError(
      "--broker-socket is for --region-service; give that too, or leave it out.");
}

absl::Status ServerFlags::ReadCredentials(ServerOptions& options) const {
  if (options.auth_file.empty()) return absl::OkStatus();
  std::ifstream file(options.auth_file);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat("-Y ", options.auth_file, ": it cannot be read."));
  }
  absl::StatusOr<Credentials> credentials = Credentials::Parse(text.str());
  if (!credentials.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("-Y ", options.auth_file, ": ", credentials.status().message()));
  }
  options.credentials = *std::move(credentials);
  return absl::OkStatus();
}

absl::Status ServerFlags::CheckGuest(const CLI::App& app, ServerOptions& options) const {
  for (const char* flag : kOwnersFlags) {
    if (app.count(flag) == 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " is for the owner of the items; leave it out with --guest."));
  }
  if (guest_.window.empty() || guest_.owner.empty()) {
    return absl::InvalidArgumentError(
        "--guest needs --window FILE, which shows the items, and --owner ADDRESS, where their "
        "owner "
        "is asked.");
  }
  absl::StatusOr<OwnerAddress> owner = OwnerAddress::Parse(guest_.owner);
  if (!owner.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--owner: ", owner.status().message()));
  }
  options.guest = guest_;
  if (guest_.window == kAnyWindow) {
    absl::StatusOr<std::string> window = FindWindow();
    if (!window.ok()) return window.status();
    options.guest->window = *std::move(window);
  }
  options.guest->timeout_ns = owner_timeout_ms_ * kNsPerMs;
  return absl::OkStatus();
}

absl::Status ServerFlags::CheckMemory(ServerOptions& options) const {
  if (item_max_bytes_ < kMinItemMaxBytes || item_max_bytes_ > kMaxItemMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("-I ", item_max_bytes_, ": it must be 1k to 1024m."));
  }
  const uint64_t file_bytes = memory_mib_ * kMiB;
  const uint32_t shards = std::max(options.memory.shard_count, 1u);
  const uint64_t least_bytes = LeastFileBytes(shards, item_max_bytes_);
  if (file_bytes < least_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("-m ", memory_mib_, ": items of ", item_max_bytes_, " bytes (-I) in ", shards,
                     " shards need at least ", (least_bytes + kMiB - 1) / kMiB, " MiB."));
  }
  options.memory.file_bytes = file_bytes;
  options.memory.most_shards = MostShards(file_bytes, item_max_bytes_);
  options.memory.usual_shards = ShardsFor(file_bytes, options.threads, item_max_bytes_);
  if (options.memory.path.empty()) options.memory.path = UsualPath(options.listen.port);
  if (options.memory.path.empty()) {
    return absl::InvalidArgumentError("there is no /dev/shm to write in; give --memory-file.");
  }
  options.shard.item_max_bytes = static_cast<uint32_t>(item_max_bytes_);
  return absl::OkStatus();
}

}  // namespace tombolo::kvcache
