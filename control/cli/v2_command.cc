#include "control/cli/v2_command.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/ping_summary.h"
#include "control/cli/table.h"
#include "control/cli/v2_member.h"
#include "control/cli/v2_status.h"
#include "control/cli/v2_talk.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"
#include "transport/device/v2/v2_finder.h"
#include "transport/device/v2/v2_guest_device.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {
namespace {

constexpr double kForeverS = 1e9;
constexpr uint32_t kNobody = UINT32_MAX;

struct V2Flags {
  std::string device = "auto";
  uint32_t peer = kNobody;
  bool json = false;
  bool serve = false;
  uint32_t count = 5;
  double interval_s = 0.2;
  double timeout_s = 10;
};

int64_t ToNs(double seconds) {
  return static_cast<int64_t>(seconds * static_cast<double>(kNsPerSecond));
}

// status.

absl::StatusOr<uint16_t> ReadProtocol(const SystemPaths& paths, const std::string& address) {
  const std::string path = absl::StrCat(paths.sys, "/bus/pci/devices/", address, "/class");
  std::ifstream file(path);
  std::string text;
  uint32_t class_code = 0;
  if (file >> text && absl::SimpleHexAtoi(text, &class_code)) {
    return static_cast<uint16_t>(class_code & 0xffff);
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, " has '", text, "', expected a class code such as 0xff0000."));
}

absl::Status Status(const V2Flags& flags) {
  const SystemPaths paths;
  const absl::StatusOr<std::string> address = FindV2Pci(paths, flags.device);
  if (!address.ok()) return address.status();
  const absl::StatusOr<uint16_t> protocol = ReadProtocol(paths, *address);
  if (!protocol.ok()) return protocol.status();
  const absl::StatusOr<std::unique_ptr<V2GuestDevice>> device = OpenV2Device(*address);
  if (!device.ok()) return device.status();
  absl::StatusOr<V2Status> status = ReadV2Status(**device);
  if (!status.ok()) return status.status();
  status->address = *address;
  status->protocol = *protocol;
  status->vectors = (*device)->VectorCount();
  if (flags.json) {
    puts(V2StatusJson(*status).c_str());
  } else {
    fputs(V2StatusText(*status, MayDecorate(STDOUT_FILENO)).c_str(), stdout);
  }
  return absl::OkStatus();
}

// ping, send and receive: a peer that talks.

struct Session {
  std::unique_ptr<V2Member> member;
  std::unique_ptr<V2Talk> talk;
};

absl::StatusOr<Session> Begin(const V2Flags& flags) {
  auto member = V2Member::Join(flags.device);
  if (!member.ok()) return member.status();
  V2Member* const peer = member->get();
  auto talk = std::make_unique<V2Talk>(
      peer->Endpoint(), peer->PeerCount(),
      [peer](int64_t until_ns) { return peer->Wait(until_ns); }, ToNs(flags.timeout_s));
  return Session{*std::move(member), std::move(talk)};
}

absl::Status Serve(Session& session) {
  const uint32_t id = session.member->Endpoint().Id();
  printf("serving as peer %u: `tombolo v2 ping %u` from elsewhere measures; ^C ends\n", id, id);
  fflush(stdout);
  const absl::Status status = session.talk->Serve();
  return absl::IsCancelled(status) ? absl::OkStatus() : status;
}

// An interval after each; whoever asks in between is answered.
absl::Status Pause(Session& session, int64_t until_ns) {
  while (MonotonicNs() < until_ns) {
    if (absl::Status status = session.member->Wait(until_ns); !status.ok()) return status;
    session.talk->Turn();
  }
  return absl::OkStatus();
}

