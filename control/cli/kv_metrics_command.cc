#include "control/cli/kv_metrics_command.h"

#include <signal.h>
#include <stdio.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/kv_metrics.h"
#include "control/cli/kv_servers.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/http/http_request.h"
#include "control/http/http_response.h"
#include "control/http/http_server.h"
#include "control/http/metric_families.h"
#include "control/memcached/memcached_client.h"
#include "control/tunnel/socket_address.h"

namespace tombolo::control {
namespace {

// Shorter than of other commands: everybody who asks over HTTP waits for a server that says
// nothing, and Prometheus gives up after 10 s.
constexpr double kTimeoutSeconds = 1;

struct MetricsFlags {
  KvServerFlags servers{.addresses = {}, .timeout_s = kTimeoutSeconds};
  std::string http;
};

absl::Status PrintOnce(MemcachedClient& client) {
  const absl::StatusOr<KvStatistics> seen = AskForMetrics(client);
  const std::string text = KvMetricsText(seen.ok() ? std::optional(*seen) : std::nullopt);
  fputs(text.c_str(), stdout);
  fflush(stdout);
  return seen.status();
}

// Tells of a server that does not answer when it begins to, and when it does again.
class Exporter {
 public:
  explicit Exporter(MemcachedClient& client) : client_(client) {}

  HttpResponse Answer(std::string_view path) {
    if (path == "/metrics") return {.content_type = kMetricsContentType, .body = Look()};
    if (path == "/") return {.body = "/metrics has the metrics of " + client_.Server() + ".\n"};
    return HttpError(kHttpNotFound, "there is /metrics.");
  }

 private:
  std::string Look() {
    absl::StatusOr<KvStatistics> seen = AskForMetrics(client_);
    if (is_up_ && !seen.ok()) {
      fprintf(stderr, "warning: %s\n", std::string(seen.status().message()).c_str());
    }
    if (!is_up_ && seen.ok()) fprintf(stderr, "%s answers again.\n", client_.Server().c_str());
    is_up_ = seen.ok();
    return KvMetricsText(seen.ok() ? std::optional(*std::move(seen)) : std::nullopt);
  }

  MemcachedClient& client_;
  bool is_up_ = true;
};

absl::Status RunUntilStopped() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  std::vector<Watch> signals;
  for (const int signal_number : {SIGINT, SIGTERM}) {
    absl::StatusOr<Watch> watch = (*loop)->WatchSignal(signal_number, [&loop] { (*loop)->Stop(); });
    if (!watch.ok()) return watch.status();
    signals.push_back(*std::move(watch));
  }
  (*loop)->Run();
  return absl::OkStatus();
}

absl::Status Serve(MemcachedClient& client, const std::string& where) {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(where);
  if (!address.ok()) return address.status();
  Exporter exporter(client);
  const auto server = HttpServer::Start(
      *address, [&exporter](std::string_view path) { return exporter.Answer(path); });
  if (!server.ok()) return server.status();
  if (!address->IsUnix() && !address->IsLoopback()) {
    fprintf(stderr,
            "warning: %s is no loopback address: whoever can reach it may read the metrics, "
            "without a password and without encryption.\n",
            where.c_str());
  }
  const std::string url = (*server)->Url();
  printf("metrics of %s at %s%s\n", client.Server().c_str(), url.c_str(),
         address->IsUnix() ? "" : "metrics");
  fflush(stdout);
  return RunUntilStopped();
}

absl::Status Run(const MetricsFlags& flags) {
  absl::StatusOr<std::vector<MemcachedClient>> clients = KvClients(flags.servers);
  if (!clients.ok()) return clients.status();
  MemcachedClient& client = clients->front();
  return flags.http.empty() ? PrintOnce(client) : Serve(client, flags.http);
}

}  // namespace

void AddKvMetricsCommand(CLI::App& kv, CliContext& context) {
  CLI::App* command = kv.add_subcommand(
      "metrics", "Print what a server counts for Prometheus, or serve it over HTTP.");
  command->footer(
      "  tombolo kv metrics                    once, as for node_exporter's textfile collector\n"
      "  tombolo kv metrics --http 127.0.0.1:9150\n"
      "                                        at http://127.0.0.1:9150/metrics, until ^C\n"
      "  tombolo kv metrics --http 127.0.0.1:9151 --server unix:/run/tombolo-kv.sock");
  const auto flags = std::make_shared<MetricsFlags>();
  AddKvServerOption(*command, flags->servers);
  command
      ->add_option("--http", flags->http,
                   "Answer GET /metrics at 127.0.0.1:PORT, [::1]:PORT, another address, or "
                   "unix:/PATH (port 0: any), until ^C; the server is asked each time")
      ->option_text("ADDRESS");
  command->callback([&context, flags] {
    context.needs_config = false;
    context.run = [flags] { return Run(*flags); };
  });
}

}  // namespace tombolo::control
