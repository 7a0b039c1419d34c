#include "kvcache/server/guest_server.h"

#include <time.h>

#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "kvcache/client/client.h"
#include "kvcache/guest/guest_backend.h"
#include "kvcache/guest/load_time.h"
#include "kvcache/shard/file_shape.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

ClientOptions ClientOf(const GuestOptions& options) {
  return {
      .window = options.window, .owner = options.owner, .link = {.timeout_ns = options.timeout_ns}};
}

std::string HintFor(const absl::Status& status) {
  if (absl::IsFailedPrecondition(status)) return "Start its owner first, and then this again.";
  return "--window takes the memory file of a tombolo-kv, or, in a virtual machine, the "
         "`resource2` of the ivshmem-plain device that shows it.";
}

}  // namespace

absl::StatusOr<FileReader> OpenWindow(const GuestOptions& options) {
  absl::StatusOr<FileReader> window = FileReader::Open(options.window);
  if (!window.ok()) {
    return absl::Status(window.status().code(),
                        absl::StrCat("--window ", options.window, ": ", window.status().message(),
                                     " ", HintFor(window.status())));
  }
  const int64_t load_ns = LoadTimeNs(window->Memory());
  if (load_ns > kSlowLoadNs) {
    spdlog::warn(
        "a load from {} takes {} ns: it is mapped without a cache, and every get pays for it; "
        "kvcache/README.md says what can be done",
        options.window, load_ns);
  }
  return window;
}

absl::StatusOr<std::unique_ptr<GuestServer>> GuestServer::Start(const ServerOptions& options,
                                                                const FileReader& window) {
  absl::StatusOr<std::unique_ptr<FrontEnd>> front_end = FrontEnd::Create();
  if (!front_end.ok()) return front_end.status();
  std::unique_ptr<GuestServer> server(new GuestServer(*std::move(front_end)));
  if (auto status = server->MakeWorkers(options, window); !status.ok()) return status;
  const FileShape& shape = window.Shape();
  const auto now_s = static_cast<uint32_t>(time(nullptr));
  const absl::Status status = server->front_end_->Serve(options, now_s,
                                                        {.file_bytes = shape.file_bytes,
                                                         .shard_seed = shape.shard_seed,
                                                         .shard_count = shape.shard_count});
  if (!status.ok()) return status;
  server->description_ =
      absl::StrCat(server->front_end_->Describe(), "; a guest: items from ", options.guest->window,
                   ", the rest from the owner at ", options.guest->owner);
  return server;
}

absl::Status GuestServer::MakeWorkers(const ServerOptions& options, const FileReader& window) {
  for (uint32_t i = 0; i < options.threads; ++i) {
    absl::StatusOr<FileReader> another = window.Another();
    if (!another.ok()) return another.status();
    absl::StatusOr<Client> client = Client::Open(ClientOf(*options.guest), *std::move(another));
    if (!client.ok()) return client.status();
    auto tell = [this](GuestEvent event, const absl::Status& status) { log_.Tell(event, status); };
    auto backend = std::make_unique<GuestBackend>(*std::move(client), std::move(tell));
    auto status = front_end_->AddWorker(std::move(backend), options.worker);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace tombolo::kvcache