absl::Status AskAll(Session& session, const V2Flags& flags, std::vector<int64_t>& round_trips_ns) {
  for (uint32_t number = 1; number <= flags.count; ++number) {
    const int64_t next_ns = MonotonicNs() + ToNs(flags.interval_s);
    const absl::StatusOr<int64_t> round_trip_ns = session.talk->Ping(flags.peer, number);
    if (!round_trip_ns.ok() && !absl::IsDeadlineExceeded(round_trip_ns.status())) {
      return round_trip_ns.status();
    }
    if (!flags.json) {
      printf("%u: %s\n", number,
             round_trip_ns.ok() ? Microseconds(*round_trip_ns).c_str() : "no answer");
      fflush(stdout);
    }
    if (round_trip_ns.ok()) round_trips_ns.push_back(*round_trip_ns);
    if (number == flags.count) break;
    if (absl::Status status = Pause(session, next_ns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string V2PingJson(const V2Flags& flags, const std::vector<int64_t>& round_trips_ns) {
  return absl::StrCat("{\"schema\":1,\"peer\":", flags.peer, ",\"asked\":", flags.count,
                      ",\"answered\":", round_trips_ns.size(), ",\"round_trips_ns\":[",
                      absl::StrJoin(round_trips_ns, ","), "]}");
}

absl::Status Ping(const V2Flags& flags) {
  if (!flags.serve && flags.peer == kNobody) {
    return absl::InvalidArgumentError(
        "whom? Give the number of a PEER, of those that `tombolo v2 status` lists, or "
        "--serve.");
  }
  absl::StatusOr<Session> session = Begin(flags);
  if (!session.ok()) return session.status();
  if (flags.serve) return Serve(*session);
  if (auto status = session->talk->AwaitPeer(flags.peer); !status.ok()) return status;
  std::vector<int64_t> round_trips_ns;
  const absl::Status status = AskAll(*session, flags, round_trips_ns);
  puts((flags.json ? V2PingJson(flags, round_trips_ns) : PingSummary(flags.count, round_trips_ns))
           .c_str());
  fflush(stdout);
  if (!status.ok() || !round_trips_ns.empty()) return status;
  return absl::AbortedError(absl::StrCat("peer ", flags.peer,
                                         " never answered: does `tombolo v2` run there, and "
                                         "is it not stopped?"));
}

absl::StatusOr<size_t> ReadStdin(std::span<std::byte> piece) {
  const ssize_t bytes = read(STDIN_FILENO, piece.data(), piece.size());
  if (bytes >= 0) return static_cast<size_t>(bytes);
  return errno == EINTR ? absl::CancelledError("interrupted.") : ErrnoStatus(errno, "read stdin");
}

// Unbuffered: what is said to be taken is.
absl::Status WriteStdout(std::span<const std::byte> piece) {
  while (!piece.empty()) {
    const ssize_t bytes = write(STDOUT_FILENO, piece.data(), piece.size());
    if (bytes < 0) return ErrnoStatus(errno, "write stdout");
    piece = piece.subspan(static_cast<size_t>(bytes));
  }
  return absl::OkStatus();
}

absl::Status Send(const V2Flags& flags) {
  absl::StatusOr<Session> session = Begin(flags);
  if (!session.ok()) return session.status();
  if (auto status = session->talk->AwaitPeer(flags.peer); !status.ok()) return status;
  return session->talk->Send(flags.peer, ReadStdin).status();
}

absl::Status Receive(const V2Flags& flags) {
  absl::StatusOr<Session> session = Begin(flags);
  if (!session.ok()) return session.status();
  if (auto status = session->talk->AwaitPeer(flags.peer); !status.ok()) return status;
  return session->talk->Receive(flags.peer, WriteStdout).status();
}

// The command line.

using Action = absl::Status (*)(const V2Flags&);

CLI::App* AddAction(CLI::App& parent, CliContext& context, const std::string& name,
                    const std::string& words, const std::shared_ptr<V2Flags>& flags,
                    Action action) {
  CLI::App* command = parent.add_subcommand(name, words);
  command
      ->add_option("--device", flags->device,
                   "PCI address, where there are several (default: the only one)")
      ->option_text("ADDRESS");
  command->callback(
      [&context, flags, action] { context.run = [flags, action] { return action(*flags); }; });
  return command;
}

CLI::Option* AddPeer(CLI::App& command, V2Flags& flags, const std::string& words) {
  return command.add_option("PEER", flags.peer, words)->option_text(" ");
}

void AddTimeout(CLI::App& command, V2Flags& flags, const std::string& words) {
  command.add_option("--timeout", flags.timeout_s, words)
      ->option_text("SECONDS")
      ->check(CLI::Range(0.001, kForeverS));
}

void AddStatus(CLI::App& parent, CliContext& context) {
  const auto flags = std::make_shared<V2Flags>();
  CLI::App* command = AddAction(parent, context, "status",
                                "What the device is, and which peers are there.", flags, Status);
  command->footer(
      "  tombolo v2 status\n"
      "  tombolo v2 status --json | jq '.peers[] | select(.state > 1)'");
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
}

void AddPing(CLI::App& parent, CliContext& context) {
  const auto flags = std::make_shared<V2Flags>();
  CLI::App* command =
      AddAction(parent, context, "ping", "Ask a peer to answer, or answer.", flags, Ping);
  command->footer(
      "  tombolo v2 ping --serve        in one virtual machine, which is peer 1\n"
      "  tombolo v2 ping 1              in another one\n"
      "  tombolo v2 ping 1 -n 100 --interval 0 --json");
  CLI::Option* peer = AddPeer(*command, *flags, "Whom to ask");
  command->add_flag("--serve", flags->serve, "Answer the others, until ^C")
      ->excludes(peer)
      ->option_text(" ");
  command->add_option("-n,--count", flags->count, "How many times (default 5)")
      ->option_text("N")
      ->check(CLI::Range(1u, 1'000'000u));
  command->add_option("--interval", flags->interval_s, "Seconds between two (default 0.2)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 3600.0));
  AddTimeout(*command, *flags, "Seconds to wait for the peer, and for each answer (default 10)");
  command->add_flag("--json", flags->json, "One JSON object, in the end (docs/cli.md)");
}

void AddSend(CLI::App& parent, CliContext& context) {
  const auto flags = std::make_shared<V2Flags>();
  CLI::App* command =
      AddAction(parent, context, "send",
                "Send stdin to a peer, which runs `tombolo v2 receive`. It has all of it when this "
                "ends well.",
                flags, Send);
  command->footer("  tombolo v2 send 1 < plan.bin");
  AddPeer(*command, *flags, "To whom")->required();
  AddTimeout(*command, *flags, "Seconds that the peer may be absent or silent (default 10)");
}

void AddReceive(CLI::App& parent, CliContext& context) {
  const auto flags = std::make_shared<V2Flags>();
  flags->timeout_s = kForeverS;
  CLI::App* command = AddAction(parent, context, "receive",
                                "Write to stdout what a peer sends, which runs `tombolo v2 "
                                "send`.",
                                flags, Receive);
  command->footer("  tombolo v2 receive 0 > plan.bin");
  AddPeer(*command, *flags, "From whom")->required();
  AddTimeout(*command, *flags, "Seconds that the peer may be absent or silent (default: for ever)");
}

}  // namespace

void AddV2Command(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("v2",
                                         "Use this guest's ivshmem v2 device. One process at a "
                                         "time has it, by the kernel module or by vfio.");
  command->require_subcommand(1);
  command->footer(
      "  tombolo v2 status              which peer this is, and who else is there\n"
      "  tombolo v2 ping --serve        in one virtual machine, which is peer 1\n"
      "  tombolo v2 ping 1              in another one\n"
      "  tombolo v2 receive 0 > plan.bin\n"
      "  tombolo v2 send 1 < plan.bin");
  AddStatus(*command, context);
  AddPing(*command, context);
  AddSend(*command, context);
  AddReceive(*command, context);
}

}  // namespace tombolo::control
