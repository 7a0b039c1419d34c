#include "control/daemon/cluster_flags.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>

#include "control/cluster/cluster_values.h"
#include "control/config/flag_check.h"
#include "control/tls/tls_files.h"

namespace tombolo::control {
namespace {

constexpr size_t kMaxPrefixBytes = 64;

// As in "/tombolo" or "/site-a/tombolo".
absl::Status CheckPrefix(const std::string& text) {
  const bool are_words = std::ranges::all_of(
      text, [](char c) { return c == '/' || c == '-' || c == '_' || isalnum(c) != 0; });
  if (are_words && text.starts_with('/') && !text.ends_with('/') &&
      text.size() <= kMaxPrefixBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "it begins with '/', does not end with it, and has letters, digits, '-', '_' and '/': "
      "/tombolo.");
}

absl::Status CheckOptionalHostName(const std::string& text) {
  return text.empty() ? absl::OkStatus() : CheckHostName(text);
}

void DescribeEtcd(CLI::App& app, ClusterOptions& options) {
  app.add_option(
         "--etcd", options.endpoints,
         "publish this host in etcd, and show the hosts that are published there: the "
         "HOST:PORT of a server of it, or of each, with commas or repeated; nothing on this "
         "host depends on it (docs/cluster.md)")
      ->take_all()
      ->delimiter(',')
      ->check(CheckBy(CheckHostPort));
  app.add_option("--etcd-prefix", options.prefix, "what the keys in etcd begin with")
      ->check(CheckBy(CheckPrefix))
      ->capture_default_str();
  app.add_option("--etcd-tls-cert", options.tls.certificate,
                 "with --etcd over TLS: our certificate, in PEM")
      ->capture_default_str();
  app.add_option("--etcd-tls-key", options.tls.key,
                 "the key of that, in PEM, without a password, and unreadable for others")
      ->capture_default_str();
  app.add_option("--etcd-tls-ca", options.tls.ca,
                 "certificates of those who sign the certificates of etcd's servers, in PEM")
      ->capture_default_str();
}

absl::Status CheckTls(const TlsFiles& tls) {
  if (tls.certificate.empty() == tls.key.empty() && tls.key.empty() == tls.ca.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "--etcd-tls-cert, --etcd-tls-key and --etcd-tls-ca go together: name all three, or none.");
}

}  // namespace

void DescribeCluster(CLI::App& app, ClusterOptions& options) {
  DescribeEtcd(app, options);
  app.add_option("--cluster-host", options.host,
                 "what this host is called there; its host name if it is not said")
      ->check(CheckBy(CheckOptionalHostName))
      ->capture_default_str();
  app.add_option("--cluster-machine", options.machines,
                 "a machine for `tombolo hostfile`: SLOT=NAME or SLOT=NAME:PROCESSORS, as in "
                 "3=vm3:8; slot 0 is this host, which is the only one if none is named; may be "
                 "repeated")
      ->take_all()
      ->check(CheckBy(ParseMachine));
  app.add_option("--cluster-kv", options.kv_servers,
                 "a memcached server of this host for `tombolo kv servers`: HOST:PORT as others "
                 "reach it; may be repeated")
      ->take_all()
      ->check(CheckBy(CheckHostPort));
}

absl::Status CheckClusterTogether(const ClusterOptions& options) {
  if (absl::Status tls = CheckTls(options.tls); !tls.ok()) return tls;
  const bool is_described = !options.host.empty() || !options.machines.empty() ||
                            !options.kv_servers.empty() || !options.tls.ca.empty();
  if (options.endpoints.empty() && is_described) {
    return absl::InvalidArgumentError(
        "--cluster-host, --cluster-machine, --cluster-kv and --etcd-tls-* are for --etcd, which is "
        "missing.");
  }
  if (options.machines.size() <= kMaxMachinesPerHost &&
      options.kv_servers.size() <= kMaxKvServersPerHost) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "there are too many --cluster-machine (at most 256) or --cluster-kv (at most 64).");
}

}  // namespace tombolo::control
