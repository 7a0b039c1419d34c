#include "control/daemon/kept_state.h"

#include <string.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/registry/endpoint_table.h"
#include "control/registry/membership.h"
#include "control/registry/service_table.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kMagic = 0x4554'4154'5342'4d54;  // "TMBSTATE".
constexpr uint32_t kVersion = 1;

struct StateHead {
  uint64_t magic;
  uint32_t version;
  uint32_t layout_version;  // Of the region.
  uint32_t slot_count;
  uint32_t vector_count;
  uint32_t endpoint_count;
  uint32_t reserved;
  uint64_t region_bytes;
  uint8_t uuid[16];
  uint64_t revision;
  uint32_t endpoint_records;
  uint32_t service_records;
};

struct SlotBytes {
  int64_t joined_unix_ns;
  uint32_t incarnation;
  uint8_t is_occupied;
  uint8_t kind;
  uint8_t state;
  uint8_t reserved;
  char boot_id[40];  // Zero-padded, as all text here.
};

struct EndpointBytes {
  uint64_t changed_revision;
  int64_t attached_unix_ns;
  uint32_t index;
  uint32_t incarnation;
  uint32_t slot;
  uint32_t vector;
  int32_t pid;
  uint32_t life;
  char name[32];
};

struct ServiceBytes {
  uint32_t index;
  uint32_t incarnation;
  uint32_t writer_index;
  uint32_t writer_incarnation;
  uint32_t maker_slot;
  uint8_t exists;
  uint8_t is_going;
  uint8_t reserved[2];
  char name[32];
};

static_assert(sizeof(StateHead) == 72 && sizeof(SlotBytes) == 56);
static_assert(sizeof(EndpointBytes) == 72 && sizeof(ServiceBytes) == 56);
static_assert(kMaxBootIdBytes <= sizeof(SlotBytes::boot_id));
static_assert(kMaxEndpointNameBytes <= sizeof(EndpointBytes::name));
static_assert(kMaxServiceNameBytes <= sizeof(ServiceBytes::name));

