// ProgressBar: how far long work has come, in one line of a terminal that it writes again and
// again: a bar, how much of how much, the rate, and the time that is left. Where stderr is no
// terminal it says nothing. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo::control {

struct Progress {
  uint64_t done = 0;
  uint64_t total = 0;        // At least `done`.
  double rate = 0;           // Per second; 0 while it is not known.
  bool counts_bytes = true;  // Else things, without a unit.
};

// As in "a.img [=====>    ]  55 %  1 GiB of 2 GiB  812 MiB/s  1 s left".
std::string ProgressLine(std::string_view what, const Progress& progress);

class ProgressBar {
 public:
  // Shown when `wanted` and stderr may be decorated (table.h). The rate counts from here.
  ProgressBar(std::string what, bool counts_bytes, bool wanted = true);

  // Takes the line away.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `done` of `total`; `at_start`: of `done`, what was there before the work began. Written at most
  // ten times a second.
  void Show(uint64_t done, uint64_t total, uint64_t at_start = 0);

 private:
  const std::string what_;
  const bool counts_bytes_;
  const bool shown_;
  const int64_t start_ns_;
  int64_t next_ns_ = 0;
};

}  // namespace tombolo::control
