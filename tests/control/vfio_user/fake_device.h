// FakeDevice: a PciDevice that remembers what was done to it, and requests as bytes, for tests.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "control/vfio_user/pci_device.h"
#include "control/vfio_user/wire.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control::vfio_user {

class FakeDevice final : public PciDevice {
 public:
  static constexpr uint32_t kPlainBar = 0, kMappedBar = 2;
  static constexpr uint64_t kBarBytes = 4096;
  static constexpr uint32_t kVectors = 3;

  explicit FakeDevice(int memory_fd = -1) : memory_fd_(memory_fd) {}

  PciRegion Region(uint32_t region) const override {
    PciRegion described;
    if (region == kPlainBar || region == kMappedBar) described.size_bytes = kBarBytes;
    if (region == kMappedBar) {
      described.mappable = {{.offset = 1024, .size_bytes = 512},
                            {.offset = 2048, .size_bytes = 64}};
      described.fd = memory_fd_;
    }
    return described;
  }
  void Read(uint32_t region, uint64_t offset, std::span<std::byte> bytes) override {
    std::copy_n(bars[region].begin() + static_cast<ptrdiff_t>(offset), bytes.size(), bytes.begin());
  }
  void Write(uint32_t region, uint64_t offset, std::span<const std::byte> bytes) override {
    std::ranges::copy(bytes, bars[region].begin() + static_cast<ptrdiff_t>(offset));
  }
  uint32_t VectorCount() const override { return kVectors; }
  void SetVector(uint32_t vector, UniqueFd eventfd) override {
    vectors[vector] = std::move(eventfd);
  }
  void Reset() override { ++resets; }

  std::array<std::array<std::byte, kBarBytes>, kMappedBar + 1> bars{};
  std::array<UniqueFd, kVectors> vectors;
  int resets = 0;

 private:
  int memory_fd_;
};

// A message: header, struct and data.
template <typename T>
std::vector<std::byte> Request(uint16_t command, const T& payload,
                               std::span<const std::byte> data = {},
                               uint32_t flags = kTypeCommand) {
  const size_t size_bytes = sizeof(Header) + sizeof(T) + data.size();
  const Header header{.message_id = 7,
                      .command = command,
                      .size_bytes = static_cast<uint32_t>(size_bytes),
                      .flags = flags,
                      .error = 0};
  std::vector<std::byte> bytes(sizeof(Header) + sizeof(T));
  memcpy(bytes.data(), &header, sizeof(header));
  memcpy(bytes.data() + sizeof(header), &payload, sizeof(payload));
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

inline std::vector<std::byte> VersionRequest() {
  static constexpr char kCapabilities[] = "{}";
  return Request(kVersion, Version{.major = kMajorVersion, .minor = kMinorVersion},
                 std::as_bytes(std::span(kCapabilities)));
}

// What lies at `offset`; zeroes when it is not there.
template <typename T>
T At(std::span<const std::byte> bytes, size_t offset) {
  T value{};
  if (offset + sizeof(T) <= bytes.size()) memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace tombolo::control::vfio_user
