#include "transport/fsck/link_scan.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"
#include "transport/layout/member_table.h"

namespace tombolo {
namespace {

// The words of a link that name who talks to whom.
struct LinkHead {
  uint64_t magic_and_ends = 0;
  uint64_t incarnations = 0;

  uint32_t Magic() const { return static_cast<uint32_t>(magic_and_ends); }
  uint16_t Sender() const { return static_cast<uint16_t>(magic_and_ends >> 32); }
  uint16_t Receiver() const { return static_cast<uint16_t>(magic_and_ends >> 48); }
  uint32_t SenderIncarnation() const { return static_cast<uint32_t>(incarnations); }
};

LinkHead ReadLinkHead(const Region& region, uint32_t extent) {
  // SUBTLE: whole words, whatever the fields are: the extent may by now be anybody's, who writes
  // there while we look. Relaxed: the look is compared with another one.
  // SAFETY: an extent is within the region and aligned to 4 KiB.
  const auto* words = reinterpret_cast<const SharedU64*>(region.Extent(extent));
  return {.magic_and_ends = words[0].load(std::memory_order_relaxed),
          .incarnations = words[1].load(std::memory_order_relaxed)};
}

class LinkScan {
 public:
  LinkScan(const Region& region, const OwnerTable& owners, Findings& findings)
      : region_(region),
        owners_(owners),
        findings_(findings),
        directory_extents_(LinkDirectoryExtents(region.Limits().endpoint_count)) {}

  void Run() {
    for (uint32_t i = 0; i < owners_.EndpointCount(); ++i) CheckLine(i);
  }

 private:
  Evidence Begin(uint32_t index) const {
    return Evidence().Add(owners_.IdentityOf(static_cast<uint16_t>(index)));
  }

  std::string Name(uint32_t index) const { return owners_.Describe(static_cast<uint16_t>(index)); }

  uint64_t MapWord(uint32_t extent) const {
    return region_.ExtentMap()[extent].load(std::memory_order_relaxed);
  }

  void CheckLine(uint32_t index) {
    const EndpointLine& line = region_.Line(index);
    const uint32_t incarnation = line.incarnation.load(std::memory_order_acquire);
    const uint32_t armed = line.armed.load(std::memory_order_relaxed);
    // Acquire: pairs with Channel::EnsureDirectory.
    const uint64_t directory = line.link_directory.load(std::memory_order_acquire);
    const auto owner = static_cast<uint16_t>(index);
    const OwnerStanding standing = owners_.StandingOf(owner);
    const bool is_member = standing == OwnerStanding::kLive || standing == OwnerStanding::kDead;
    const bool is_own = is_member && incarnation == IdentityIncarnation(owners_.IdentityOf(owner));
    if (is_own) {
      if (directory != 0) CheckDirectory(index, directory);
    } else if (directory != 0 || armed != 0) {
      // An endpoint that has opened no channel yet, or never does, has an empty line.
      findings_.Add(
          ViolationKind::kStaleLine, index, Begin(index).Add(incarnation).Add(armed).Add(directory),
          absl::StrCat("the line of ", Name(index), " is of incarnation ", incarnation,
                       ", which is over, and says armed ", armed, ", link directory ", directory));
    }
  }

  // Whether `extent` begins a run of `index`, and of which length and kind.
  bool IsRun(uint32_t index, uint64_t map_word, ExtentKind kind, uint64_t length) const {
    const ExtentWord word = UnpackExtentWord(map_word);
    return word.state == ExtentState::kHead && word.kind == kind && word.owner == index &&
           word.length == length;
  }

  void CheckDirectory(uint32_t index, uint64_t entry) {
    const uint64_t extent = entry - 1;
    const uint64_t count = region_.Parts().extent_count;
    Evidence evidence = Begin(index).Add(entry);
    if (extent >= count || directory_extents_ > count - extent) {
      findings_.Add(
          ViolationKind::kDirectory, index, evidence,
          absl::StrCat("the link directory of ", Name(index), " begins at extent ", extent,
                       " and has ", directory_extents_, " extents, but the region has ", count));
      return;
    }
    const auto first = static_cast<uint32_t>(extent);
    const uint64_t word = MapWord(first);
    if (!IsRun(index, word, ExtentKind::kLinkDirectory, directory_extents_)) {
      findings_.Add(ViolationKind::kDirectory, index, evidence.Add(word),
                    absl::StrCat("extent ", first, ", the link directory of ", Name(index),
                                 ", is no directory of its own: its word is 0x",
                                 absl::Hex(word, absl::kZeroPad16)));
      return;
    }
    CheckLinks(index, first);
  }

  void CheckLinks(uint32_t index, uint32_t directory) {
    // SAFETY: the directory's extents lie within the region, by the check above.
    const auto* entries = reinterpret_cast<const LinkDirectoryEntry*>(region_.Extent(directory));
    for (uint32_t receiver = 0; receiver < owners_.EndpointCount(); ++receiver) {
      // Acquire: pairs with Channel::Open.
      const uint32_t entry = entries[receiver].load(std::memory_order_acquire);
      if (entry != 0) CheckLink(index, receiver, entry);
    }
  }

  void CheckLink(uint32_t index, uint32_t receiver, uint32_t entry) {
    const uint32_t extent = entry - 1;
    Evidence evidence = Begin(index).Add(receiver).Add(entry);
    if (extent >= region_.Parts().extent_count) {
      return BadLink(index, receiver, evidence,
                     absl::StrCat("lies in extent ", extent, ", but the region has ",
                                  region_.Parts().extent_count));
    }
    const uint64_t word = MapWord(extent);
    if (!IsRun(index, word, ExtentKind::kLink, 1)) {
      return BadLink(
          index, receiver, evidence.Add(word),
          absl::StrCat("lies in extent ", extent, ", which is no link of its own: its word is 0x",
                       absl::Hex(word, absl::kZeroPad16)));
    }
    const LinkHead head = ReadLinkHead(region_, extent);
    evidence.Add(word).Add(head.magic_and_ends).Add(head.incarnations);
    // Two entries of one extent would be overlapping links: one of them is not the link's receiver.
    if (head.Magic() != kLinkMagic || head.Sender() != index || head.Receiver() != receiver ||
        head.SenderIncarnation() != IncarnationOf(index)) {
      return BadLink(
          index, receiver, evidence,
          absl::StrCat("in extent ", extent, " says that it is a link from endpoint ",
                       head.Sender(), " (incarnation ", head.SenderIncarnation(), ") to endpoint ",
                       head.Receiver(), ", magic 0x", absl::Hex(head.Magic())));
    }
  }

  uint32_t IncarnationOf(uint32_t index) const {
    return IdentityIncarnation(owners_.IdentityOf(static_cast<uint16_t>(index)));
  }

  void BadLink(uint32_t index, uint32_t receiver, const Evidence& evidence,
               const std::string& why) {
    findings_.Add(ViolationKind::kLink, index, evidence,
                  absl::StrCat("the link from ", Name(index), " to endpoint ", receiver, " ", why));
  }

  const Region& region_;
  const OwnerTable& owners_;
  Findings& findings_;
  const uint32_t directory_extents_;
};

}  // namespace

void ScanLinks(const Region& region, const OwnerTable& owners, Findings& findings) {
  LinkScan(region, owners, findings).Run();
}

}  // namespace tombolo