template <typename T>
void Append(const T& record, std::vector<std::byte>& bytes) {
  static_assert(std::has_unique_object_representations_v<T>);
  const auto raw = std::as_bytes(std::span(&record, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

template <size_t N>
std::string Text(const char (&padded)[N]) {
  return std::string(padded, strnlen(padded, N));
}

template <size_t N>
void SetText(std::string_view text, char (&padded)[N]) {
  text.copy(padded, N);
}

SlotBytes Packed(const SlotEntry& entry) {
  SlotBytes packed = {.joined_unix_ns = entry.peer.joined_unix_ns,
                      .incarnation = entry.peer.incarnation,
                      .is_occupied = entry.occupied,
                      .kind = static_cast<uint8_t>(entry.peer.kind),
                      .state = static_cast<uint8_t>(entry.peer.state),
                      .reserved = 0,
                      .boot_id = {}};
  SetText(entry.peer.boot_id, packed.boot_id);
  return packed;
}

EndpointBytes Packed(const EndpointEntry& entry) {
  const EndpointInfo& info = entry.info;
  EndpointBytes packed = {.changed_revision = entry.changed_revision,
                          .attached_unix_ns = info.attached_unix_ns,
                          .index = info.id.index,
                          .incarnation = info.id.incarnation,
                          .slot = info.slot,
                          .vector = info.vector,
                          .pid = info.pid,
                          .life = static_cast<uint32_t>(entry.life),
                          .name = {}};
  SetText(info.name, packed.name);
  return packed;
}

ServiceBytes Packed(const ServiceSlot& record) {
  const ServiceEntry& service = record.entry;
  ServiceBytes packed = {.index = service.index,
                         .incarnation = service.incarnation,
                         .writer_index = service.writer.index,
                         .writer_incarnation = service.writer.incarnation,
                         .maker_slot = service.maker_slot,
                         .exists = record.exists,
                         .is_going = service.is_going,
                         .reserved = {},
                         .name = {}};
  SetText(service.name, packed.name);
  return packed;
}

absl::Status Wrong(const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat("the kept state of the daemon is damaged: ", what));
}

// A number that stands for one of the first `count` values of an enum.
absl::Status CheckChoice(const char* what, uint32_t number, uint32_t count) {
  if (number < count) return absl::OkStatus();
  return Wrong(absl::StrCat(what, " is ", number, "; expected less than ", count, "."));
}

absl::StatusOr<SlotEntry> Unpacked(uint32_t slot, const SlotBytes& packed) {
  if (auto good = CheckChoice("a slot's use", packed.is_occupied, 2); !good.ok()) return good;
  if (auto good = CheckChoice("a slot's kind", packed.kind, 2); !good.ok()) return good;
  if (auto good = CheckChoice("a slot's state", packed.state, 2); !good.ok()) return good;
  return SlotEntry{.occupied = packed.is_occupied == 1,
                   .peer = {.slot = slot,
                            .kind = static_cast<PeerKind>(packed.kind),
                            .state = static_cast<PeerState>(packed.state),
                            .incarnation = packed.incarnation,
                            .boot_id = Text(packed.boot_id),
                            .joined_unix_ns = packed.joined_unix_ns,
                            .endpoints = {}}};
}

absl::StatusOr<EndpointEntry> Unpacked(const EndpointBytes& packed) {
  if (auto good = CheckChoice("an endpoint's life", packed.life, 3); !good.ok()) return good;
  return EndpointEntry{.life = static_cast<EndpointLife>(packed.life),
                       .changed_revision = packed.changed_revision,
                       .info = {.id = {packed.index, packed.incarnation},
                                .slot = packed.slot,
                                .vector = packed.vector,
                                .pid = packed.pid,
                                .name = Text(packed.name),
                                .attached_unix_ns = packed.attached_unix_ns}};
}

absl::StatusOr<ServiceSlot> Unpacked(const ServiceBytes& packed) {
  if (auto good = CheckChoice("a service's life", packed.exists, 2); !good.ok()) return good;
  if (auto good = CheckChoice("a service's end", packed.is_going, 2); !good.ok()) return good;
  return ServiceSlot{.exists = packed.exists == 1,
                     .entry = {.index = packed.index,
                               .incarnation = packed.incarnation,
                               .name = Text(packed.name),
                               .writer = {packed.writer_index, packed.writer_incarnation},
                               .maker_slot = packed.maker_slot,
                               .is_going = packed.is_going == 1}};
}

// Takes the front of `bytes`, which must be long enough.
template <typename T>
T Take(std::span<const std::byte>& bytes) {
  T record;
  memcpy(&record, bytes.data(), sizeof(record));
  bytes = bytes.subspan(sizeof(record));
  return record;
}

absl::StatusOr<StateHead> TakeHead(std::span<const std::byte>& bytes) {
  if (bytes.size() < sizeof(StateHead)) {
    return Wrong(absl::StrCat("it has ", bytes.size(), " bytes; expected at least ",
                              sizeof(StateHead), "."));
  }
  const StateHead head = Take<StateHead>(bytes);
  if (head.magic != kMagic || head.version != kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the kept state of the daemon has magic 0x", absl::Hex(head.magic),
                     " and version ", head.version, "; this tombolod knows 0x", absl::Hex(kMagic),
                     " and version ", kVersion, "."));
  }
  // The region is still laid out as its machines and processes know it.
  if (head.layout_version != kLayoutVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the region has layout version ", head.layout_version,
                     "; this tombolod knows version ", kLayoutVersion, "."));
  }
  return head;
}

// All counts are limited before anything is computed from them.
absl::StatusOr<RegionLimits> LimitsIn(const StateHead& head, size_t tail_bytes) {
  const RegionLimits limits{.region_bytes = head.region_bytes,
                            .slot_count = head.slot_count,
                            .vector_count = head.vector_count,
                            .endpoint_count = head.endpoint_count};
  if (auto geometry = ComputeGeometry(limits); !geometry.ok()) {
    return Wrong(std::string(geometry.status().message()));
  }
  if (head.endpoint_records > limits.endpoint_count || head.service_records > kServiceCount) {
    return Wrong(absl::StrCat(head.endpoint_records, " endpoints and ", head.service_records,
                              " services were kept; a region has at most ", limits.endpoint_count,
                              " and ", kServiceCount, "."));
  }
  const size_t expected = limits.slot_count * sizeof(SlotBytes) +
                          head.endpoint_records * sizeof(EndpointBytes) +
                          head.service_records * sizeof(ServiceBytes);
  if (tail_bytes == expected) return limits;
  return Wrong(absl::StrCat(tail_bytes, " bytes follow its head; expected ", expected, "."));
}

