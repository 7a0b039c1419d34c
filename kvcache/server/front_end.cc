#include "kvcache/server/front_end.h"

#include <signal.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "kvcache/server/listen.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

ServerFacts FactsOf(const ServerOptions& options, const std::vector<ListeningSocket>& sockets,
                    uint32_t started_s) {
  ServerFacts facts;
  facts.pid = static_cast<uint64_t>(getpid());
  facts.started_s = started_s;
  facts.threads = options.threads;
  facts.max_connections = options.max_connections;
  facts.unix_socket = options.listen.unix_path;
  facts.verbosity = options.verbosity;
  facts.allows_flush = options.allows_flush;
  facts.allows_dump = options.allows_dump;
  facts.evicts = !options.never_evicts;
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

absl::StatusOr<std::unique_ptr<FrontEnd>> FrontEnd::Create() {
  absl::StatusOr<EventBase> base = MakeEventBase();
  if (!base.ok()) return base.status();
  std::unique_ptr<FrontEnd> front_end(new FrontEnd(*std::move(base)));
  if (absl::Status status = front_end->WatchSignals(); !status.ok()) return status;
  return front_end;
}

FrontEnd::~FrontEnd() { Stop(); }

absl::Status FrontEnd::WatchSignals() {
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
    signals_.emplace_back(base_.get(), number, EV_SIGNAL | EV_PERSIST, &OnSignal, this);
    if (!signals_.back().Add()) return absl::ResourceExhaustedError("cannot watch signals.");
  }
  return absl::OkStatus();
}

absl::Status FrontEnd::AddWorker(std::unique_ptr<Backend> backend, const WorkerOptions& options) {
  auto worker = Worker::Create(std::move(backend), connections_, options);
  if (!worker.ok()) return worker.status();
  workers_.push_back(*std::move(worker));
  return absl::OkStatus();
}

absl::Status FrontEnd::Serve(const ServerOptions& options, uint32_t started_s,
                             const CacheIdentity& identity) {
  absl::StatusOr<std::vector<ListeningSocket>> sockets = ListenAll(options.listen);
  if (!sockets.ok()) return sockets.status();
  credentials_ = options.credentials;
  if (options.prefix_delimiter) {
    prefixes_ = std::make_shared<PrefixStatistics>(*options.prefix_delimiter, /*is_on=*/true);
  }
  ServerFacts facts = FactsOf(options, *sockets, started_s);
  facts.identity = identity;
  acceptor_.emplace(base_.get(), *std::move(sockets), Dialect::kMemcached, workers_,
                    options.max_connections);
  if (absl::Status status = ListenToReaders(options); !status.ok()) return status;
  totals_.emplace(facts, workers_, connections_, *acceptor_,
                  reader_acceptor_ ? &*reader_acceptor_ : nullptr, region_readers_.get());
  ListListeners(*acceptor_);
  if (reader_acceptor_) ListListeners(*reader_acceptor_);
  for (const auto& worker : workers_) {
    if (options.allows_watch) worker->TheServer().watch_log = &watch_log_;
    Introduce(worker->TheServer(), facts);
    worker->Start();
  }
  if (region_readers_ != nullptr) {
    Introduce(region_readers_->TheServer(), facts);
    region_readers_->Start();
  }
  if (reader_acceptor_) {
    if (absl::Status status = reader_acceptor_->Start(); !status.ok()) return status;
  }
  return acceptor_->Start();
}

// To what all threads have in common.
void FrontEnd::Introduce(Server& server, const ServerFacts& facts) {
  server.facts = facts;
  server.whole = &*totals_;
  server.prefixes = prefixes_;
  if (credentials_) server.credentials = &*credentials_;
}

void FrontEnd::ListListeners(const Acceptor& acceptor) {
  for (const ListeningSocket& socket : acceptor.Sockets()) {
    listeners_.emplace_back(connections_, socket.fd.Get(), ConnectionList::State::kListening);
  }
}

absl::Status FrontEnd::ListenToReaders(const ServerOptions& options) {
  if (options.owner_socket.empty()) return absl::OkStatus();
  auto socket =
      ListenUnixAt(options.owner_socket, options.listen.unix_mode, options.listen.backlog);
  if (!socket.ok()) return socket.status();
  std::vector<ListeningSocket> sockets;
  sockets.push_back(*std::move(socket));
  reader_acceptor_.emplace(base_.get(), std::move(sockets), Dialect::kOwner, workers_,
                           options.max_readers);
  return absl::OkStatus();
}

std::string FrontEnd::Describe() const {
  const auto append_name = [](std::string* text, const ListeningSocket& socket) {
    text->append(socket.name);
  };
  std::string text =
      absl::StrCat("serves ", absl::StrJoin(acceptor_->Sockets(), ", ", append_name));
  if (reader_acceptor_) {
    absl::StrAppend(&text, ", and readers elsewhere at ",
                    absl::StrJoin(reader_acceptor_->Sockets(), ", ", append_name));
  }
  if (region_readers_ != nullptr) {
    absl::StrAppend(&text, ", and readers of the region as '", region_readers_->Service(), "'");
  }
  return absl::StrCat(text, "; threads: ", workers_.size());
}

void FrontEnd::Run() { event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY); }

void FrontEnd::Stop() {
  listeners_.clear();
  if (acceptor_) acceptor_->Stop();
  if (reader_acceptor_) reader_acceptor_->Stop();
  for (const auto& worker : workers_) worker->Stop();
  if (region_readers_ != nullptr) region_readers_->Stop();
  for (const auto& worker : workers_) worker->Join();
  if (region_readers_ != nullptr) region_readers_->Join();
}

void FrontEnd::OnSignal(evutil_socket_t /*number*/, int16_t /*what*/, void* self) {
  event_base_loopbreak(static_cast<FrontEnd*>(self)->base_.get());
}

}  // namespace tombolo::kvcache
