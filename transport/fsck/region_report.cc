#include "transport/fsck/region_report.h"

namespace tombolo {

const char* Word(ViolationKind kind) {
  switch (kind) {
    case ViolationKind::kUnknownState:
      return "unknown-state";
    case ViolationKind::kUnknownKind:
      return "unknown-kind";
    case ViolationKind::kDirtyFreeWord:
      return "dirty-free-word";
    case ViolationKind::kNoSuchOwner:
      return "no-such-owner";
    case ViolationKind::kLeak:
      return "leak";
    case ViolationKind::kOverrun:
      return "overrun";
    case ViolationKind::kBrokenRun:
      return "broken-run";
    case ViolationKind::kDirectory:
      return "directory";
    case ViolationKind::kLink:
      return "link";
    case ViolationKind::kStaleLine:
      return "stale-line";
    case ViolationKind::kMember:
      return "member";
    case ViolationKind::kService:
      return "service";
  }
  return "unknown";
}

}  // namespace tombolo
