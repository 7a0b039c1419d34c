#include "kvcache/server/foreign_flags.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tombolo::kvcache {
namespace {

enum class Verdict { kIgnored, kRefused };

struct ForeignFlag {
  const char* names;  // As CLI11 takes them.
  bool takes_value;
  Verdict verdict;
  const char* why;
};

constexpr Verdict kIgnored = Verdict::kIgnored;
constexpr Verdict kRefused = Verdict::kRefused;

constexpr ForeignFlag kFlags[] = {
    {"-A,--enable-shutdown", false, kRefused, "no client can end it; send it SIGTERM"},
    {"-B,--protocol", true, kIgnored, "every connection may speak either protocol"},
    {"-C,--disable-cas", false, kIgnored, "every item has a CAS number"},
    {"-N,--napi-ids", true, kIgnored, "connections are dealt out to the threads in turn"},
    {"-S,--enable-sasl", false, kRefused, "there is no SASL; use a Unix socket and its mode"},
    {"-Z,--enable-ssl", false, kRefused, "there is no TLS; put a proxy in front"},
    {"-d,--daemon", false, kRefused,
     "it stays where it was started; let systemd run it (Type=notify)"},
    {"-f,--slab-growth-factor", true, kIgnored, "there are no slab classes"},
    {"-i,--license", false, kRefused, "see the file LICENSE"},
    {"-n,--slab-min-size", true, kIgnored, "there are no slab classes"},
    {"-r,--enable-coredumps", false, kIgnored, "`ulimit -c` decides about core files"},
};

// Options of -o that change nothing a client could notice, most of which may begin with "no_".
constexpr std::string_view kIgnoredOptions[] = {
    "maxconns_fast",      "hashpower",           "tail_repair_time",     "hash_algorithm",
    "lru_crawler",        "lru_crawler_sleep",   "lru_crawler_tocrawl",  "read_buf_mem_limit",
    "lru_maintainer",     "hot_lru_pct",         "warm_lru_pct",         "hot_max_factor",
    "warm_max_factor",    "temporary_ttl",       "slab_reassign",        "slab_automove",
    "slab_chunk_max",     "slab_automove_ratio", "slab_automove_window", "watcher_logbuf_size",
    "worker_logbuf_size", "track_sizes",         "hashexpand",           "modern",
    "inline_ascii_resp",  "drop_privileges",     "resp_obj_mem_limit",   "slab_automove_freeratio",
    "slab_sizes",         "chunked_items",
};

bool IsIgnoredOption(std::string_view name) {
  // Clients over the limit would wait.
  if (name == "no_maxconns_fast") return false;
  if (name.starts_with("no_")) name.remove_prefix(3);
  return std::find(std::begin(kIgnoredOptions), std::end(kIgnoredOptions), name) !=
         std::end(kIgnoredOptions);
}

absl::Status ReadIdleTimeout(const std::string& value, int64_t& idle_timeout_s) {
  int64_t seconds = 0;
  if (absl::SimpleAtoi(value, &seconds) && seconds >= 0 && seconds <= INT32_MAX) {
    idle_timeout_s = seconds;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("-o idle_timeout=", value, ": give a number of seconds, 0 for none."));
}

}  // namespace

void ForeignFlags::Describe(CLI::App& app) {
  for (const ForeignFlag& flag : kFlags) {
    const auto note = [this, names = flag.names](const std::string& /*value*/) {
      seen_.emplace_back(names);
      return true;
    };
    CLI::Option* option = flag.takes_value
                              ? app.add_option_function<std::string>(
                                    flag.names, [note](const std::string& value) { note(value); })
                              : app.add_flag_callback(flag.names, [note] { note(""); });
    option->group("");
  }
  app.add_option("-U,--udp-port", udp_port_)->group("");
}

absl::Status ForeignFlags::Check(std::vector<std::string>& warnings) const {
  if (udp_port_ != "0") {
    return absl::InvalidArgumentError(
        absl::StrCat("-U ", udp_port_, ": there is no UDP; leave it out, or give 0."));
  }
  for (const ForeignFlag& flag : kFlags) {
    if (std::find(seen_.begin(), seen_.end(), flag.names) == seen_.end()) continue;
    const std::string name(std::string_view(flag.names).substr(0, 2));
    if (flag.verdict == kRefused) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is not offered: ", flag.why, "."));
    }
    warnings.push_back(absl::StrCat(name, " is ignored: ", flag.why));
  }
  return absl::OkStatus();
}

absl::Status ParseExtendedOptions(std::string_view text, int64_t& idle_timeout_s,
                                  std::vector<std::string>& warnings) {
  const std::string whole(text);
  for (const absl::string_view part : absl::StrSplit(whole, ',', absl::SkipEmpty())) {
    const std::string option(part);
    const size_t equals = option.find('=');
    const std::string name = option.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
    if (name == "idle_timeout") {
      if (auto status = ReadIdleTimeout(value, idle_timeout_s); !status.ok()) return status;
    } else if (IsIgnoredOption(name)) {
      warnings.push_back(absl::StrCat("-o ", name, " is ignored: it means nothing here"));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("-o ", name, " is not offered; leave it out. idle_timeout=SECONDS is."));
    }
  }
  return absl::OkStatus();
}

}  // namespace tombolo::kvcache
