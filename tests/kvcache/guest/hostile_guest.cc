#include "tests/kvcache/guest/hostile_guest.h"

#include <sys/socket.h>

#include <utility>

#include "absl/status/statusor.h"
#include "kvcache/remote/owner_wire.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kMostConnections = 32;

template <typename Struct>
std::string Bytes(const Struct& one) {
  return {reinterpret_cast<const char*>(&one), sizeof(one)};
}

std::string Hello() {
  const OwnerHello hello{.magic = kOwnerProtocolMagic, .version = kOwnerProtocolVersion};
  return Bytes(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kHello),
                                  .value_bytes = sizeof(hello)}) +
         Bytes(hello);
}

}  // namespace

HostileGuest::HostileGuest(std::string owner, uint32_t seed)
    : owner_(std::move(owner)), random_(seed) {}

bool HostileGuest::SayOnce() {
  if (connections_.size() == kMostConnections) LetTheOldestGo();
  absl::StatusOr<UniqueFd> socket = ConnectUnix(owner_, SOCK_STREAM);
  if (!socket.ok()) return false;
  std::string said = random_() % 8 == 0 ? "" : Hello();
  const auto requests = random_() % 50;
  for (unsigned i = 0; i < requests; ++i) said += Request();
  // Until the owner has had enough of it.
  send(socket->Get(), said.data(), said.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  connections_.push_back(*std::move(socket));
  return true;
}

// Some without a word; of the others it is known when the owner has let them go, too.
void HostileGuest::LetTheOldestGo() {
  const UniqueFd oldest = std::move(connections_.front());
  connections_.pop_front();
  if (random_() % 8 == 0) return;
  shutdown(oldest.Get(), SHUT_WR);
  char replies[4096];
  while (recv(oldest.Get(), replies, sizeof(replies), 0) > 0) continue;
}

std::string HostileGuest::Request() {
  switch (random_() % 8) {
    case 0:
      return Noise(random_() % 500);
    case 1:
      return Spoilt(Put(random_() % 3000));
    case 2:
      return Marks();
    case 3:
      // Most of it never comes.
      return Put(random_() % 100'000).substr(0, 200);
    default:
      return Put(random_() % 3000);
  }
}

std::string HostileGuest::Put(size_t value_bytes) {
  const std::string key = "hostile" + std::to_string(random_() % 10);
  return Bytes(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kPut),
                                  .key_bytes = static_cast<uint8_t>(key.size()),
                                  .value_bytes = static_cast<uint32_t>(value_bytes),
                                  .number = random_()}) +
         key + std::string(value_bytes, 'h');
}

// Of slots of anybody, and of none.
std::string HostileGuest::Marks() {
  const auto slots = 1 + random_() % kMaxTouchedSlots;
  return Bytes(OwnerRequestHeader{.op = static_cast<uint8_t>(OwnerOp::kTouched),
                                  .value_bytes = static_cast<uint32_t>(slots * 8)}) +
         Noise(slots * 8);
}

std::string HostileGuest::Spoilt(std::string request) {
  char& byte = request[random_() % sizeof(OwnerRequestHeader)];
  byte = static_cast<char>(byte ^ 1 << random_() % 8);
  return request;
}

std::string HostileGuest::Noise(size_t bytes) {
  std::string noise(bytes, 0);
  for (char& byte : noise) byte = static_cast<char>(random_());
  return noise;
}

}  // namespace tombolo::kvcache
