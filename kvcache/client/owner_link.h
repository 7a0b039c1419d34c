// OwnerLink: a connection to the owner of a cache (kvcache/remote) and the requests on it, one
// after the other.
//
//   no connection       Ask() connects and says hello, then asks
//   the owner has gone  the connection is closed; the next Ask() connects anew
//   it is stuck         after a time-out the same; for as long again, a second at most, nobody is
//                       kept waiting for it
//
// A request that the owner cannot have got whole, and one that may as well run twice, are sent once
// more over a new connection: so the first request after a restart of the owner succeeds. Of any
// other one that was not answered it is not known whether it was run, or, if the owner was stuck or
// the tunnel is slow to close, will be run later: that is an error.
//
// The owner is believed what it says of items, and nothing else: replies are checked, and a value
// takes a MiB of memory at most beyond what has arrived of it. Not thread-safe; waits for the
// owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/owner_address.h"
#include "kvcache/client/owner_carrier.h"
#include "kvcache/remote/owner_request.h"
#include "kvcache/remote/owner_wire.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

struct OwnerLinkOptions {
  // For all that comes of one Ask(), and again for each further MiB of a value, either way. Bytes
  // that trickle do not prolong it.
  int64_t timeout_ns = kNsPerSecond;
};

class OwnerLink {
 public:
  OwnerLink(OwnerAddress address, const OwnerLinkOptions& options);

  // Sees to it that there is a connection. Unavailable: nobody is there. DeadlineExceeded: it does
  // not answer. FailedPrecondition: it refuses, and says why. DataLoss: what it says makes no
  // sense.
  absl::Status Connect();

  // What the owner said when it was connected with last; how often that was, from 0.
  const OwnerHelloReply& Hello() const { return hello_; }
  uint64_t Connections() const { return connections_; }

  // Gives the reply, whose value is put to `value`. Errors: those of Connect(), and of those
  // Unavailable and DeadlineExceeded also when it is not known whether the request was run.
  absl::StatusOr<OwnerReplyHeader> Ask(const OwnerRequest& request, std::string& value);

  // A hint that goes with the next request; the oldest ones are lost when there are many.
  void Touched(uint32_t shard, uint64_t slot);

  // The owner's time as last heard, in seconds of Unix time; 0: never.
  uint32_t NowS() const { return now_s_; }

 private:
  // How far a request came.
  enum class Progress { kUnsent, kSent, kAnswered };

  absl::Status Exchange(const OwnerRequest& request, OwnerReplyHeader& reply, std::string& value,
                        Progress& progress);
  absl::Status SeeToConnection();
  absl::Status SayHello();
  absl::Status Send(const OwnerRequest& request);
  absl::Status SendBytes(std::string_view head, std::string_view value);
  absl::Status Receive(const OwnerRequestHeader& asked, OwnerReplyHeader& reply,
                       std::string& value);
  absl::Status ReceiveBytes(char* to, size_t bytes);
  absl::Status ReceiveValue(size_t bytes, std::string& value);
  void BeginDeadline();
  absl::Status Await(OwnerCarrier::Until until);
  absl::Status Lost(const absl::Status& why) const;
  void AppendTouched(std::string& bytes);
  absl::Status Close(absl::Status why);

  const OwnerAddress address_;
  const OwnerLinkOptions options_;
  std::unique_ptr<OwnerCarrier> carrier_;
  std::string head_;  // Of the request that is being sent: all but the value.
  OwnerHelloReply hello_;
  uint64_t connections_ = 0;
  uint64_t next_number_ = 1;
  uint32_t now_s_ = 0;
  int64_t deadline_ns_ = 0;    // Of what is waited for now.
  int64_t no_earlier_ns_ = 0;  // After a time-out: when to try again,
  absl::Status why_not_;       // and what is answered until then.
  std::array<uint64_t, kMaxTouchedSlots> touched_ = {};
  size_t touched_count_ = 0;  // Of all; the last ones are kept.
};

}  // namespace tombolo::kvcache
