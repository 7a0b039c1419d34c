#include "control/cli/ring_command.h"

#include <stdio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "control/cli/deadline.h"
#include "control/cli/ivshmem_doorbells.h"
#include "control/cli/ivshmem_option.h"
#include "control/cli/own_endpoint.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/member_table.h"
#include "transport/region/uuid_text.h"
#include "transport/wait/waiter.h"

namespace tombolo::control {
namespace {

// Who waits for an event is an endpoint of its name, so nobody else gets these messages.
constexpr char kEventPrefix[] = "event/";
constexpr uint8_t kEventTag = 1;
constexpr char kRingName[] = "tombolo-ring";
constexpr char kWaitName[] = "tombolo-wait";
constexpr char kIdName[] = "tombolo-id";

struct RingFlags {
  std::string target;
  IvshmemFlags ivshmem;
};

struct WaitFlags {
  std::string event;
  uint32_t count = 1;
  double timeout_s = -1;
  IvshmemFlags ivshmem;
};

struct Target {
  uint32_t slot = 0;
  uint32_t vector = 0;
};

// "3:2"; nothing: it is the name of an event.
std::optional<Target> ParseDoorbell(const std::string& text) {
  const size_t colon = text.find(':');
  Target target;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(0, colon), &target.slot) ||
      !absl::SimpleAtoi(text.substr(colon + 1), &target.vector)) {
    return std::nullopt;
  }
  return target;
}

absl::Status RingDoorbell(const Endpoint& endpoint, const Target& target) {
  const RegionLimits& limits = endpoint.SharedRegion().Limits();
  if (target.slot >= limits.slot_count || target.vector >= limits.vector_count) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no doorbell ", target.slot, ":", target.vector, ": slots are 0 to ",
                     limits.slot_count - 1, ", vectors 0 to ", limits.vector_count - 1, "."));
  }
  endpoint.Doorbells().Ring(static_cast<uint16_t>(target.slot),
                            static_cast<uint16_t>(target.vector));
  return absl::OkStatus();
}

bool Send(Channel& channel, EndpointId to) {
  Claim claim;
  if (!channel.Open(to).ok() || !channel.TryClaim(to, 0, claim)) return false;
  channel.Publish(claim, kEventTag, 0);
  return true;
}

// What was published before our end is delivered after it.
absl::Status RingEvent(Endpoint& endpoint, const std::string& event) {
  const absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  uint32_t told = 0;
  for (const tombolo::EndpointInfo& info : LiveEndpoints(endpoint.SharedRegion())) {
    if (info.name == kEventPrefix + event && Send(**channel, info.id)) ++told;
  }
  if (told == 0) {
    return absl::AbortedError(absl::StrCat("nobody waits for '", event, "'; `tombolo wait ", event,
                                           "` does, on any machine of the region."));
  }
  printf("%u told\n", told);
  return absl::OkStatus();
}

absl::Status Ring(const CliContext& context, const RingFlags& flags) {
  const std::optional<Target> doorbell = ParseDoorbell(flags.target);
  if (flags.ivshmem.IsChosen()) {
    if (doorbell) return RingIvshmem(flags.ivshmem, doorbell->slot, doorbell->vector);
    return absl::InvalidArgumentError(
        absl::StrCat("'", flags.target,
                     "' is no doorbell: events have names in Tombolo only, here say PEER:VECTOR."));
  }
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kRingName);
  if (!endpoint.ok()) return endpoint.status();
  return doorbell ? RingDoorbell(**endpoint, *doorbell) : RingEvent(**endpoint, flags.target);
}

class EventCounter final : public ChannelHandler {
 public:
  uint32_t seen = 0;

 private:
  void OnMessage(EndpointId, uint8_t tag, std::span<const std::byte>) override {
    if (tag == kEventTag) ++seen;
  }
  void OnDeparted(EndpointId) override {}
};

absl::Status TooLate(uint32_t seen, const WaitFlags& flags) {
  return absl::AbortedError(absl::StrCat("it came ", seen, " times within ", flags.timeout_s,
                                         " s, and ", flags.count, " were waited for."));
}

absl::Status AwaitEvent(Endpoint& endpoint, const WaitFlags& flags) {
  const absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  printf("waiting for '%s'\n", flags.event.c_str());
  fflush(stdout);
  EventCounter counter;
  const Deadline deadline(flags.timeout_s);
  while (counter.seen < flags.count) {
    if (deadline.IsOver()) return TooLate(counter.seen, flags);
    (*channel)->Wait(counter, deadline.LeftNs());
  }
  return absl::OkStatus();
}

