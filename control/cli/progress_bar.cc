#include "control/cli/progress_bar.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/cli/short_units.h"
#include "control/cli/table.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr size_t kBarCells = 24;
constexpr int64_t kPeriodNs = 100 * kNsPerMs;
constexpr char kBackAndClear[] = "\r\033[K";

std::string Bar(double part) {
  const auto full = static_cast<size_t>(part * static_cast<double>(kBarCells));
  std::string bar(std::min(full, kBarCells), '=');
  if (bar.size() < kBarCells) bar += '>';
  bar.resize(kBarCells, ' ');
  return bar;
}

std::string Amount(uint64_t count, bool is_bytes) {
  return is_bytes ? ShortBytes(count) : absl::StrCat(count);
}

}  // namespace

std::string ProgressLine(std::string_view what, const Progress& progress) {
  const double part = progress.total == 0 ? 1
                                          : static_cast<double>(progress.done) /
                                                static_cast<double>(progress.total);
  std::string line =
      absl::StrCat(std::string(what), " [", Bar(part), "] ", static_cast<int>(part * 100), " %  ",
                   Amount(progress.done, progress.counts_bytes), " of ",
                   Amount(progress.total, progress.counts_bytes));
  if (progress.rate <= 0) return line;
  if (progress.counts_bytes) {
    absl::StrAppend(&line, "  ", ShortBytes(static_cast<uint64_t>(progress.rate)), "/s");
  }
  const double left_s = static_cast<double>(progress.total - progress.done) / progress.rate;
  return absl::StrCat(line, "  ", ShortTime(left_s), " left");
}

ProgressBar::ProgressBar(std::string what, bool counts_bytes, bool wanted)
    : what_(std::move(what)),
      counts_bytes_(counts_bytes),
      shown_(wanted && MayDecorate(STDERR_FILENO)),
      start_ns_(MonotonicNs()) {}

ProgressBar::~ProgressBar() {
  if (shown_) fputs(kBackAndClear, stderr);
}

void ProgressBar::Show(uint64_t done, uint64_t total, uint64_t at_start) {
  if (!shown_) return;
  const int64_t now_ns = MonotonicNs();
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + kPeriodNs;
  const double seconds =
      static_cast<double>(now_ns - start_ns_) / static_cast<double>(kNsPerSecond);
  const Progress progress{
      .done = done,
      .total = std::max(done, total),
      .rate = seconds > 0 ? static_cast<double>(done - std::min(done, at_start)) / seconds : 0,
      .counts_bytes = counts_bytes_};
  fprintf(stderr, "%s%s", kBackAndClear, ProgressLine(what_, progress).c_str());
  fflush(stderr);
}

}  // namespace tombolo::control
