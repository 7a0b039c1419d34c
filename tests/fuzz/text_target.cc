// What is parsed from text: tunnel rules and addresses, boot ids, names of kept descriptors,
// frames' names, requests of HTTP. What is accepted must come out again as it went in.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/broker/kept_name.h"
#include "control/http/http_request.h"
#include "control/link/boot_id.h"
#include "control/tunnel/socket_address.h"
#include "control/tunnel/tunnel_rules.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/stream/frame.h"

namespace tombolo::fuzz {
namespace {

void CheckFrame(std::span<const uint8_t> bytes) {
  const auto frame = ParseStreamFrame(std::as_bytes(bytes));
  if (frame && frame->body.size() + sizeof(StreamFrameHeader) != bytes.size()) abort();
}

void CheckKeptName(const std::string& text) {
  const auto endpoint = control::ParseKeptSocketName(text);
  if (!endpoint) return;
  // Leading zeros are forgiven; what is written is read again as the same.
  if (control::ParseKeptSocketName(control::KeptSocketName(*endpoint)) != endpoint) abort();
}

void CheckBootId(const std::string& text) {
  const auto id = control::ParseBootId(text);
  if (id.ok() && *control::ParseBootId(control::FormatBootId(*id)) != *id) abort();
}

void CheckRules(const std::string& text) {
  const auto forward = control::ParseForwardRule(text);
  if (forward.ok() && !IsServiceName(forward->service)) abort();
  const auto allow = control::ParseAllowRule(text);
  if (allow.ok() && !IsServiceName(allow->service)) abort();
  const auto address = control::SocketAddress::Parse(text);
  if (address.ok() && address->ToString() != text) abort();
}

// A head ends where it is said to, and what is accepted of it is text that may be shown.
void CheckHttp(std::string_view text) {
  const size_t head_bytes = control::HeadBytes(text);
  if (head_bytes > text.size()) abort();
  control::HttpRequest request;
  if (control::ParseRequest(text.substr(0, head_bytes), request) != control::kHttpOk) return;
  const bool is_printable =
      std::ranges::all_of(request.path, [](char c) { return c > ' ' && c <= '~'; });
  if (!request.path.starts_with('/') || !is_printable) abort();
  control::IsAddressOrLocalhost(request.host);
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const uint8_t which = input.Byte();
  const std::span<const uint8_t> rest = input.Rest();
  const std::string text(rest.begin(), rest.end());
  switch (which % 5) {
    case 0:
      return CheckRules(text);
    case 1:
      return CheckKeptName(text);
    case 2:
      return CheckBootId(text);
    case 4:
      return CheckHttp(text);
    default:
      return CheckFrame(rest);
  }
}

std::vector<Bytes> Seeds() {
  std::vector<Bytes> seeds;
  for (const std::string text : {"\x01"
                                 "broker/1.2.3.4/socket",
                                 "\x02"
                                 "01234567-89ab-cdef-0123-456789abcdef",
                                 "\x05"
                                 "127.0.0.1:11211=memcached",
                                 "\x05"
                                 "memcached=unix:/run/app.sock",
                                 "\x05"
                                 "[::1]:80",
                                 "\x05"
                                 "localhost:65535",
                                 "\x04"
                                 "GET /metrics?a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
                                 "\x04"
                                 "HEAD / HTTP/1.0\r\nConnection: close\r\n\r\nmore",
                                 "\x03"
                                 "abcdefghijklmnopqrstuvwxyz"}) {
    seeds.emplace_back(text.begin(), text.end());
  }
  return seeds;
}

}  // namespace tombolo::fuzz