absl::StatusOr<RegistryState> TakeRegistry(const StateHead& head,
                                           std::span<const std::byte>& bytes) {
  RegistryState state;
  state.revision = head.revision;
  for (uint32_t slot = 0; slot < head.slot_count; ++slot) {
    absl::StatusOr<SlotEntry> entry = Unpacked(slot, Take<SlotBytes>(bytes));
    if (!entry.ok()) return entry.status();
    state.slots.push_back(*std::move(entry));
  }
  for (uint32_t i = 0; i < head.endpoint_records; ++i) {
    absl::StatusOr<EndpointEntry> entry = Unpacked(Take<EndpointBytes>(bytes));
    if (!entry.ok()) return entry.status();
    state.endpoints.push_back(*std::move(entry));
  }
  for (uint32_t i = 0; i < head.service_records; ++i) {
    absl::StatusOr<ServiceSlot> record = Unpacked(Take<ServiceBytes>(bytes));
    if (!record.ok()) return record.status();
    state.services.push_back(*std::move(record));
  }
  return state;
}

}  // namespace

RegistryLimits RegistryLimitsFor(const RegionLimits& limits) {
  return {.slots = limits.slot_count,
          .vectors = limits.vector_count,
          .endpoints = limits.endpoint_count,
          .services = kServiceCount};
}

size_t MostStateBytes(const RegionLimits& limits) {
  return sizeof(StateHead) + limits.slot_count * sizeof(SlotBytes) +
         limits.endpoint_count * sizeof(EndpointBytes) + kServiceCount * sizeof(ServiceBytes);
}

std::vector<std::byte> ToBytes(const KeptState& state) {
  const RegistryState& registry = state.registry;
  StateHead head = {.magic = kMagic,
                    .version = kVersion,
                    .layout_version = kLayoutVersion,
                    .slot_count = state.limits.slot_count,
                    .vector_count = state.limits.vector_count,
                    .endpoint_count = state.limits.endpoint_count,
                    .reserved = 0,
                    .region_bytes = state.limits.region_bytes,
                    .uuid = {},
                    .revision = registry.revision,
                    .endpoint_records = static_cast<uint32_t>(registry.endpoints.size()),
                    .service_records = static_cast<uint32_t>(registry.services.size())};
  memcpy(head.uuid, state.uuid.data(), sizeof(head.uuid));
  std::vector<std::byte> bytes;
  bytes.reserve(sizeof(head) + registry.slots.size() * sizeof(SlotBytes) +
                registry.endpoints.size() * sizeof(EndpointBytes) +
                registry.services.size() * sizeof(ServiceBytes));
  Append(head, bytes);
  for (const SlotEntry& entry : registry.slots) Append(Packed(entry), bytes);
  for (const EndpointEntry& entry : registry.endpoints) Append(Packed(entry), bytes);
  for (const ServiceSlot& record : registry.services) Append(Packed(record), bytes);
  return bytes;
}

absl::StatusOr<KeptState> ParseKeptState(const std::span<const std::byte> all) {
  std::span<const std::byte> bytes = all;
  const absl::StatusOr<StateHead> head = TakeHead(bytes);
  if (!head.ok()) return head.status();
  const absl::StatusOr<RegionLimits> limits = LimitsIn(*head, bytes.size());
  if (!limits.ok()) return limits.status();
  absl::StatusOr<RegistryState> registry = TakeRegistry(*head, bytes);
  if (!registry.ok()) return registry.status();
  if (auto good = CheckRegistryState(*registry, RegistryLimitsFor(*limits)); !good.ok()) {
    return Wrong(std::string(good.message()));
  }
  KeptState state{.limits = *limits, .registry = *std::move(registry)};
  memcpy(state.uuid.data(), head->uuid, sizeof(head->uuid));
  // Reserved bytes, and what stands behind the end of a text.
  if (!std::ranges::equal(ToBytes(state), all)) return Wrong("some bytes in it mean nothing.");
  return state;
}

}  // namespace tombolo::control
