// A remote call and its answer: the whole of its round trip in nanoseconds, both sides polling. The
// arguments and the result have 8 bytes; with a window the callee copies that many bytes into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/transport/measurement.h"
#include "bench/transport/two_members.h"
#include "transport/call/callee.h"
#include "transport/call/caller.h"
#include "transport/channel/channel.h"

namespace tombolo::bench {

class CallLatency final : public Measurement, private CallHandler {
 public:
  // `window_bytes`: whole pages, or 0.
  explicit CallLatency(size_t window_bytes);

  void Prepare(Side side) override;
  double Lead() override;
  void Follow() override;

 private:
  static constexpr uint64_t kCalls = 500;

  void CallOnce(const CallRequest& request);

  void OnCall(IncomingCall& call) override;

  const size_t window_bytes_;
  TwoMembers members_;
  RegionBuffer buffer_;            // The caller's.
  std::vector<std::byte> source_;  // What the callee fills windows with.
  std::optional<Caller> caller_;
  std::optional<Callee> callee_;
  uint64_t replied_ = 0;
};

}  // namespace tombolo::bench
