#include "control/registry/service_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "control/registry/next_incarnation.h"

namespace tombolo::control {

ServiceTable::ServiceTable(uint32_t capacity, const std::vector<ServiceSlot>& records)
    : records_(capacity) {
  for (const ServiceSlot& record : records) records_[record.entry.index] = record;
}

absl::StatusOr<ServiceEntry> ServiceTable::Open(const std::string& name, EndpointId writer,
                                                uint32_t slot) {
  ServiceSlot* record = Find(name);
  if (record == nullptr) record = Make(name, slot);
  if (record == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "all ", records_.size(), " services of the region exist; close one that nobody needs."));
  }
  ServiceEntry& entry = record->entry;
  if (entry.is_going) {
    return absl::UnavailableError(
        absl::StrCat("the service ", name, " is being closed; try again in a moment."));
  }
  if (entry.writer != EndpointId{} && entry.writer != writer) {
    return absl::AlreadyExistsError(
        absl::StrCat("endpoint ", entry.writer.index, " (incarnation ", entry.writer.incarnation,
                     ") writes the memory of the service ", name, "; it must end first."));
  }
  entry.writer = writer;
  return entry;
}

void ServiceTable::ForgetWriter(EndpointId writer) {
  for (ServiceSlot& record : records_) {
    if (record.entry.writer == writer) record.entry.writer = {};
  }
}

absl::Status ServiceTable::Close(std::string_view name) {
  ServiceSlot* record = Find(name);
  if (record == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no service ", std::string(name), "."));
  }
  const EndpointId writer = record->entry.writer;
  if (writer != EndpointId{}) {
    return absl::FailedPreconditionError(absl::StrCat("endpoint ", writer.index,
                                                      " writes the memory of the service ",
                                                      std::string(name), "; end it first."));
  }
  record->entry.is_going = true;
  return absl::OkStatus();
}

void ServiceTable::Recycle(uint32_t index) {
  ServiceSlot& record = records_[index];
  record.exists = false;
  record.entry.is_going = false;
}

std::vector<ServiceEntry> ServiceTable::All() const {
  std::vector<ServiceEntry> all;
  for (const ServiceSlot& record : records_) {
    if (record.exists) all.push_back(record.entry);
  }
  return all;
}

std::vector<ServiceSlot> ServiceTable::Records() const {
  std::vector<ServiceSlot> used;
  for (const ServiceSlot& record : records_) {
    if (record.entry.incarnation != 0) used.push_back(record);
  }
  return used;
}

uint32_t ServiceTable::CountOf(uint32_t slot) const {
  return static_cast<uint32_t>(std::ranges::count_if(records_, [slot](const ServiceSlot& record) {
    return record.exists && record.entry.maker_slot == slot;
  }));
}

ServiceSlot* ServiceTable::Find(std::string_view name) {
  const auto found = std::ranges::find_if(records_, [name](const ServiceSlot& record) {
    return record.exists && record.entry.name == name;
  });
  return found == records_.end() ? nullptr : &*found;
}

ServiceSlot* ServiceTable::Make(const std::string& name, uint32_t slot) {
  const auto free = std::ranges::find(records_, false, &ServiceSlot::exists);
  if (free == records_.end()) return nullptr;
  free->exists = true;
  free->entry = {.index = static_cast<uint32_t>(free - records_.begin()),
                 .incarnation = NextIncarnation(free->entry.incarnation),
                 .name = name,
                 .writer = {},
                 .maker_slot = slot,
                 .is_going = false};
  return &*free;
}

}  // namespace tombolo::control
