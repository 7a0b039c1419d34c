#include "control/service/service_log.h"

#include <algorithm>
#include <utility>

namespace tombolo::control {
namespace {

// That of the same incarnation; null when there is none.
const ServiceInfo* FindSame(const std::vector<ServiceInfo>& services, const ServiceEntry& entry) {
  const auto found = std::ranges::find_if(services, [&entry](const ServiceInfo& service) {
    return service.entry.index == entry.index && service.entry.incarnation == entry.incarnation;
  });
  return found == services.end() ? nullptr : &*found;
}

}  // namespace

bool ServiceLog::Set(std::vector<ServiceInfo> services) {
  const uint64_t before = Revision();
  for (const ServiceInfo& service : services_) {
    if (FindSame(services, service.entry) == nullptr) Add(ServiceEvent::Kind::kGone, service);
  }
  for (const ServiceInfo& service : services) {
    const ServiceInfo* known = FindSame(services_, service.entry);
    if (known == nullptr) {
      Add(ServiceEvent::Kind::kAppeared, service);
    } else if (*known != service) {
      Add(ServiceEvent::Kind::kChanged, service);
    }
  }
  services_ = std::move(services);
  return Revision() != before;
}

absl::StatusOr<std::optional<ServiceEvent>> ServiceLog::After(uint64_t revision) const {
  const absl::StatusOr<const ServiceEvent*> next = history_.Next(revision);
  if (!next.ok()) return next.status();
  return *next == nullptr ? std::nullopt : std::optional<ServiceEvent>(**next);
}

void ServiceLog::Add(ServiceEvent::Kind kind, const ServiceInfo& service) {
  history_.Add({.revision = Revision() + 1, .kind = kind, .service = service});
}

}  // namespace tombolo::control
