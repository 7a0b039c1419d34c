#include "control/daemon/daemon_flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/config/flag_check.h"
#include "control/daemon/cluster_flags.h"
#include "control/daemon/region_word.h"
#include "control/proto/region_values.h"
#include "control/tls/tls_files.h"
#include "control/tunnel/socket_address.h"
#include "control/words/version.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

constexpr char kTable[] = "daemon";

constexpr char kDescription[] =
    "Serves a region of shared memory to the virtual machines and processes of this host, and\n"
    "those that `tombolo regions` makes beside it.\n"
    "In the runtime folder: ivshmem.sock and slot-N.sock for QEMU, broker.sock for processes,\n"
    "control.sock for operators and guest.sock for guests (both gRPC). With --http also a status\n"
    "page, and metrics for Prometheus (docs/monitoring.md).";

// What is no number is left to the flag's own conversion; which would make a large one of -1.
FlagCheck CheckNumberBy(absl::Status (*judge)(uint64_t)) {
  return CheckBy([judge](const std::string& text) {
    if (text.starts_with('-')) return absl::InvalidArgumentError("it is negative.");
    uint64_t number = 0;
    return CLI::detail::lexical_cast(text, number) ? judge(number) : absl::OkStatus();
  });
}

absl::Status CheckTcpAddress(const std::string& text) {
  if (text.empty()) return absl::OkStatus();
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
  if (!address.ok()) return address.status();
  if (!address->IsUnix()) return absl::OkStatus();
  return absl::InvalidArgumentError("it is a Unix socket, of which there are two already.");
}

void DescribeRegion(CLI::App& app, DaemonOptions& options) {
  RegionLimits& limits = options.limits;
  app.add_option("--size", limits.region_bytes, "bytes of the region, a power of two: 256M, 1G")
      ->transform(CLI::AsSizeValue(false))
      ->check(CheckNumberBy(CheckRegionBytes))
      ->capture_default_str();
  app.add_option("--slots", limits.slot_count, "slots, the host's included")
      ->check(CheckNumberBy(CheckSlotCount))
      ->capture_default_str();
  app.add_option("--vectors", limits.vector_count, "doorbells of each slot")
      ->check(CheckNumberBy(CheckVectorCount))
      ->capture_default_str();
  app.add_option("--endpoints", limits.endpoint_count, "processes attached at once, in all slots")
      ->check(CheckNumberBy(CheckEndpointCount))
      ->capture_default_str();
  app.add_flag("--huge-pages", options.huge_pages,
               "take huge pages for the region, if enough are free");
}

void DescribeTls(CLI::App& app, DaemonOptions& options) {
  app.add_option("--listen-tls", options.listen_tls,
                 "where to serve the control API to other machines too, if anywhere, as HOST:PORT "
                 "with HOST as a number: 0.0.0.0:9478. Needs the three files below; whoever shows "
                 "a certificate may read, and change nothing. SIGHUP has them read anew")
      ->check(CheckBy(CheckTcpAddress))
      ->capture_default_str();
  app.add_option("--tls-cert", options.tls.certificate, "its certificate, in PEM")
      ->capture_default_str();
  app.add_option("--tls-key", options.tls.key,
                 "the key of that, in PEM, without a password, and unreadable for others")
      ->capture_default_str();
  app.add_option("--tls-ca", options.tls.ca,
                 "certificates of those who sign the certificates of who is let in, in PEM")
      ->capture_default_str();
}

absl::Status CheckNamesDiffer(const std::vector<std::string>& words) {
  std::set<std::string> names;
  for (const std::string& word : words) {
    const absl::StatusOr<WantedRegion> region = ParseRegionWord(word);
    if (!region.ok()) return region.status();
    if (!names.insert(region->name).second) {
      return absl::InvalidArgumentError("--region names " + region->name + " twice.");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTogether(const DaemonOptions& options) {
  if (!options.listen_tls.empty()) {
    if (absl::Status named = CheckAllAreNamed(options.tls); !named.ok()) return named;
  } else if (!options.tls.certificate.empty() || !options.tls.key.empty() ||
             !options.tls.ca.empty()) {
    return absl::InvalidArgumentError(
        "--tls-cert, --tls-key and --tls-ca are for --listen-tls, which is missing.");
  }
  if (absl::Status cluster = CheckClusterTogether(options.cluster); !cluster.ok()) return cluster;
  if (absl::Status named = CheckNamesDiffer(options.regions); !named.ok()) return named;
  return ComputeGeometry(options.limits).status();
}

}  // namespace

DeclaredFlags DeclareDaemonFlags(const std::shared_ptr<DaemonFlags>& flags) {
  const auto app = std::make_shared<CLI::App>(kDescription, "tombolod");
  app->set_version_flag("-V,--version", std::string("tombolod ") + kVersion);
  app->add_option("--runtime-dir", flags->options.runtime_dir, "folder of the sockets")
      ->capture_default_str();
  DescribeRegion(*app, flags->options);
  app->add_option("--region", flags->options.regions,
                  "a further region that is to be there, in a folder of its own below the runtime "
                  "folder, if it is not yet: NAME, or with limits and a group of its own, as in "
                  "blue:size=1G:slots=4:group=blue; may be repeated")
      ->take_all()
      ->check(CheckBy([](const std::string& text) { return ParseRegionWord(text); }));
  app->add_option("--store", flags->store,
                  "who keeps memory, sockets and clients while a killed tombolod is started anew: "
                  "a parent process of its own (holder), systemd (FileDescriptorStoreMax= of its "
                  "unit), nobody (none); auto is systemd where that says that it does, else holder")
      ->check(CLI::IsMember({"auto", "none", "holder", "systemd"}))
      ->capture_default_str();
  app->add_option("--http", flags->options.http,
                  "where to serve a status page, metrics for Prometheus and health over HTTP, if "
                  "anywhere: 127.0.0.1:9477 or unix:/PATH")
      ->check(CheckBy([](const std::string& text) {
        return text.empty() ? absl::OkStatus() : SocketAddress::Parse(text).status();
      }))
      ->capture_default_str();
  DescribeTls(*app, flags->options);
  DescribeCluster(*app, flags->options.cluster);
  app->add_option("--log-level", flags->log_level, "how much to tell")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  return {.table = kTable, .values = flags, .app = app, .check = [flags] {
            return CheckTogether(flags->options);
          }};
}

}  // namespace tombolo::control
