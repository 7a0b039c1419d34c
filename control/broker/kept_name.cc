#include "control/broker/kept_name.h"

#include <charconv>

#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kPrefix = "broker/";
constexpr std::string_view kSocketSuffix = "/socket";
constexpr std::string_view kPidfdSuffix = "/pidfd";

std::string KeptName(const ServedEndpoint& endpoint, std::string_view suffix) {
  return absl::StrCat("broker/", endpoint.id.index, ".", endpoint.id.incarnation, ".",
                      endpoint.vector, ".", endpoint.pid, std::string(suffix));
}

// Takes a number, and `end` after it, from the front of `text`.
template <typename Number>
bool Consume(std::string_view& text, std::string_view end, Number& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  if (!text.starts_with(end)) return false;
  text.remove_prefix(end.size());
  return true;
}

}  // namespace

std::string KeptSocketName(const ServedEndpoint& endpoint) {
  return KeptName(endpoint, kSocketSuffix);
}

std::string KeptPidfdName(const ServedEndpoint& endpoint) {
  return KeptName(endpoint, kPidfdSuffix);
}

std::optional<ServedEndpoint> ParseKeptSocketName(std::string_view name) {
  ServedEndpoint endpoint;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  if (Consume(name, ".", endpoint.id.index) && Consume(name, ".", endpoint.id.incarnation) &&
      Consume(name, ".", endpoint.vector) && Consume(name, kSocketSuffix, endpoint.pid) &&
      name.empty()) {
    return endpoint;
  }
  return std::nullopt;
}

bool IsKeptPidfdName(std::string_view name) {
  return name.starts_with(kPrefix) && name.ends_with(kPidfdSuffix);
}

}  // namespace tombolo::control
