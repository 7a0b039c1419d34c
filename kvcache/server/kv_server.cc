#include "kvcache/server/kv_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/layout/memory_file.h"
#include "kvcache/server/owner_endpoint.h"
#include "kvcache/server/region_readers.h"
#include "kvcache/server/shard_sizes.h"
#include "kvcache/server/worker_backend.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int64_t kTickNs = kNsPerSecond / 2;  // What Store::Tick() asks for.

}  // namespace

absl::StatusOr<std::unique_ptr<KvServer>> KvServer::Start(const ServerOptions& options) {
  absl::StatusOr<MemoryFile> file = MemoryFile::Claim(options.memory);
  if (!file.ok()) return file.status();
  absl::StatusOr<std::unique_ptr<FrontEnd>> front_end = FrontEnd::Create();
  if (!front_end.ok()) return front_end.status();
  std::unique_ptr<KvServer> server(new KvServer(*std::move(file), *std::move(front_end)));
  if (auto status = server->OpenShards(options); !status.ok()) return status;
  if (auto status = server->MakeWorkers(options); !status.ok()) return status;
  if (auto status = server->MakeRegionReaders(options); !status.ok()) return status;
  // Last of what can fail for long: clients that connect from here on are served.
  const FileShape& shape = server->file_.Shape();
  const absl::Status status = server->front_end_->Serve(options, server->clock_.NowS(),
                                                        {.file_bytes = shape.file_bytes,
                                                         .shard_seed = shape.shard_seed,
                                                         .shard_count = shape.shard_count});
  if (!status.ok()) return status;
  return server;
}

KvServer::~KvServer() {
  // Waits for the workers: nobody writes the shards afterwards.
  front_end_->Stop();
  file_.TellOwner(kOwnerStopped);
}

absl::Status KvServer::OpenShards(const ServerOptions& options) {
  if (!file_.WhyNew().empty()) {
    spdlog::info("the memory file {} is new: {}", options.memory.path, file_.WhyNew());
  }
  if (options.wants_large_pages) {
    // Slower without, and as good otherwise.
    const absl::Status status = file_.UseLargePages();
    if (!status.ok()) spdlog::warn("-L: the pages stay small: {}", std::string(status.message()));
  }
  ShardLimits limits = options.shard;
  limits.segment_bytes = SegmentBytesFor(file_.Shape().shard_bytes, limits.item_max_bytes);
  auto shards =
      OwnedShards::Open(file_, {.limits = limits, .never_evicts = options.never_evicts}, clock_);
  if (!shards.ok()) return shards.status();
  shards_ = *std::move(shards);
  eviction_lines_.emplace(front_end_->Watched());
  shards_->TellEvictionsTo(*eviction_lines_);
  shards_->Tick();
  file_.TellOwner(kOwnerServing);
  tick_ = Event(front_end_->Base(), -1, EV_PERSIST, &OnTick, this);
  if (tick_.Add(kTickNs)) return absl::OkStatus();
  return absl::ResourceExhaustedError("there is no memory for a timer.");
}

absl::Status KvServer::MakeWorkers(const ServerOptions& options) {
  for (uint32_t i = 0; i < options.threads; ++i) {
    auto backend = WorkerBackend::Create(*shards_);
    if (!backend.ok()) return backend.status();
    auto status = front_end_->AddWorker(*std::move(backend), options.worker);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status KvServer::MakeRegionReaders(const ServerOptions& options) {
  if (options.region_service.empty()) return absl::OkStatus();
  auto backend = WorkerBackend::Create(*shards_);
  if (!backend.ok()) return backend.status();
  auto readers =
      RegionReaders::Create(*std::move(backend),
                            {.service = options.region_service,
                             .max_readers = options.max_readers,
                             .requests_per_turn = options.worker.requests_per_turn},
                            [broker = options.broker_socket, service = options.region_service] {
                              return AttachOwner(broker, service);
                            });
  if (!readers.ok()) {
    return absl::Status(readers.status().code(),
                        absl::StrCat("--region-service ", options.region_service, ": ",
                                     readers.status().message()));
  }
  front_end_->SetRegionReaders(*std::move(readers));
  return absl::OkStatus();
}

std::string KvServer::Describe() const {
  return absl::StrCat(front_end_->Describe(), ", shards: ", shards_->Count(), " of ",
                      file_.Shape().shard_bytes / kKiB, " KiB");
}

void KvServer::OnTick(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  static_cast<KvServer*>(self)->shards_->Tick();
}

}  // namespace tombolo::kvcache
