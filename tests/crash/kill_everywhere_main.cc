// Kills an endpoint at every instruction of everything that writes the region, and looks whether
// those who are left get on as if it had never been there.
//
//   kill_everywhere [--stride N] [WORD]
//
// --stride N kills at every N-th instruction only, or fewer, and always after those that change the
// region.
// WORD: only operations whose name contains it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "absl/debugging/symbolize.h"
#include "tests/crash/extent_cases.h"
#include "tests/crash/membership_cases.h"
#include "tests/crash/message_cases.h"
#include "tests/crash/run_case.h"

namespace tombolo::crash {
namespace {

std::vector<Case> AllCases() {
  std::vector<Case> all;
  for (const auto& cases : {PublishCases(), ReleaseCases(), SleepCases(), LoanCases(),
                            ExtentCases(), StreamCases(), AttachCases(), DaemonCases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

void Print(const Case& which, const Tally& tally) {
  printf("%-18s %-14s %6lu instructions %6lu points %4lu torn %4lu leaks %4lu blocked\n",
         which.operation, which.state, tally.instructions, tally.points, tally.torn, tally.leaks,
         tally.blocked);
  if (!tally.first_failure.empty()) printf("  FAILED: %s\n", tally.first_failure.c_str());
  fflush(stdout);
}

// Exit code: 0 when no case failed.
int Run(uint64_t stride, const char* word) {
  uint64_t passed = 0, failed = 0, points = 0;
  for (const Case& which : AllCases()) {
    if (strstr(which.operation, word) == nullptr) continue;
    const Tally tally = RunCase(which, stride);
    Print(which, tally);
    ++(tally.Good() ? passed : failed);
    points += tally.points;
  }
  printf("killed at %lu points\n%lu passed, %lu failed\n", points, passed, failed);
  return failed == 0 && passed != 0 ? 0 : 1;
}

}  // namespace
}  // namespace tombolo::crash

int main(int argc, char** argv) {
  absl::InitializeSymbolizer(argv[0]);
  uint64_t stride = 1;
  if (argc > 2 && strcmp(argv[1], "--stride") == 0) {
    stride = strtoull(argv[2], nullptr, 10);
    argc -= 2;
    argv += 2;
  }
  if (argc > 2 || stride == 0) {
    fprintf(stderr, "usage: kill_everywhere [--stride N] [WORD]\n");
    return 2;
  }
  return tombolo::crash::Run(stride, argc > 1 ? argv[1] : "");
}
