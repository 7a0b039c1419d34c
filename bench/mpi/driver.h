// Driver: a rank's connection to the program that runs the bench (bench/mpi_jobs.py). A rank that
// waits for a line sleeps in the kernel, whatever its transport: so the jobs of all transports are
// up at the same time, and only one of them uses the cores.
#pragma once

#include <stdio.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tombolo::bench {

class Driver {
 public:
  // Connects to the Unix socket at `path`. Ends the process when nobody is there.
  explicit Driver(const std::string& path);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // The next line; nullopt: there is none any more.
  std::optional<std::string> ReadLine();

  // The answer to a line: what this rank measured, if it did, and how often it lost its core.
  void Answer(std::optional<double> value, uint64_t times_preempted);

 private:
  FILE* in_;
  FILE* out_;
};

}  // namespace tombolo::bench
