// tombolo-ivshmem2: ivshmem v2 devices for QEMUs that have none, by vfio-user. See
// `tombolo-ivshmem2 --help`.
#include <signal.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/ivshmem_v2/config_space.h"
#include "control/ivshmem_v2/peer_device.h"
#include "control/ivshmem_v2/v2_server.h"
#include "control/words/version.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {
namespace {

constexpr int kExitGood = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

constexpr char kDescription[] =
    "Gives virtual machines ivshmem v2 devices, as Jailhouse has them, all of one memory: each "
    "QEMU "
    "(10.1 or newer)\nfinds its peer's device at DIR/peer-N.sock. The memory ends with this "
    "program.";

constexpr char kFooter[] =
    "A virtual machine that is peer 0 is started with\n"
    "  -object memory-backend-memfd,id=ram,size=1G,share=on -machine q35,memory-backend=ram\n"
    "  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":"
    "\"DIR/peer-0.sock\"}}'";

struct Flags {
  std::string folder = "/run/tombolo-ivshmem2";
  uint32_t peers = kV2LeastPeers;
  uint64_t rw_bytes = kMiB;
  uint64_t output_bytes = kMiB;
  uint16_t protocol = 0;
  uint16_t vectors = 2;
  bool maps_everything = false;
};

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

void Describe(CLI::App& app, Flags& flags) {
  app.set_version_flag("-V,--version", std::string("tombolo-ivshmem2 ") + kVersion);
  app.add_option("--dir", flags.folder, "folder of the sockets")->capture_default_str();
  app.add_option("--peers", flags.peers, absl::StrCat("how many machines, up to ", kV2MostPeers))
      ->capture_default_str();
  app.add_option("--rw-size", flags.rw_bytes,
                 "bytes of the section that all write, as in 64K; 0: there is none")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--output-size", flags.output_bytes,
                 "bytes of each section that one peer writes and all read")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--protocol", flags.protocol,
                 "what the peers speak, as the class code tells their drivers; 0: undefined")
      ->capture_default_str();
  app.add_option("--vectors", flags.vectors, "interrupts of each device")
      ->check(CLI::Range(uint16_t{1}, kMostVectors))
      ->capture_default_str();
  app.add_flag("--map-all", flags.maps_everything,
               "let machines map each other's output sections: reading is as fast as memory, and "
               "nothing keeps a machine from writing there");
  app.footer(kFooter);
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
       .protocol = flags.protocol,
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

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "tombolo-ivshmem2");
  Flags flags;
  Describe(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitGood : kExitUsage;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("tombolo-ivshmem2"));
  const auto sections = MakeV2Sections(flags.peers, flags.rw_bytes, flags.output_bytes);
  if (!sections.ok()) return Fail(sections.status());
  return Serve(flags, *sections);
}

}  // namespace
}  // namespace tombolo::control

int main(int argc, char** argv) { return tombolo::control::Main(argc, argv); }
