#include "control/http/http_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr unsigned kSocketMode = 0660;

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const SocketAddress& address,
                                                              Handler handler) {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return loop.status();
  std::unique_ptr<HttpServer> server(new HttpServer(address, std::move(handler), *std::move(loop)));
  auto listener = Listener::Create(
      *server->loop_, address, kSocketMode,
      [server = server.get()](UniqueFd socket) { server->OnConnection(std::move(socket)); });
  if (!listener.ok()) return listener.status();
  server->listener_ = *std::move(listener);
  server->thread_ = std::thread([loop = server->loop_.get()] { loop->Run(); });
  return server;
}

HttpServer::HttpServer(const SocketAddress& address, Handler handler,
                       std::unique_ptr<EventLoop> loop)
    : address_(address),
      handler_(std::move(handler)),
      owner_{.answer = [this](const HttpRequest& request) { return Answer(request); },
             .on_used = [this](HttpConnection* connection) { OnUsed(connection); },
             .on_done = [this](HttpConnection* connection) { OnDone(connection); }},
      loop_(std::move(loop)) {}

HttpServer::~HttpServer() {
  if (!thread_.joinable()) return;
  loop_->Stop();
  thread_.join();
}

std::string HttpServer::Url() const {
  if (address_.IsUnix()) return address_.ToString();
  const std::string& text = address_.ToString();
  return absl::StrCat("http://", text.substr(0, text.rfind(':')), ":", listener_->Port(), "/");
}

HttpResponse HttpServer::Answer(const HttpRequest& request) const {
  if (address_.IsLoopback() && !request.host.empty() && !IsAddressOrLocalhost(request.host)) {
    return HttpError(kHttpMisdirected, "ask for localhost, or for the address itself.");
  }
  return handler_(request.path);
}

void HttpServer::OnConnection(UniqueFd socket) {
  if (connections_.size() >= kMaxConnections) connections_.pop_front();
  SendAtOnce(socket.Get());
  connections_.push_back(std::make_unique<HttpConnection>(*loop_, std::move(socket), owner_));
  connections_.back()->Start();
}

void HttpServer::OnUsed(HttpConnection* connection) {
  const auto used =
      std::ranges::find(connections_, connection, [](const auto& kept) { return kept.get(); });
  connections_.splice(connections_.end(), connections_, used);
}

void HttpServer::OnDone(HttpConnection* connection) {
  connections_.remove_if([connection](const auto& kept) { return kept.get() == connection; });
}

}  // namespace tombolo::control
