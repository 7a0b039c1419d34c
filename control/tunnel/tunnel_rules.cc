#include "control/tunnel/tunnel_rules.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/stream/frame.h"

namespace tombolo::control {
namespace {

absl::Status BadRule(std::string_view text, std::string_view form) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::string_view(text.data(), text.size()), "' is not of the form ",
                   absl::string_view(form.data(), form.size()),
                   "; a service's name is made of up to 64 letters, digits, '.', '_' and '-'."));
}

absl::Status BadTarget(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::string_view(text.data(), text.size()),
                   "' is not of the form SLOT:SERVICE or SLOT:ADDRESS, as in 1:memcached or "
                   "1:127.0.0.1:11211; a "
                   "service's name or address has up to ",
                   kMaxServiceNameBytes, " characters."));
}

}  // namespace

absl::StatusOr<ForwardRule> ParseForwardRule(std::string_view text) {
  // The last one: a path may contain it, a name may not.
  const size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || !IsServiceName(text.substr(equals + 1))) {
    return BadRule(text, "LISTEN=SERVICE, as in 127.0.0.1:11211=memcached");
  }
  absl::StatusOr<SocketAddress> listen = SocketAddress::Parse(text.substr(0, equals));
  if (!listen.ok()) return listen.status();
  return ForwardRule{.listen = *std::move(listen), .service = std::string(text.substr(equals + 1))};
}

absl::StatusOr<ForwardRule> ParseForwardRule(std::string_view listen, std::string_view to) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(listen);
  if (!address.ok()) return address.status();
  const size_t colon = to.find(':');
  uint32_t slot = 0;
  if (colon == std::string_view::npos ||
      !absl::SimpleAtoi(absl::string_view(to.data(), colon), &slot) || slot > UINT16_MAX) {
    return BadTarget(to);
  }
  const std::string_view service = to.substr(colon + 1);
  const bool is_target = IsServiceName(service) || SocketAddress::Parse(service).ok();
  if (!is_target || !IsStreamTarget(service)) return BadTarget(to);
  return ForwardRule{.listen = *std::move(address),
                     .service = std::string(service),
                     .slot = static_cast<uint16_t>(slot)};
}

absl::StatusOr<AllowRule> ParseAllowRule(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || !IsServiceName(text.substr(0, equals))) {
    return BadRule(text, "SERVICE=TARGET, as in memcached=127.0.0.1:11211");
  }
  absl::StatusOr<SocketAddress> target = SocketAddress::Parse(text.substr(equals + 1));
  if (!target.ok()) return target.status();
  return AllowRule{.service = std::string(text.substr(0, equals)), .target = *std::move(target)};
}

}  // namespace tombolo::control
