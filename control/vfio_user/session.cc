#include "control/vfio_user/session.h"

#include <errno.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::control::vfio_user {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
void Append(Bytes& bytes, const T& value) {
  const auto part = std::as_bytes(std::span(&value, 1));
  bytes.insert(bytes.end(), part.begin(), part.end());
}

// The begin of a payload.
template <typename T>
absl::StatusOr<T> Take(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(T)) {
    return absl::InvalidArgumentError(absl::StrCat("a payload of ", payload.size(),
                                                   " bytes, expected at least ", sizeof(T), "."));
  }
  T value;
  memcpy(&value, payload.data(), sizeof(T));
  return value;
}

uint32_t ErrnoOf(const absl::Status& status) {
  return absl::IsUnimplemented(status) ? ENOTSUP : EINVAL;
}

Bytes Message(const Header& request, uint32_t error, const Bytes& payload) {
  Header header = request;
  header.size_bytes = static_cast<uint32_t>(sizeof(Header) + payload.size());
  header.flags = kTypeReply | (error == 0 ? 0 : kError);
  header.error = error;
  Bytes bytes;
  Append(bytes, header);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

std::string Capabilities() {
  return absl::StrCat("{\"capabilities\":{\"max_msg_fds\":", kMostFds,
                      ",\"max_data_xfer_size\":", kMostDataBytes, "}}");
}

Bytes SparseAreasOf(const PciRegion& region) {
  Bytes bytes;
  Append(bytes, SparseAreas{.id = kSparseAreasId,
                            .version = kSparseAreasVersion,
                            .next = 0,
                            .area_count = static_cast<uint32_t>(region.mappable.size()),
                            .reserved = 0});
  for (const Area& area : region.mappable) Append(bytes, area);
  return bytes;
}

}  // namespace

absl::StatusOr<uint32_t> MessageBytes(const Header& header) {
  if ((header.flags & kTypeMask) != kTypeCommand) {
    return absl::InvalidArgumentError("a reply, but nothing was asked.");
  }
  if (header.size_bytes < sizeof(Header) || header.size_bytes > kMostMessageBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a message of ", header.size_bytes,
                                                   " bytes, expected ", sizeof(Header), " to ",
                                                   kMostMessageBytes, "."));
  }
  return header.size_bytes;
}

absl::StatusOr<Answer> Session::Handle(std::span<const std::byte> message,
                                       std::vector<UniqueFd> fds) {
  const absl::StatusOr<Header> header = Take<Header>(message);
  if (!header.ok()) return header.status();
  if (!has_version_ && header->command != kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("command ", header->command, " before the version."));
  }
  answer_fd_ = -1;
  const auto payload = message.subspan(sizeof(Header));
  const absl::StatusOr<Bytes> answer = Perform(header->command, payload, fds);
  // Who speaks another version cannot be talked with.
  if (!has_version_) return answer.status();
  if ((header->flags & kNoReply) != 0) return Answer{};
  if (!answer.ok()) return Answer{.bytes = Message(*header, ErrnoOf(answer.status()), {})};
  return Answer{.bytes = Message(*header, 0, *answer), .fd = answer_fd_};
}

absl::StatusOr<Bytes> Session::Perform(uint16_t command, Payload payload,
                                       std::vector<UniqueFd>& fds) {
  switch (command) {
    case kVersion:
      return Negotiate(payload);
    case kDmaMap:
      return MapDma(payload);
    case kDmaUnmap:
      return UnmapDma(payload);
    case kDeviceInfo:
      return DescribeDevice(payload);
    case kRegionInfo:
      return DescribeRegion(payload);
    case kIrqInfo:
      return DescribeIrq(payload);
    case kSetIrqs:
      return SetInterrupts(payload, fds);
    case kRegionRead:
      return ReadRegion(payload);
    case kRegionWrite:
      return WriteRegion(payload);
    case kDeviceReset:
      device_->Reset();
      return Bytes{};
    default:
      return absl::UnimplementedError(absl::StrCat("command ", command, " is not known."));
  }
}

// The client's capabilities are its limits; ours are lower than the protocol's defaults.
absl::StatusOr<Bytes> Session::Negotiate(Payload payload) {
  const absl::StatusOr<Version> version = Take<Version>(payload);
  if (!version.ok()) return version.status();
  if (has_version_) return absl::InvalidArgumentError("the version was agreed on before.");
  if (version->major != kMajorVersion) {
    return absl::InvalidArgumentError(absl::StrCat("version ", version->major, ".", version->minor,
                                                   ", expected ", kMajorVersion, ".", kMinorVersion,
                                                   ". Use another QEMU."));
  }
  has_version_ = true;
  Bytes answer;
  Append(answer, Version{.major = kMajorVersion, .minor = kMinorVersion});
  for (const char letter : Capabilities()) answer.push_back(static_cast<std::byte>(letter));
  answer.push_back(std::byte{0});
  return answer;
}

absl::StatusOr<Bytes> Session::MapDma(Payload payload) const {
  if (auto map = Take<DmaMap>(payload); !map.ok()) return map.status();
  return Bytes{};
}

absl::StatusOr<Bytes> Session::UnmapDma(Payload payload) const {
  const absl::StatusOr<DmaUnmap> unmap = Take<DmaUnmap>(payload);
  if (!unmap.ok()) return unmap.status();
  Bytes answer;
  Append(answer, *unmap);
  return answer;
}

