// Names, addresses and keys of cluster_values.h.
#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "control/cluster/cluster_values.h"

namespace tombolo::control {
namespace {

constexpr char kHosts[] = "/v1/hosts/";
constexpr char kHost[] = "host";
constexpr char kRegions[] = "regions/";
constexpr size_t kUuidBytes = 36;
constexpr size_t kMaxAddressBytes = 255;
constexpr uint32_t kMaxSlot = 65'535;
constexpr uint32_t kMaxCpus = 65'536;
constexpr uint32_t kMaxPort = 65'535;

bool IsOfName(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '.';
}

bool IsOfAddress(char c) { return IsOfName(c) || c == ':' || c == '[' || c == ']' || c == '%'; }

bool IsUuid(const std::string& text) {
  return text.size() == kUuidBytes && std::ranges::all_of(text, [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == '-';
         });
}

}  // namespace

absl::Status CheckHostName(const std::string& name) {
  if (!name.empty() && name.size() <= kMaxHostNameBytes && std::ranges::all_of(name, IsOfName) &&
      absl::ascii_isalnum(static_cast<unsigned char>(name.front()))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("it is no name of a host; expected 1 to ", kMaxHostNameBytes,
                   " letters, digits, '-', '_' and '.', a letter or digit first."));
}

absl::Status CheckHostPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon != std::string::npos && colon != 0 && address.size() <= kMaxAddressBytes &&
      std::ranges::all_of(address, IsOfAddress) && address.front() != '-' &&
      absl::SimpleAtoi(address.substr(colon + 1), &port) && port != 0 && port <= kMaxPort) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("it is no HOST:PORT, as in 10.0.0.1:11211.");
}

absl::StatusOr<ClusterMachine> ParseMachine(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t colon = text.find(':', equals == std::string::npos ? 0 : equals);
  ClusterMachine machine;
  if (equals != std::string::npos && absl::SimpleAtoi(text.substr(0, equals), &machine.slot) &&
      machine.slot <= kMaxSlot) {
    const bool has_cpus = colon != std::string::npos;
    machine.name = text.substr(equals + 1, has_cpus ? colon - equals - 1 : colon);
    const bool are_good = !has_cpus || (absl::SimpleAtoi(text.substr(colon + 1), &machine.cpus) &&
                                        machine.cpus != 0 && machine.cpus <= kMaxCpus);
    if (are_good && CheckHostName(machine.name).ok()) return machine;
  }
  return absl::InvalidArgumentError(
      "it is no SLOT=NAME or SLOT=NAME:PROCESSORS, as in 3=vm3:8, with a NAME for ssh.");
}

std::string HostsPrefix(const std::string& prefix) { return absl::StrCat(prefix, kHosts); }

std::string HostKey(const std::string& prefix, const std::string& host) {
  return absl::StrCat(prefix, kHosts, host, "/", kHost);
}

std::string RegionKey(const std::string& prefix, const std::string& host, const std::string& uuid) {
  return absl::StrCat(prefix, kHosts, host, "/", kRegions, uuid);
}

std::optional<ClusterKey> ParseClusterKey(const std::string& prefix, const std::string& key) {
  const std::string before = HostsPrefix(prefix);
  const size_t slash = key.starts_with(before) ? key.find('/', before.size()) : std::string::npos;
  if (slash == std::string::npos) return std::nullopt;
  ClusterKey parsed{key.substr(before.size(), slash - before.size()), {}};
  if (!CheckHostName(parsed.host).ok()) return std::nullopt;
  if (key.substr(slash + 1) == kHost) return parsed;
  if (!key.substr(slash + 1).starts_with(kRegions)) return std::nullopt;
  parsed.region = key.substr(key.find('/', slash + 1) + 1);
  return IsUuid(parsed.region) ? std::optional(parsed) : std::nullopt;
}

}  // namespace tombolo::control
