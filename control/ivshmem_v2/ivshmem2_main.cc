// tombolo-ivshmem2: ivshmem v2 devices for QEMUs that have none, by vfio-user. See
// `tombolo-ivshmem2 --help`.
#include <signal.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/ivshmem_v2/config_space.h"
#include "control/ivshmem_v2/peer_device.h"
#include "control/ivshmem_v2/v2_server.h"
#include "control/ivshmem_v2/v2_vm_args.h"
#include "control/log/start_log.h"
#include "control/words/version.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// Examples first, because that is what most readers look for.
constexpr char kDescription[] =
    "Examples:\n"
    "  tombolo-ivshmem2                         devices for two machines, 1 MiB for each to write\n"
    "  tombolo-ivshmem2 --vm-args 0             QEMU's options for the machine that is peer 0\n"
    "  tombolo-ivshmem2 --peers 4 --map-all     for four machines that trust each other\n"
    "  tombolo-ivshmem2 --protocol 1 --rw-size 0 --output-size 512K    for ivshmem-net\n"
    "\n"
    "Gives virtual machines ivshmem v2 devices, as Jailhouse has them, all of one memory. Each "
    "QEMU "
    "(10.1 or newer)\nfinds its peer's device at DIR/peer-N.sock; in the machines `tombolo v2` "
    "uses "
    "it, or any driver for such devices.\nThe memory ends with this program.";

struct Flags {
  std::string folder = "/run/tombolo-ivshmem2";
  uint32_t peers = kV2LeastPeers;
  uint64_t rw_bytes = kMiB;
  uint64_t output_bytes = kMiB;
  std::vector<uint16_t> protocols;
  uint16_t vectors = 2;
  bool maps_everything = false;
  std::optional<uint32_t> vm_args;  // Of which peer.
  std::string vm_memory = "1G";
};

// As QEMU reads it.
std::string CheckMemory(const std::string& text) {
  const bool is_size = text.size() > 1 && absl::StrContains("KMGT", text.back()) &&
                       text.find_first_not_of("0123456789") == text.size() - 1;
  return is_size ? "" : absl::StrCat("'", text, "': expected as in 512M or 4G");
}

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

void Describe(CLI::App& app, Flags& flags) {
  app.set_version_flag("-V,--version", std::string("tombolo-ivshmem2 ") + kVersion);
  app.add_option("--dir", flags.folder,
                 absl::StrCat("folder of the sockets (default ", flags.folder, ")"))
      ->option_text("DIR");
  app.add_option("--peers", flags.peers,
                 absl::StrCat("how many machines, up to ", kV2MostPeers, " (default 2)"))
      ->option_text("N");
  app.add_option("--rw-size", flags.rw_bytes,
                 "size of the section that all write, as in 64K; 0: there is none (default 1M)")
      ->option_text("SIZE")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--output-size", flags.output_bytes,
                 "size of each section that one peer writes and all read (default 1M)")
      ->option_text("SIZE")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--protocol", flags.protocols,
                 "what the peers speak, as the class code tells their drivers (default 0: "
                 "undefined); several: one for each peer, the last for all further ones")
      ->option_text("N[,N...]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--vectors", flags.vectors, "interrupts of each device (default 2)")
      ->option_text("N")
      ->check(CLI::Range(uint16_t{1}, kMostVectors));
  app.add_flag("--map-all", flags.maps_everything,
               "let machines map each other's output sections: reading is as fast as memory, and "
               "nothing keeps a machine from writing there");
  app.add_option("--vm-args", flags.vm_args,
                 "print the options of QEMU for the machine that is peer N, with the same --dir, "
                 "and exit")
      ->option_text("N");
  app.add_option("--vm-memory", flags.vm_memory,
                 "with --vm-args: the machine's memory (default 1G)")
      ->option_text("SIZE")
      ->check(CLI::Validator(CheckMemory, ""));
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("cannot make the folder ", path, ": ",
                                                    error.message(), ". Choose another --dir."));
}

int Serve(const Flags& flags, const V2Sections& sections) {
  if (absl::Status status = MakeFolder(flags.folder); !status.ok()) return Fail(status);
  const auto loop = EventLoop::Create();
  if (!loop.ok()) return Fail(loop.status());
  const auto server = V2Server::Start(
      **loop,
      {.folder = flags.folder,
       .sections = sections,
       .protocols = flags.protocols,
       .vectors = flags.vectors,
       .mappable = flags.maps_everything ? V2Mappable::kEverything : V2Mappable::kOwnSections});
  if (!server.ok()) return Fail(server.status());
  std::vector<Watch> signals;
  for (const int signal_number : {SIGTERM, SIGINT}) {
    auto watch = (*loop)->WatchSignal(signal_number, [&] { (*loop)->Stop(); });
    if (!watch.ok()) return Fail(watch.status());
    signals.push_back(*std::move(watch));
  }
  spdlog::info("{} peers, {} bytes in all, at {}", sections.peer_count, sections.TotalBytes(),
               V2Server::SocketPath(flags.folder, 0));
  sd_notify(0, "READY=1");
  (*loop)->Run();
  (*server)->RemoveSocketFiles();
  return kExitGood;
}

int PrintVmArgs(const Flags& flags) {
  if (*flags.vm_args >= flags.peers) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("--vm-args ", *flags.vm_args,
                                                        ": there are peers 0 to ", flags.peers - 1,
                                                        ". More are served with --peers.")));
  }
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(flags.folder, error);
  std::cout << V2VmArgs(V2Server::SocketPath(folder.string(), *flags.vm_args), flags.vm_memory)
            << std::endl;
  return kExitGood;
}

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "tombolo-ivshmem2");
  Flags flags;
  Describe(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitGood : kExitUsage;
  }
  StartLog("tombolo-ivshmem2", "info");
  const auto sections = MakeV2Sections(flags.peers, flags.rw_bytes, flags.output_bytes);
  if (!sections.ok()) return Fail(sections.status());
  if (flags.protocols.size() > flags.peers) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("--protocol has ", flags.protocols.size(), " values for ", flags.peers,
                     " peers. Give each peer one, or raise --peers.")));
  }
  return flags.vm_args ? PrintVmArgs(flags) : Serve(flags, *sections);
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }
