#include "control/holder/scoped_store.h"

namespace tombolo::control {

ScopedStore::ScopedStore(DescriptorStore& whole, std::string prefix, NamedDescriptors inherited)
    : whole_(whole), prefix_(std::move(prefix)), inherited_(std::move(inherited)) {
  for (const auto& [name, fd] : inherited_) names_.insert(name);
}

absl::Status ScopedStore::Store(std::string_view name, int fd) {
  absl::Status stored = whole_.Store(prefix_ + std::string(name), fd);
  if (stored.ok()) names_.emplace(name);
  return stored;
}

absl::Status ScopedStore::Remove(std::string_view name) {
  absl::Status removed = whole_.Remove(prefix_ + std::string(name));
  if (const auto found = names_.find(name); removed.ok() && found != names_.end()) {
    names_.erase(found);
  }
  return removed;
}

void ScopedStore::RemoveAllBut(std::string_view keep) {
  const std::set<std::string, std::less<>> names = names_;
  for (const std::string& name : names) {
    if (name != keep) Remove(name).IgnoreError();
  }
}

std::map<std::string, NamedDescriptors> TakeScopes(NamedDescriptors& from,
                                                   std::string_view prefix) {
  std::map<std::string, NamedDescriptors> scopes;
  for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix);) {
    const std::string rest = it->first.substr(prefix.size());
    const size_t end = rest.find('/');
    if (end == std::string::npos) {
      ++it;
      continue;
    }
    scopes[rest.substr(0, end)].emplace(rest.substr(end + 1), std::move(it->second));
    it = from.erase(it);
  }
  return scopes;
}

}  // namespace tombolo::control
