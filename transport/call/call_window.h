// CallWindow: whole pages of a caller's memory that a callee reads or writes where they lie, for as
// long as the call runs.
//
// It is a loan (transport/channel/loan.h): the caller's memory goes to nobody else while it is
// held, also when the caller dies, and the caller learns when it is back. What the caller said that
// the callee does with it binds the callee; the mapping would allow both.
//
// The caller may be hostile: it may write while we read, and give the pages away while we hold
// them. So Read() and Write() copy once, and say afterwards whether the pages were the caller's all
// the time. What Read() gave is to be checked as any word of a stranger. Movable; belongs to the
// thread that polls the channel, and goes before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "transport/base/offset.h"
#include "transport/base/units.h"
#include "transport/channel/loan.h"
#include "transport/layout/call_frame.h"
#include "transport/region/region.h"

namespace tombolo {

inline constexpr uint64_t kCallPageBytes = kExtentBytes;

class CallWindow {
 public:
  // Nothing: `loan` is not of whole pages, or `use` names none that there is.
  static std::optional<CallWindow> Make(const Region& region, Loan loan, CallWindowUse use);

  uint64_t SizeBytes() const { return bytes_.size(); }
  CallWindowUse Use() const { return use_; }

  // Where it begins: for whoever maps these pages of the region a second time.
  Offset RegionOffset() const { return offset_; }

  // Copies [offset, offset + to.size()) out. PermissionDenied: it is not for reading. OutOfRange:
  // not within the window. Aborted: the caller has given the pages away meanwhile.
  absl::Status Read(uint64_t offset, std::span<std::byte> to) const;

  // The same in the other direction.
  absl::Status Write(uint64_t offset, std::span<const std::byte> from);

  // The pages themselves, for read(2) and the like, which then copy once: of a mapping that is
  // write-back, and Intact() is to be asked afterwards.
  std::span<std::byte> Bytes() const { return bytes_; }
  bool Intact() const { return loan_.Intact(); }

 private:
  CallWindow(const Region& region, Loan loan, CallWindowUse use, Offset offset,
             std::span<std::byte> bytes)
      : region_(region), loan_(std::move(loan)), use_(use), offset_(offset), bytes_(bytes) {}

  absl::Status Check(CallWindowUse use, uint64_t offset, uint64_t size_bytes) const;

  Region region_;
  Loan loan_;
  CallWindowUse use_;
  Offset offset_;
  std::span<std::byte> bytes_;
};

}  // namespace tombolo
