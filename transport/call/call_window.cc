#include "transport/call/call_window.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/region/region_copy.h"

namespace tombolo {
namespace {

bool Allows(CallWindowUse granted, CallWindowUse wanted) {
  return (static_cast<uint8_t>(granted) & static_cast<uint8_t>(wanted)) != 0;
}

absl::Status GivenAway() {
  return absl::AbortedError(
      "the caller has given the window's pages to other use while the call ran; drop the call.");
}

}  // namespace

std::optional<CallWindow> CallWindow::Make(const Region& region, Loan loan, CallWindowUse use) {
  const std::span<const std::byte> lent = loan.Bytes();
  const bool is_use = use > CallWindowUse::kNone && use <= CallWindowUse::kReadWrite;
  if (!is_use || lent.empty() || lent.size() % kCallPageBytes != 0) return std::nullopt;
  const Offset offset =
      region.ExtentOffset(0) + static_cast<uint64_t>(lent.data() - region.Extent(0));
  const std::span<std::byte> bytes = region.Bytes(offset, lent.size());
  if (bytes.empty() || offset.bytes % kCallPageBytes != 0) return std::nullopt;
  return CallWindow(region, std::move(loan), use, offset, bytes);
}

absl::Status CallWindow::Check(CallWindowUse use, uint64_t offset, uint64_t size_bytes) const {
  if (!Allows(use_, use)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the caller gave its window for ", use == CallWindowUse::kRead ? "writing" : "reading",
        " only; let the request say what the method needs."));
  }
  if (!FitsWithin(Offset{offset}, size_bytes, bytes_.size())) {
    return absl::OutOfRangeError(absl::StrCat("[", offset, ", ", offset, " + ", size_bytes,
                                              ") is not within the window, which has ",
                                              bytes_.size(), " bytes."));
  }
  return absl::OkStatus();
}

absl::Status CallWindow::Read(uint64_t offset, std::span<std::byte> to) const {
  if (absl::Status status = Check(CallWindowUse::kRead, offset, to.size()); !status.ok()) {
    return status;
  }
  CopyOut(region_.Type(), to.data(), bytes_.subspan(offset, to.size()));
  return loan_.Intact() ? absl::OkStatus() : GivenAway();
}

absl::Status CallWindow::Write(uint64_t offset, std::span<const std::byte> from) {
  if (absl::Status status = Check(CallWindowUse::kWrite, offset, from.size()); !status.ok()) {
    return status;
  }
  // Before as well: what is somebody else's by now is not written to.
  if (!loan_.Intact()) return GivenAway();
  CopyIn(region_.Type(), bytes_.data() + offset, from);
  return loan_.Intact() ? absl::OkStatus() : GivenAway();
}

}  // namespace tombolo
