// What anybody reads of the member table and of link directories, over whatever stands there.
#include <cstdlib>
#include <optional>

#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/endpoint/link_directory.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"

namespace tombolo::fuzz {
namespace {

constexpr int kMostSteps = 128;

class MembershipTarget {
 public:
  explicit MembershipTarget(Input& input) : input_(input) {}

  void Run() {
    const HostileLoads hostile(input_);
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
  }

 private:
  uint32_t AnyIndex() { return input_.Below(kFuzzLimits.endpoint_count); }

  void Step() {
    switch (input_.Below(8)) {
      case 0:
        Record()[input_.Below(sizeof(EndpointRecord) / 8)].store(input_.Number<uint64_t>(),
                                                                 std::memory_order_relaxed);
        return;
      case 1:
        region_.SetState({AnyIndex(), input_.Byte()}, static_cast<EndpointState>(input_.Below(4)));
        return;
      case 2:
        View()
            .Line(AnyIndex())
            .link_directory.store(
                input_.Below(2) == 0 ? input_.Below(512) : input_.Number<uint64_t>(),
                std::memory_order_relaxed);
        return;
      case 3:
        return WriteEntry();
      case 4:
        View().EndpointHighWater().store(input_.Number<uint32_t>(), std::memory_order_relaxed);
        return;
      case 5:
        return FindLink();
      case 6:
        return ReadAll();
      default:
        ReadEndpoint(View(), input_.Number<uint32_t>());
        IsLive(View(), {input_.Number<uint32_t>(), input_.Byte()});
        return;
    }
  }

  const Region& View() const { return region_.View(); }

  SharedU64* Record() { return reinterpret_cast<SharedU64*>(&View().Endpoint(AnyIndex())); }

  void WriteEntry() {
    auto* entries = reinterpret_cast<LinkDirectoryEntry*>(
        View().Extent(input_.Below(View().Parts().extent_count)));
    entries[AnyIndex()].store(input_.Below(2) == 0 ? input_.Below(512) : input_.Number<uint32_t>(),
                              std::memory_order_relaxed);
  }

  void FindLink() {
    const std::optional<uint32_t> extent = FindLinkExtent(View(), AnyIndex(), AnyIndex());
    if (extent && *extent >= View().Parts().extent_count) abort();
  }

  void ReadAll() {
    if (LiveEndpoints(View()).size() > kFuzzLimits.endpoint_count) abort();
    const auto found = FindEndpoint(View(), 0, "name");
    if (found && (found->id.index >= kFuzzLimits.endpoint_count || found->name != "name")) abort();
  }

  Input& input_;
  FuzzRegion region_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  MembershipTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      {1, 5, 1, 1, 6, 7, 5, 0, 0, 0, 1},              // One that lives.
      {2, 4, 0, 9, 0, 3, 8, 0, 7, 1, 3, 0, 5, 4, 7},  // A directory and a link in it.
      {4, 255, 255, 255, 255, 6},                     // A high water that is none.
  };
}

}  // namespace tombolo::fuzz
