#include "transport/device/v2/v2_sections.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr uint64_t kMostBytes = 1024 * kGiB;
// So that no sum of these overflows.
constexpr uint64_t kMostSectionBytes = kMostBytes / kV2MostPeers;

absl::Status CheckSection(const char* name, uint64_t size_bytes) {
  if (size_bytes % kV2PageBytes == 0 && size_bytes <= kMostSectionBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the ", name, " section has ", size_bytes, " bytes, expected a multiple of ",
                   kV2PageBytes, " up to ", kMostSectionBytes, ". Choose another size."));
}

}  // namespace

absl::StatusOr<V2Sections> MakeV2Sections(uint32_t peer_count, uint64_t rw_bytes,
                                          uint64_t output_bytes) {
  if (peer_count < kV2LeastPeers || peer_count > kV2MostPeers) {
    return absl::InvalidArgumentError(
        absl::StrCat(peer_count, " peers, expected ", kV2LeastPeers, " to ", kV2MostPeers, "."));
  }
  if (absl::Status status = CheckSection("R/W", rw_bytes); !status.ok()) return status;
  if (absl::Status status = CheckSection("output", output_bytes); !status.ok()) return status;
  if (output_bytes == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the output section has no bytes, expected at least ", kV2PageBytes, "."));
  }
  return V2Sections{.peer_count = peer_count,
                    .state_table_bytes = kV2PageBytes,
                    .rw_bytes = rw_bytes,
                    .output_bytes = output_bytes};
}

}  // namespace tombolo
