#include "kvcache/server/kv_server.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "kvcache/layout/memory_file.h"
#include "kvcache/server/shard_sizes.h"
#include "kvcache/server/worker_backend.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int64_t kTickNs = kNsPerSecond / 2;  // What Store::Tick() asks for.

ServerFacts FactsOf(const ServerOptions& options, const std::vector<ListeningSocket>& sockets,
                    uint32_t now_s) {
  ServerFacts facts;
  facts.pid = static_cast<uint64_t>(getpid());
  facts.started_s = now_s;
  facts.threads = options.threads;
  facts.max_connections = options.max_connections;
  facts.unix_socket = options.listen.unix_path;
  facts.verbosity = options.verbosity;
  facts.allows_flush = options.allows_flush;
  facts.auth_file = options.auth_file;
  facts.requests_per_event = options.worker.requests_per_turn;
  facts.tcp_backlog = static_cast<uint64_t>(options.listen.backlog);
  facts.idle_timeout_s = static_cast<uint64_t>(options.worker.idle_timeout_ns / kNsPerSecond);
  for (const ListeningSocket& socket : sockets) {
    if (socket.tcp_port == 0) continue;
    if (facts.tcp_port == 0) facts.tcp_port = socket.tcp_port;
    absl::StrAppend(&facts.interfaces, facts.interfaces.empty() ? "" : ",", socket.name);
  }
  return facts;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KvServer>> KvServer::Start(const ServerOptions& options) {
  absl::StatusOr<MemoryFile> file = MemoryFile::Claim(options.memory);
  if (!file.ok()) return file.status();
  absl::StatusOr<EventBase> base = MakeEventBase();
  if (!base.ok()) return base.status();
  std::unique_ptr<KvServer> server(
      new KvServer(*std::move(file), *std::move(base), options.credentials));
  if (auto status = server->OpenShards(options); !status.ok()) return status;
  if (auto status = server->MakeWorkers(options); !status.ok()) return status;
  if (auto status = server->WatchSignals(); !status.ok()) return status;
  // Last of what can fail for long: clients that connect from here on are served.
  absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenAll(options.listen);
  if (!sockets.ok()) return sockets.status();
  if (auto status = server->Accept(options, *std::move(sockets)); !status.ok()) return status;
  return server;
}

KvServer::~KvServer() { Stop(); }

absl::Status KvServer::OpenShards(const ServerOptions& options) {
  if (!file_.WhyNew().empty()) {
    spdlog::info("the memory file {} is new: {}", options.memory.path, file_.WhyNew());
  }
  ShardLimits limits = options.shard;
  limits.segment_bytes = SegmentBytesFor(file_.Shape().shard_bytes, limits.item_max_bytes);
  auto shards = OwnedShards::Open(file_, limits, clock_);
  if (!shards.ok()) return shards.status();
  shards_ = *std::move(shards);
  shards_->Tick();
  file_.TellOwner(kOwnerServing);
  return absl::OkStatus();
}

absl::Status KvServer::MakeWorkers(const ServerOptions& options) {
  for (uint32_t i = 0; i < options.threads; ++i) {
    auto backend = WorkerBackend::Create(*shards_);
    if (!backend.ok()) return backend.status();
    auto worker = Worker::Create(*std::move(backend), options.worker);
    if (!worker.ok()) return worker.status();
    workers_.push_back(*std::move(worker));
  }
  return absl::OkStatus();
}

absl::Status KvServer::WatchSignals() {
  tick_ = Event(base_.get(), -1, EV_PERSIST, &OnTick, this);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
    signals_.emplace_back(base_.get(), number, EV_SIGNAL | EV_PERSIST, &OnSignal, this);
    if (!signals_.back().Add()) return absl::ResourceExhaustedError("cannot watch signals.");
  }
  if (tick_.Add(kTickNs)) return absl::OkStatus();
  return absl::ResourceExhaustedError("there is no memory for a timer.");
}

absl::Status KvServer::Accept(const ServerOptions& options, std::vector<ListeningSocket> sockets) {
  const ServerFacts facts = FactsOf(options, sockets, clock_.NowS());
  acceptor_.emplace(base_.get(), std::move(sockets), Dialect::kMemcached, workers_,
                    options.max_connections);
  totals_.emplace(facts, workers_, *acceptor_);
  for (const auto& worker : workers_) {
    worker->TheServer().facts = facts;
    worker->TheServer().whole = &*totals_;
    if (credentials_) worker->TheServer().credentials = &*credentials_;
    worker->Start();
  }
  return acceptor_->Start();
}

std::string KvServer::Describe() const {
  const auto append_name = [](std::string* text, const ListeningSocket& socket) {
    text->append(socket.name);
  };
  return absl::StrCat("serves ", absl::StrJoin(acceptor_->Sockets(), ", ", append_name),
                      "; threads: ", workers_.size(), ", shards: ", shards_->Count(), " of ",
                      file_.Shape().shard_bytes / kKiB, " KiB");
}

void KvServer::Run() { event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY); }

void KvServer::Stop() {
  if (acceptor_) acceptor_->Stop();
  for (const auto& worker : workers_) worker->Stop();
  // Waits for their threads: nobody writes the shards afterwards.
  for (const auto& worker : workers_) worker->Join();
  file_.TellOwner(kOwnerStopped);
}

void KvServer::OnSignal(evutil_socket_t /*number*/, int16_t /*what*/, void* self) {
  event_base_loopbreak(static_cast<KvServer*>(self)->base_.get());
}

void KvServer::OnTick(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  static_cast<KvServer*>(self)->shards_->Tick();
}

}  // namespace tombolo::kvcache
