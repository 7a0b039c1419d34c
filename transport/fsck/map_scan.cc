#include "transport/fsck/map_scan.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "transport/layout/extent_word.h"

namespace tombolo {
namespace {

bool IsKnown(ExtentKind kind) {
  return kind != ExtentKind::kNone && static_cast<size_t>(kind) < kExtentKinds;
}

bool IsMemory(ExtentKind kind) {
  return kind == ExtentKind::kMemory || kind == ExtentKind::kQuarantine;
}

// Words of memory that was freed while it was lent change their kind one by one.
bool IsSameKind(ExtentKind a, ExtentKind b) { return a == b || (IsMemory(a) && IsMemory(b)); }

// Consecutive words that belong together: a head with its tails, or tails without a head.
struct Piece {
  uint32_t first = 0;
  uint32_t end = 0;
  ExtentWord word;  // The first one.
  Evidence evidence;

  uint32_t Extents() const { return end - first; }
  bool HasHead() const { return word.state == ExtentState::kHead; }
};

std::string Range(const Piece& piece) {
  return piece.Extents() == 1
             ? absl::StrCat("extent ", piece.first, " is")
             : absl::StrCat("extents ", piece.first, " to ", piece.end - 1, " are");
}

class MapScan {
 public:
  MapScan(std::span<const SharedU64> words, OwnerTable& owners, RegionReport& report,
          Findings& findings)
      : words_(words), owners_(owners), report_(report), findings_(findings) {}

  void Run() {
    report_.extent_count = words_.size();
    for (uint32_t i = 0; i < words_.size();) i = Step(i);
  }

 private:
  uint64_t Load(uint32_t index) const {
    // Relaxed: the look is compared with another one, and nothing is read because of it.
    return words_[index].load(std::memory_order_relaxed);
  }

  // Looks at what begins at `index` and gives where the next begins.
  uint32_t Step(uint32_t index) {
    const uint64_t packed = Load(index);
    const ExtentWord word = UnpackExtentWord(packed);
    switch (word.state) {
      case ExtentState::kFree:
        Free(index, packed, word);
        return index + 1;
      case ExtentState::kHead:
        return Run(index, packed, word);
      case ExtentState::kTail:
        return Tails(index, packed, word);
    }
    findings_.Add(ViolationKind::kUnknownState, index, Evidence().Add(packed),
                  absl::StrCat("extent ", index, " is in state ", static_cast<uint32_t>(word.state),
                               ", which does not exist"),
                  1);
    return index + 1;
  }

  void Free(uint32_t index, uint64_t packed, const ExtentWord& word) {
    ++report_.free_extents;
    if (word == ExtentWord{.generation = word.generation}) return;
    findings_.Add(
        ViolationKind::kDirtyFreeWord, index, Evidence().Add(packed),
        absl::StrCat("extent ", index, " is free, but its word is 0x",
                     absl::Hex(packed, absl::kZeroPad16), ": only its generation may be left"));
  }

  uint32_t Run(uint32_t index, uint64_t packed, const ExtentWord& head) {
    Piece piece{.first = index, .end = index + 1, .word = head, .evidence = {}};
    piece.evidence.Add(packed);
    const auto left = static_cast<uint32_t>(words_.size()) - index;
    const bool overruns = head.length == 0 || head.length > left;
    TakeTails(piece, overruns ? left : head.length);
    if (overruns) {
      Overrun(piece);
    } else if (piece.Extents() < head.length) {
      Broken(piece);
    }
    Attribute(piece);
    return piece.end;
  }

  uint32_t Tails(uint32_t index, uint64_t packed, const ExtentWord& tail) {
    Piece piece{.first = index, .end = index + 1, .word = tail, .evidence = {}};
    piece.evidence.Add(packed);
    TakeTails(piece, static_cast<uint32_t>(words_.size()) - index);
    Attribute(piece);
    return piece.end;
  }

  // Adds to `piece` the tails of its owner that follow, until it has `most` extents.
  void TakeTails(Piece& piece, uint32_t most) const {
    while (piece.Extents() < most) {
      const uint64_t packed = Load(piece.end);
      const ExtentWord word = UnpackExtentWord(packed);
      if (word.state != ExtentState::kTail || word.owner != piece.word.owner) return;
      if (!IsSameKind(word.kind, piece.word.kind)) return;
      piece.evidence.Add(packed);
      ++piece.end;
    }
  }

  void Overrun(const Piece& piece) {
    findings_.Add(
        ViolationKind::kOverrun, piece.first, piece.evidence,
        absl::StrCat("extent ", piece.first, " begins a run of ", piece.word.length, " extents of ",
                     owners_.Describe(piece.word.owner), ", but ", words_.size() - piece.first,
                     " are left from there to the end of the map"));
  }

  void Broken(const Piece& piece) {
    const uint64_t packed = Load(piece.end);
    Evidence evidence = piece.evidence;
    findings_.Add(
        ViolationKind::kBrokenRun, piece.first, evidence.Add(packed),
        absl::StrCat("extent ", piece.first, " begins a run of ", piece.word.length, " extents of ",
                     owners_.Describe(piece.word.owner), ", but extent ", piece.end,
                     " is none of its tails: its word is 0x", absl::Hex(packed, absl::kZeroPad16)));
  }

  // Puts the piece into its class.
  void Attribute(Piece& piece) {
    const uint16_t owner = piece.word.owner;
    piece.evidence.Add(owners_.IdentityOf(owner));
    if (!IsKnown(piece.word.kind)) {
      return Lose(ViolationKind::kUnknownKind, piece,
                  absl::StrCat(" of kind ", static_cast<uint32_t>(piece.word.kind),
                               ", which does not exist"));
    }
    switch (owners_.StandingOf(owner)) {
      case OwnerStanding::kLive:
        return Own(piece, report_.owned_extents);
      case OwnerStanding::kDead:
        return Own(piece, report_.quarantine_extents);
      case OwnerStanding::kService:
        return Own(piece, report_.service_extents);
      case OwnerStanding::kOutOfRange:
        return Lose(ViolationKind::kNoSuchOwner, piece, ", who does not exist");
      case OwnerStanding::kNobody:
      case OwnerStanding::kUnknown:
        return Lose(ViolationKind::kLeak, piece, ", whose record is free: nobody will free them");
    }
  }

  void Own(const Piece& piece, uint64_t& extents_of_class) {
    const bool lent = piece.word.kind == ExtentKind::kQuarantine;
    (lent ? report_.quarantine_extents : extents_of_class) += piece.Extents();
    owners_.Hold(piece.word.owner, piece.word.kind, piece.Extents(), !piece.HasHead());
  }

  void Lose(ViolationKind kind, const Piece& piece, const std::string& why) {
    findings_.Add(kind, piece.first, piece.evidence,
                  absl::StrCat(Range(piece), " owned by ", owners_.Describe(piece.word.owner), why),
                  piece.Extents());
  }

  const std::span<const SharedU64> words_;
  OwnerTable& owners_;
  RegionReport& report_;
  Findings& findings_;
};

}  // namespace

void ScanMap(std::span<const SharedU64> words, OwnerTable& owners, RegionReport& report,
             Findings& findings) {
  MapScan(words, owners, report, findings).Run();
}

}  // namespace tombolo
