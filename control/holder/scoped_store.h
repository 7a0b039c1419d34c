// ScopedStore: a part of another DescriptorStore, in which every name begins with the same words.
// So several brokers of one process, which know nothing of each other, share the one store that
// there is.
//
// Ownership: the whole store is the caller's and must outlive it. Thread safety: none.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "control/holder/descriptor_store.h"

namespace tombolo::control {

class ScopedStore final : public DescriptorStore {
 public:
  // `prefix`: of the names in `whole`; its length is taken from kMaxDescriptorNameBytes.
  // `inherited`: what TakeScopes() found there, for Take().
  ScopedStore(DescriptorStore& whole, std::string prefix, NamedDescriptors inherited);

  absl::Status Store(std::string_view name, int fd) override;
  absl::Status Remove(std::string_view name) override;
  NamedDescriptors Take() override { return std::exchange(inherited_, {}); }

  // Nothing: who has the whole store says it.
  void MarkReady() override {}

  // Drops all that is kept in this scope, but for the name `keep`.
  void RemoveAllBut(std::string_view keep);

 private:
  DescriptorStore& whole_;
  const std::string prefix_;
  NamedDescriptors inherited_;
  std::set<std::string, std::less<>> names_;  // Of all that is kept in this scope.
};

// Moves what is called `prefix`SCOPE/NAME out of `from`, as NAME, by scope.
std::map<std::string, NamedDescriptors> TakeScopes(NamedDescriptors& from, std::string_view prefix);

}  // namespace tombolo::control