void PrintDoorbell(const Endpoint& endpoint, const char* format) {
  const auto self = ReadEndpoint(endpoint.SharedRegion(), endpoint.Id().index);
  printf(format, endpoint.Slot(), self ? self->vector : 0);
}

absl::Status AwaitDoorbell(const Endpoint& endpoint, const WaitFlags& flags) {
  absl::StatusOr<Waiter> waiter = Waiter::Create(endpoint.WakeFd());
  if (!waiter.ok()) return waiter.status();
  waiter->Clear();
  PrintDoorbell(endpoint, "tombolo ring %u:%u\n");
  fflush(stdout);
  const Deadline deadline(flags.timeout_s);
  for (uint32_t rings = 0; rings < flags.count;) {
    if (deadline.IsOver()) return TooLate(rings, flags);
    if (waiter->Sleep(deadline.LeftNs())) {
      ++rings;
    } else {
      waiter->LengthenBackoff();
    }
  }
  return absl::OkStatus();
}

absl::Status Wait(const CliContext& context, const WaitFlags& flags) {
  if (flags.ivshmem.IsChosen()) {
    return AwaitIvshmem(flags.ivshmem, flags.event, flags.count, flags.timeout_s);
  }
  const std::string name = flags.event.empty() ? kWaitName : kEventPrefix + flags.event;
  if (name.size() >= kEndpointNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the name '", flags.event, "' is ",
                                                   name.size() - kEndpointNameBytes + 1,
                                                   " characters too long."));
  }
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, name);
  if (!endpoint.ok()) return endpoint.status();
  absl::Status status =
      flags.event.empty() ? AwaitDoorbell(**endpoint, flags) : AwaitEvent(**endpoint, flags);
  // So that whoever rings now is told that nobody waits.
  status.Update((*endpoint)->Detach());
  return status;
}

absl::Status Id(const CliContext& context, const IvshmemFlags& ivshmem) {
  if (ivshmem.IsChosen()) return PrintIvshmemId(ivshmem);
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kIdName);
  if (!endpoint.ok()) return endpoint.status();
  const Region& region = (*endpoint)->SharedRegion();
  printf("slot %u of %u\nregion %s, %lu bytes\n", (*endpoint)->Slot(), region.Limits().slot_count,
         UuidText(region.Uuid()).c_str(), region.Limits().region_bytes);
  return absl::OkStatus();
}

}  // namespace

void AddRingCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("ring", "Tell all who wait for an event, or ring a doorbell as it is.");
  command->footer(
      "  tombolo ring ready      all who run `tombolo wait ready`; exit code 1 if nobody does\n"
      "  tombolo ring 3:2        vector 2 of slot 3, whoever hears that\n"
      "  tombolo ring --ivshmem-server /run/ivshmem.sock 1:0   of peer 1, without Tombolo");
  const auto flags = std::make_shared<RingFlags>();
  command->add_option("EVENT", flags->target, "Its name, or SLOT:VECTOR")
      ->required()
      ->option_text(" ");
  AddIvshmemOptions(*command, flags->ivshmem);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Ring(context, *flags); }; });
}

void AddWaitCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "wait", "Wait for an event, or, without a name, for the doorbell that it prints.");
  command->footer(
      "  tombolo wait ready && start   on one machine; tombolo ring ready on another\n"
      "  tombolo wait -n 10 tick       until it came ten times\n"
      "  tombolo wait --timeout 5 up   exit code 1 if it does not come\n"
      "  tombolo wait                  prints how to ring it; others may share that doorbell\n"
      "  tombolo wait --ivshmem-device vfio 1   for vector 1, in a guest without Tombolo");
  const auto flags = std::make_shared<WaitFlags>();
  command->add_option("EVENT", flags->event, "Its name; without Tombolo: a vector, default 0")
      ->option_text(" ");
  command->add_option("-n,--count", flags->count, "How many times (default 1)")
      ->option_text("N")
      ->check(CLI::Range(1u, 1'000'000'000u));
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait at most (default: for ever)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  AddIvshmemOptions(*command, flags->ivshmem);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Wait(context, *flags); }; });
}

void AddIdCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("id", "Which slot of which region this machine has.");
  command->footer(
      "  tombolo id\n"
      "  tombolo id --ivshmem-server /run/ivshmem.sock   who is there, without Tombolo");
  const auto flags = std::make_shared<IvshmemFlags>();
  AddIvshmemOptions(*command, *flags);
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Id(context, *flags); }; });
}

}  // namespace tombolo::control
