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
  // How many may be open at once.
  struct Limits {
    size_t all = 0;
    size_t of_one_process = 0;  // So that one that takes what it can get leaves room for others.
  };

  // `fd` is about to be given away; it stays the caller's.
  void Add(int fd);

  // Forgets those that were closed and counts the others: one system call each.
  size_t Count();

  // Whether `fd` may be one more, of the process that has connected it. As Count().
  bool HasRoomFor(int fd, const Limits& limits);

 private:
  struct Entry {
    int fd;
    ino_t inode;
    pid_t process;  // 0: nobody knows, as of a socket of a network.
  };
  std::vector<Entry> entries_;
};

}  // namespace tombolo::control
