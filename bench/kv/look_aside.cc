#include "bench/kv/look_aside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <utility>

#include "bench/transport/require.h"
#include "transport/base/unix_socket.h"

namespace tombolo::bench {
namespace {

constexpr std::string_view kEnd = "END\r\n";
constexpr std::string_view kValue = "VALUE ";
constexpr size_t kKeyDigits = 12;

std::string KeyText(uint64_t key) {
  std::string digits = std::to_string(key);
  return std::string(kKeyDigits - digits.size(), '0') + digits;
}

void AppendSet(uint64_t key, const CachedItem& item, std::string& request) {
  request += "set " + KeyText(key) + " 0 " + std::to_string(item.exptime_s) + " " +
             std::to_string(item.value_bytes) + " noreply\r\n";
  request.append(item.value_bytes, 'v').append("\r\n");
}

}  // namespace

LookAside::LookAside(std::string name, const std::string& path)
    : name_(std::move(name)), socket_(Require(ConnectUnix(path, SOCK_STREAM))) {}

size_t LookAside::Use(std::span<const uint64_t> keys, const KeyStream& stream) {
  std::string request = "get";
  for (const uint64_t key : keys) request.append(" ").append(KeyText(key));
  Send(request + "\r\n");
  const std::vector<uint64_t> found = Receive();
  std::string sets;
  // What was found comes in the order in which it was asked for.
  auto next = found.begin();
  for (const uint64_t key : keys) {
    if (next != found.end() && *next == key) {
      ++next;
    } else {
      AppendSet(key, stream.ItemOf(key), sets);
    }
  }
  if (next != found.end()) Fail("an answer in another order, of " + name_);
  Send(sets);
  return keys.size() - found.size();
}

void LookAside::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    Require(sent > 0, "sending");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

std::vector<uint64_t> LookAside::Receive() {
  received_.clear();
  std::array<char, 65536> buffer;
  while (!received_.ends_with(kEnd)) {
    const ssize_t got = recv(socket_.Get(), buffer.data(), buffer.size(), 0);
    Require(got > 0, "receiving");
    received_.append(buffer.data(), static_cast<size_t>(got));
  }
  std::vector<uint64_t> keys;
  for (size_t at = 0; received_.compare(at, std::string::npos, kEnd) != 0;) {
    // VALUE KEY 0 BYTES, and a line of so many bytes.
    if (received_.compare(at, kValue.size(), kValue) != 0) {
      Fail("an unexpected answer: " + received_.substr(at, 80));
    }
    char* after = nullptr;
    keys.push_back(strtoull(received_.c_str() + at + kValue.size(), &after, 10));
    strtoull(after, &after, 10);
    const size_t bytes = strtoull(after, nullptr, 10);
    at = received_.find('\n', at) + 1 + bytes + strlen("\r\n");
  }
  return keys;
}

}  // namespace tombolo::bench
