// Command: one line of the driver, the same for all ranks of a job.
//
//   NAME COUNT BYTES WINDOW constant|fresh private|allocated
#pragma once

#include <cstddef>
#include <string>

namespace tombolo::bench {

struct Command {
  std::string name;
  int count = 0;              // How often; a small part of it again beforehand, untimed.
  size_t bytes = 0;           // Of each message.
  int window = 0;             // Messages on their way at once.
  bool is_fresh = false;      // All bytes are written before each send, and read after it.
  bool is_allocated = false;  // In memory from MPI_Alloc_mem.
};

// Ends the process if `line` is no command.
Command ParseCommand(const std::string& line);

}  // namespace tombolo::bench