absl::StatusOr<Bytes> Session::DescribeDevice(Payload payload) const {
  if (auto info = Take<DeviceInfo>(payload); !info.ok()) return info.status();
  Bytes answer;
  Append(answer, DeviceInfo{.argument_bytes = sizeof(DeviceInfo),
                            .flags = kDeviceCanReset | kDeviceIsPci,
                            .region_count = kRegionCount,
                            .irq_count = kIrqCount});
  return answer;
}

// Who has no room for the areas learns how much they take, and asks again.
absl::StatusOr<Bytes> Session::DescribeRegion(Payload payload) {
  const absl::StatusOr<RegionInfo> asked = Take<RegionInfo>(payload);
  if (!asked.ok()) return asked.status();
  if (asked->index >= kRegionCount) {
    return absl::InvalidArgumentError(absl::StrCat("there is no region ", asked->index, "."));
  }
  const PciRegion region = device_->Region(asked->index);
  RegionInfo info{.argument_bytes = sizeof(RegionInfo),
                  .flags = region.size_bytes == 0 ? 0 : kRegionReadable | kRegionWritable,
                  .index = asked->index,
                  .capability_offset = 0,
                  .size_bytes = region.size_bytes,
                  .offset = 0};
  Bytes areas;
  if (region.fd >= 0 && !region.mappable.empty()) {
    areas = SparseAreasOf(region);
    info.argument_bytes += static_cast<uint32_t>(areas.size());
    info.flags |= kRegionMappable | kRegionHasCapabilities;
    // Where the areas would be, too: QEMU takes nothing else.
    info.capability_offset = sizeof(RegionInfo);
    if (asked->argument_bytes < info.argument_bytes) areas.clear();
    answer_fd_ = region.fd;
  }
  Bytes answer;
  Append(answer, info);
  answer.insert(answer.end(), areas.begin(), areas.end());
  return answer;
}

absl::StatusOr<Bytes> Session::DescribeIrq(Payload payload) const {
  const absl::StatusOr<IrqInfo> asked = Take<IrqInfo>(payload);
  if (!asked.ok()) return asked.status();
  if (asked->index >= kIrqCount) {
    return absl::InvalidArgumentError(absl::StrCat("there is no interrupt ", asked->index, "."));
  }
  const bool is_msix = asked->index == kMsixIrq;
  Bytes answer;
  Append(answer, IrqInfo{.argument_bytes = sizeof(IrqInfo),
                         .flags = is_msix ? kIrqByEventfd | kIrqNoResize : 0,
                         .index = asked->index,
                         .count = is_msix ? device_->VectorCount() : 0});
  return answer;
}

// Vectors get the eventfds in turn; those for which there are none are not listened to any more, as
// are all of them when no vector is named.
absl::StatusOr<Bytes> Session::SetInterrupts(Payload payload, std::vector<UniqueFd>& fds) {
  const absl::StatusOr<SetIrqs> set = Take<SetIrqs>(payload);
  if (!set.ok()) return set.status();
  const uint32_t vectors = set->index == kMsixIrq ? device_->VectorCount() : 0;
  if (set->start > vectors || set->count > vectors - set->start || fds.size() > set->count) {
    return absl::InvalidArgumentError(
        absl::StrCat("interrupt ", set->index, " has ", vectors, " vectors, but ", set->count,
                     " from ", set->start, " on are set, with ", fds.size(), " descriptors."));
  }
  // A mask is QEMU's own business: it has the table.
  if ((set->flags & kIrqActionTrigger) == 0) return Bytes{};
  const bool is_end = (set->flags & kIrqDataNone) != 0 && set->count == 0;
  if (!is_end && (set->flags & kIrqDataEventfd) == 0) return Bytes{};
  const uint32_t start = is_end ? 0 : set->start;
  const uint32_t count = is_end ? vectors : set->count;
  for (uint32_t i = 0; i < count; ++i) {
    device_->SetVector(start + i, i < fds.size() ? std::move(fds[i]) : UniqueFd());
  }
  return Bytes{};
}

absl::StatusOr<Bytes> Session::ReadRegion(Payload payload) {
  const absl::StatusOr<RegionAccess> access = Take<RegionAccess>(payload);
  if (!access.ok()) return access.status();
  if (absl::Status status = CheckAccess(*access); !status.ok()) return status;
  Bytes answer;
  Append(answer, *access);
  answer.resize(sizeof(RegionAccess) + access->size_bytes);
  device_->Read(access->region, access->offset, std::span(answer).subspan(sizeof(RegionAccess)));
  return answer;
}

absl::StatusOr<Bytes> Session::WriteRegion(Payload payload) {
  const absl::StatusOr<RegionAccess> access = Take<RegionAccess>(payload);
  if (!access.ok()) return access.status();
  if (absl::Status status = CheckAccess(*access); !status.ok()) return status;
  const Payload data = payload.subspan(sizeof(RegionAccess));
  if (data.size() != access->size_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a write of ", access->size_bytes, " bytes came with ", data.size(), "."));
  }
  device_->Write(access->region, access->offset, data);
  Bytes answer;
  Append(answer, *access);
  return answer;
}

absl::Status Session::CheckAccess(const RegionAccess& access) const {
  if (access.region >= kRegionCount || access.size_bytes > kMostDataBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("an access of ", access.size_bytes, " bytes to region ", access.region, "."));
  }
  const uint64_t region_bytes = device_->Region(access.region).size_bytes;
  if (access.offset <= region_bytes && access.size_bytes <= region_bytes - access.offset) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("an access beyond the ", region_bytes, " bytes of region ", access.region, "."));
}

}  // namespace tombolo::control::vfio_user
