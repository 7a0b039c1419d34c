// The C interface's polling, waiting and loans.
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "transport/c/handle.h"
#include "transport/c/tombolo.h"
#include "transport/channel/channel.h"
#include "transport/channel/loan.h"
#include "transport/channel/tags.h"

struct tombolo_loan {
  tombolo::Loan loan;
};

namespace tombolo {
namespace {

// Calls the caller's functions, and keeps what belongs to byte streams from them.
class Callbacks final : public ChannelHandler {
 public:
  Callbacks(tombolo_endpoint& handle, const tombolo_handler* handler) : handle_(handle) {
    // A caller that was compiled against an older header has fewer functions.
    if (handler != nullptr) {
      memcpy(&handler_, handler, std::min(handler->struct_bytes, sizeof(handler_)));
    }
  }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    if (tag == ToTag(AgentTag::kStream) && handle_.streams != nullptr) {
      handle_.streams->OnMessage(source, payload);
    } else if (handler_.on_message != nullptr) {
      handler_.on_message(handler_.context, ToC(source), tag, payload.data(), payload.size());
    }
  }

  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override {
    if (handler_.on_loan == nullptr) {
      return ChannelHandler::OnLoan(source, tag, std::move(loan));
    }
    auto* held = new tombolo_loan{.loan = std::move(loan)};
    const std::span<const std::byte> bytes = held->loan.Bytes();
    handler_.on_loan(handler_.context, ToC(source), tag, held, bytes.data(), bytes.size());
  }

  void OnReturned(EndpointId borrower, uint64_t cookie) override {
    if (handler_.on_returned != nullptr) {
      handler_.on_returned(handler_.context, ToC(borrower), cookie);
    }
  }

  void OnDeparted(EndpointId peer) override {
    if (handle_.streams != nullptr) handle_.streams->OnDeparted(peer);
    if (handler_.on_departed != nullptr) handler_.on_departed(handler_.context, ToC(peer));
  }

 private:
  tombolo_endpoint& handle_;
  tombolo_handler handler_{};
};

// True: streams have more to send, so do not sleep.
bool FlushStreams(tombolo_endpoint& handle) {
  return handle.streams != nullptr && handle.streams->Flush();
}

RegionBuffer BufferFromC(const tombolo_buffer& buffer) {
  return {.first_extent = static_cast<uint32_t>(buffer.opaque),
          .bytes = {static_cast<std::byte*>(buffer.data), buffer.size_bytes}};
}

int LendResultToC(LendResult result) {
  switch (result) {
    case LendResult::kLent:
      return 0;
    case LendResult::kNoCredits:
      return FailC(EAGAIN, "no room now; poll and try again.");
    case LendResult::kTooMuchLent:
      return FailC(
          EDQUOT,
          "too much is lent to that peer; send a copy, or wait until something comes back.");
  }
  return FailC(EPROTO, "unknown result.");
}

}  // namespace
}  // namespace tombolo

using tombolo::FailC;
using tombolo::FromC;

int tombolo_poll(tombolo_endpoint* handle, const tombolo_handler* handler) {
  tombolo::Callbacks callbacks(*handle, handler);
  const size_t delivered = handle->channel->Poll(callbacks);
  tombolo::FlushStreams(*handle);
  return static_cast<int>(delivered);
}

int tombolo_wait(tombolo_endpoint* handle, const tombolo_handler* handler, int64_t limit_ns) {
  if (tombolo::FlushStreams(*handle)) return tombolo_poll(handle, handler);
  tombolo::Callbacks callbacks(*handle, handler);
  const size_t delivered = handle->channel->Wait(callbacks, limit_ns);
  tombolo::FlushStreams(*handle);
  return static_cast<int>(delivered);
}

int tombolo_fd(const tombolo_endpoint* handle) { return handle->channel->Readable(); }

int tombolo_prepare_to_sleep(tombolo_endpoint* handle) {
  return !tombolo::FlushStreams(*handle) && handle->channel->PrepareToSleep() ? 1 : 0;
}

int64_t tombolo_max_sleep_ns(const tombolo_endpoint* handle) {
  return handle->channel->MaxSleepNs();
}

void tombolo_woke_up(tombolo_endpoint* handle, int in_vain) {
  handle->channel->WakeUp();
  if (in_vain != 0) handle->channel->SleptInVain();
}

int tombolo_allocate(tombolo_endpoint* handle, size_t size_bytes, tombolo_buffer* buffer) {
  const auto result = handle->channel->Allocate(size_bytes);
  if (!result.ok()) return FailC(result.status());
  *buffer = tombolo_buffer{.data = result->bytes.data(),
                           .size_bytes = result->bytes.size(),
                           .opaque = result->first_extent};
  return 0;
}

int tombolo_free(tombolo_endpoint* handle, const tombolo_buffer* buffer) {
  const absl::Status status = handle->channel->Free(tombolo::BufferFromC(*buffer));
  return status.ok() ? 0 : FailC(status);
}

int tombolo_lend(tombolo_endpoint* handle, tombolo_id peer, const tombolo_buffer* buffer,
                 size_t offset, size_t size_bytes, uint8_t tag, uint64_t cookie) {
  if (const int refused = tombolo::RefuseTag(tag); refused != 0) return refused;
  const auto result = handle->channel->TryLend(FromC(peer), tombolo::BufferFromC(*buffer), offset,
                                               size_bytes, tag, cookie);
  return result.ok() ? tombolo::LendResultToC(*result) : FailC(result.status());
}

int tombolo_loan_intact(const tombolo_loan* loan) { return loan->loan.Intact() ? 1 : 0; }

void tombolo_return(tombolo_loan* loan) { delete loan; }
