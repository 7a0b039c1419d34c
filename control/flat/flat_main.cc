// tombolo-flat: makes a machine without an operating system a member of a region, and becomes that
// machine: it takes a slot, registers the one endpoint, claims its memory, and executes the
// command. So the machine's process holds the slot, and its end is the endpoint's.
#include <getopt.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "control/flat/flat_broker.h"
#include "control/flat/machine_command.h"
#include "control/flat/slot_connection.h"
#include "control/words/version.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

enum ExitCode { kExitGood = 0, kExitFailed = 1, kExitUsage = 2, kExitNoDaemon = 3 };

constexpr uint32_t kMostLinks = 1024;

constexpr char kHelp[] =
    R"(Starts a virtual machine without an operating system as a member of a Tombolo region.

Usage: tombolo-flat [OPTIONS] -- COMMAND...

It takes a slot from tombolod, registers one endpoint there, claims its links, and becomes COMMAND, in
which {slot}, {bytes}, {region} (a path of the memory) and {socket} (a descriptor that says the
handshake to an ivshmem-flat device) are filled in. The endpoint dies with COMMAND.

Options:
  --runtime-dir DIR   folder of tombolod's sockets (default /run/tombolo)
  --slot N            take slot N, not any
  --name NAME         of the endpoint (default flat)
  --links N           to how many others it may send at once, at most 1024 (default 8)
  -V, --version       print the version and exit
  -h, --help          print this and exit

Example: firmware for a board whose RAM is the region (guest/flat/README.md)
  tombolo-flat -- qemu-system-arm -M mps2-an385,memory-backend=region -kernel firmware.elf \
    -object memory-backend-file,id=region,share=on,mem-path={region},size={bytes} \
    -device loader,addr=0x20000008,data={slot},data-len=4 -semihosting -display none -serial stdio
)";

struct Flags {
  std::string runtime_dir = "/run/tombolo";
  uint32_t slot = 0;  // 0: any.
  std::string name = "flat";
  uint32_t links = 8;
  std::vector<std::string> command;
};

int Fail(const absl::Status& status, ExitCode code = kExitFailed) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status)                           ? kExitUsage
         : absl::IsUnavailable(status) || absl::IsNotFound(status) ? kExitNoDaemon
                                                                   : code;
}

absl::Status ReadNumber(const char* flag, const char* text, uint32_t most, uint32_t& value) {
  if (absl::SimpleAtoi(text, &value) && value >= 1 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", text, ": give a number from 1 to ", most, "."));
}

absl::Status ReadFlag(int flag, const char* value, Flags& flags) {
  switch (flag) {
    case 'r':
      flags.runtime_dir = value;
      return absl::OkStatus();
    case 'n':
      flags.name = value;
      return absl::OkStatus();
    case 's':
      return ReadNumber("--slot", value, kMaxSlots - 1, flags.slot);
    case 'l':
      return ReadNumber("--links", value, kMostLinks, flags.links);
    default:
      return absl::InvalidArgumentError("see tombolo-flat --help.");
  }
}

absl::Status Run(const Flags& flags) {
  const std::string socket = flags.slot == 0
                                 ? flags.runtime_dir + "/ivshmem.sock"
                                 : absl::StrCat(flags.runtime_dir, "/slot-", flags.slot, ".sock");
  const absl::StatusOr<SlotConnection> connection = SlotConnection::Take(socket);
  if (!connection.ok()) return connection.status();
  const auto endpoint = RegisterFlatEndpoint(*connection, flags.name);
  if (!endpoint.ok()) return endpoint.status();
  const absl::Status claimed =
      ClaimFlatMemory(connection->SharedRegion(), endpoint->id, flags.links);
  if (!claimed.ok()) return claimed;
  const auto command = FillIn(flags.command, *connection);
  if (!command.ok()) return command.status();
  if (endpoint->vector != kFlatVector) {
    std::cerr << "warning: the daemon gave vector " << endpoint->vector
              << ", and the device interrupts on vector 0 only: the firmware has to poll."
              << std::endl;
  }
  std::cerr << "slot " << connection->Slot() << ", endpoint " << endpoint->id.index << " '"
            << flags.name << "'" << std::endl;
  return Execute(*command);
}

int Main(int argc, char** argv) {
  static const option kOptions[] = {{"runtime-dir", required_argument, nullptr, 'r'},
                                    {"slot", required_argument, nullptr, 's'},
                                    {"name", required_argument, nullptr, 'n'},
                                    {"links", required_argument, nullptr, 'l'},
                                    {"version", no_argument, nullptr, 'V'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  Flags flags;
  for (int flag = 0; (flag = getopt_long(argc, argv, "+hV", kOptions, nullptr)) != -1;) {
    if (flag == 'h') {
      std::cout << kHelp;
      return kExitGood;
    }
    if (flag == 'V') {
      std::cout << "tombolo-flat " << kVersion << std::endl;
      return kExitGood;
    }
    if (absl::Status status = ReadFlag(flag, optarg, flags); !status.ok()) return Fail(status);
  }
  flags.command.assign(argv + optind, argv + argc);
  if (flags.command.empty()) {
    return Fail(absl::InvalidArgumentError(
        "no command: tombolo-flat [OPTIONS] -- qemu-system-arm ...; see tombolo-flat --help."));
  }
  return Fail(Run(flags));
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }
