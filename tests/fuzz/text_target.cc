// What is parsed from text: tunnel rules and addresses, boot ids, names of kept descriptors,
// frames' names. What is accepted must come out again as it went in.
#include <cstdlib>
#include <string>

#include "control/broker/kept_name.h"
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

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const uint8_t which = input.Byte();
  const std::span<const uint8_t> rest = input.Rest();
  const std::string text(rest.begin(), rest.end());
  switch (which % 4) {
    case 0:
      return CheckRules(text);
    case 1:
      return CheckKeptName(text);
    case 2:
      return CheckBootId(text);
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
                                 "\x04"
                                 "127.0.0.1:11211=memcached",
                                 "\x04"
                                 "memcached=unix:/run/app.sock",
                                 "\x04"
                                 "[::1]:80",
                                 "\x04"
                                 "localhost:65535",
                                 "\x03"
                                 "abcdefghijklmnopqrstuvwxyz"}) {
    seeds.emplace_back(text.begin(), text.end());
  }
  return seeds;
}

}  // namespace tombolo::fuzz
