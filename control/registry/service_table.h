// ServiceTable: the fixed number of services, named owners of memory that outlives processes, and
// who may write the memory of each.
//
//   FREE --Open--> exists, with a writer --ForgetWriter--> exists, without --Open--> with another
//                                                             |
//                                       FREE <--Recycle-- going <--Close--
//
// One living endpoint at a time writes a service's memory. The next one finds all that its
// predecessor left. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

inline constexpr size_t kMaxServiceNameBytes = 31;

struct ServiceEntry {
  uint32_t index = 0;
  uint32_t incarnation = 0;  // Counts how often the index became a service, from 1.
  std::string name;
  EndpointId writer;        // Incarnation 0: nobody.
  uint32_t maker_slot = 0;  // Whose endpoint made the service exist.
  bool is_going = false;    // Its memory is being freed.

  friend bool operator==(const ServiceEntry&, const ServiceEntry&) = default;
};

// One record of the table. One that does not exist is that of the last service of its index.
struct ServiceSlot {
  bool exists = false;
  ServiceEntry entry;  // entry.incarnation outlives the service.

  friend bool operator==(const ServiceSlot&, const ServiceSlot&) = default;
};

class ServiceTable {
 public:
  explicit ServiceTable(uint32_t capacity) : records_(capacity) {}

  // As it was when Records() gave `records`, whose indices must be below `capacity`.
  ServiceTable(uint32_t capacity, const std::vector<ServiceSlot>& records);

  // Makes `writer` the writer of the service `name`, at the lowest free index if there is none of
  // that name; good without effect when it is that already. AlreadyExists while another endpoint
  // is, Unavailable while the service is going, ResourceExhausted when all records are taken.
  // `slot` is the writer's.
  absl::StatusOr<ServiceEntry> Open(const std::string& name, EndpointId writer, uint32_t slot = 0);

  bool Exists(std::string_view name) { return Find(name) != nullptr; }

  // How many exist that endpoints of `slot` made.
  uint32_t CountOf(uint32_t slot) const;

  // `writer` is dead.
  void ForgetWriter(EndpointId writer);

  // The service is going. Good without effect when it is already; NotFound without such a service,
  // FailedPrecondition while somebody writes its memory.
  absl::Status Close(std::string_view name);

  // Nothing belongs to a going service any more: its index is free.
  void Recycle(uint32_t index);

  // Those that exist, by index.
  std::vector<ServiceEntry> All() const;

  // Every index that ever was a service, by index.
  std::vector<ServiceSlot> Records() const;

 private:
  ServiceSlot* Find(std::string_view name);
  ServiceSlot* Make(const std::string& name, uint32_t slot);

  std::vector<ServiceSlot> records_;
};

}  // namespace tombolo::control
