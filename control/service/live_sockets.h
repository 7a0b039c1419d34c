// LiveSockets: how many of the sockets that were given away are still open.
//
// Who got them (gRPC) closes them without telling. A socket's inode number is its own as long as
// it lives, so a descriptor number that shows another inode, or none, was closed. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace tombolo::control {

class LiveSockets {
 public:
  // `fd` is about to be given away; it stays the caller's.
  void Add(int fd);

  // Forgets those that were closed and counts the others: one system call each.
  size_t Count();

 private:
  struct Entry {
    int fd;
    ino_t inode;
  };
  std::vector<Entry> entries_;
};

}  // namespace tombolo::control
