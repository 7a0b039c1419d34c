// The transfer of one file over a connected socket (frames.h): who has it sends, the other one
// receives. The same on both ends, whoever asked.
//
// An error of any kind leaves it to the caller to tell the other side (SendRefusal). What was
// received until then stays as a part (part_file.h), and the next transfer to the same place goes
// on there when the sender's file still begins with it.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "control/copy/folders.h"

namespace tombolo::control {

struct TransferProgress {
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t resumed_bytes = 0;  // Of those that are done: were there before.
};

// Called when the transfer begins, and with every piece.
using OnProgress = std::function<void(const TransferProgress& progress)>;

// Sends `file`, a regular one. OK: the receiver has it, with the same digest. DataLoss: it became
// shorter meanwhile.
absl::Status SendFile(int socket, int file, const OnProgress& on_progress);

// Receives a file into `place`. ResourceExhausted: it is larger than the room there is, which is
// looked at first. DataLoss: what came has another digest; the part is taken away then.
absl::Status ReceiveFile(int socket, const FilePlace& place, const OnProgress& on_progress);

}  // namespace tombolo::control
