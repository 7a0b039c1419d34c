// What is a request, and what becomes of those who send something else, or nothing.
#include "control/http/http_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/http/http_connection.h"
#include "control/http/http_request.h"
#include "control/http/http_response.h"
#include "control/tunnel/socket_address.h"
#include "tests/support/temp_dir.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr char kGet[] = "GET /known HTTP/1.1\r\nHost: localhost\r\n\r\n";

int StatusOf(std::string_view head) {
  HttpRequest request;
  return ParseRequest(head, request);
}

TEST(HttpRequestTest, SaysWhatIsWantedAndWhetherTheClientStays) {
  HttpRequest request;
  ASSERT_EQ(ParseRequest("GET /a/b?c=d HTTP/1.1\r\nhost: [::1]:80\r\nX-Y:\t1 \r\n\r\n", request),
            kHttpOk);
  EXPECT_FALSE(request.is_head);
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.host, "[::1]:80");
  EXPECT_TRUE(request.keep_alive);
  ASSERT_EQ(ParseRequest("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", request),
            kHttpOk);
  EXPECT_TRUE(request.is_head);
  EXPECT_FALSE(request.keep_alive);
  HttpRequest old;
  ASSERT_EQ(ParseRequest("GET / HTTP/1.0\r\n\r\n", old), kHttpOk);
  EXPECT_FALSE(old.keep_alive);
  EXPECT_EQ(old.host, "");
}

TEST(HttpRequestTest, RefusesWhatIsNoRequest) {
  for (const std::string_view head : {
           "\r\n\r\n",
           "GET\r\n\r\n",
           "GET / \r\n\r\n",
           " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
           "GET / x HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
           "G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET / HTTQ/1.1\r\nHost: x\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nno field\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\nY: z\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n",
       }) {
    EXPECT_EQ(StatusOf(head), kHttpBadRequest) << head;
  }
  EXPECT_EQ(StatusOf({"GET / HTTP/1.1\r\nHost: \0\r\n\r\n", 27}), kHttpBadRequest);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), kHttpVersionNotSupported);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get", "TRACE"}) {
    EXPECT_EQ(StatusOf(std::string(method) + " / HTTP/1.1\r\nHost: x\r\n\r\n"),
              kHttpMethodNotAllowed);
  }
}

TEST(HttpRequestTest, RefusesBodies) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), kHttpOk);
  for (const char* body : {"Content-Length: 1", "content-length: 00", "Content-Length: -1",
                           "Transfer-Encoding: chunked"}) {
    EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(body) + "\r\n\r\n"),
              kHttpContentTooLarge)
        << body;
  }
}

TEST(HttpRequestTest, AHeadEndsWithItsEmptyLine) {
  EXPECT_EQ(HeadBytes("GET / HTTP/1.1\r\nHost: x\r\n"), 0u);
  EXPECT_EQ(HeadBytes("a\n\nb\r\n\r\nc"), 8u);
}

TEST(HttpRequestTest, OnlyNamesOfOthersAreNames) {
  for (const char* host :
       {"localhost", "LocalHost:9477", "127.0.0.1", "10.1.2.3:80", "[::1]", "[fe80::1]:9477"}) {
    EXPECT_TRUE(IsAddressOrLocalhost(host)) << host;
  }
  for (const char* host :
       {"example.org", "localhost.example.org:9477", "127.0.0.1.example.org", "[::1",
        "[::1].example.org", "::1", "2130706433", "x", "[example.org]"}) {
    EXPECT_FALSE(IsAddressOrLocalhost(host)) << host;
  }
}

// One connection, whose reads give up in the end.
class Client {
 public:
  explicit Client(const SocketAddress& address) : socket_(*address.StartConnect()) {
    pollfd connected{.fd = socket_.Get(), .events = POLLOUT, .revents = 0};
    EXPECT_EQ(poll(&connected, 1, kTimeoutMs), 1);
    EXPECT_TRUE(address.ConnectError(socket_.Get()).ok());
  }

  void Send(std::string_view bytes) {
    while (!bytes.empty() && Wait(POLLOUT)) {
      const ssize_t sent = send(socket_.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  // What has come when it ends with `end`, or when the server has closed. A reset is "reset".
  std::string ReceiveUntil(std::string_view end) {
    std::string got;
    char bytes[4096];
    while ((end.empty() || !got.ends_with(end)) && Wait(POLLIN)) {
      const ssize_t count = recv(socket_.Get(), bytes, sizeof(bytes), 0);
      if (count < 0) return "reset";
      if (count == 0) break;
      got.append(bytes, static_cast<size_t>(count));
    }
    return got;
  }

  std::string ReceiveAll() { return ReceiveUntil(""); }

  // Asks once, on a connection that stays.
  bool IsAnswered() {
    Send(kGet);
    return ReceiveUntil("yes\n").starts_with("HTTP/1.1 200 OK\r\n");
  }

  // Long before its time is over.
  bool IsClosed() {
    pollfd ready{.fd = socket_.Get(), .events = POLLIN, .revents = 0};
    char byte;
    return poll(&ready, 1, HttpConnection::kDeadlineNs / kNsPerMs / 2) == 1 &&
           recv(socket_.Get(), &byte, 1, 0) <= 0;
  }

 private:
  static constexpr int kTimeoutMs = 30'000;

  bool Wait(short events) {
    pollfd ready{.fd = socket_.Get(), .events = events, .revents = 0};
    const bool is_ready = poll(&ready, 1, kTimeoutMs) == 1;
    EXPECT_TRUE(is_ready) << "the server does nothing";
    return is_ready;
  }

  UniqueFd socket_;
};

// A server that knows one path.
class HttpServerTest : public testing::Test {
 protected:
  void Serve(const std::string& at = "127.0.0.1:0") {
    auto server = HttpServer::Start(*SocketAddress::Parse(at), [](std::string_view path) {
      if (path == "/known") return HttpResponse{.body = "yes\n"};
      if (path == "/large") return HttpResponse{.body = std::string(8 * kMiB, 'x')};
      return HttpError(kHttpNotFound, "no.");
    });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  SocketAddress Address() const {
    std::string url = server_->Url();
    if (!url.starts_with("http://")) return *SocketAddress::Parse(url);
    return *SocketAddress::Parse(url.substr(7, url.size() - 8));
  }

  // All that is answered to `bytes`, until the server closes.
  std::string Ask(std::string_view bytes) const {
    Client client(Address());
    client.Send(bytes);
    return client.ReceiveAll();
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AConnectionStaysForMoreThanOneRequest) {
  Serve();
  Client client(Address());
  EXPECT_TRUE(client.IsAnswered());
  EXPECT_TRUE(client.IsAnswered());
  client.Send("HEAD /known HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string head = client.ReceiveAll();
  EXPECT_NE(head.find("\r\nContent-Length: 4\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_F(HttpServerTest, ARequestMayComeInPieces) {
  Serve();
  Client client(Address());
  for (const char byte : std::string_view(kGet)) client.Send({&byte, 1});
  EXPECT_TRUE(client.ReceiveUntil("yes\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, WhoDoesNotWaitForTheAnswerGetsOneAndMayComeAgain) {
  Serve();
  const std::string answers = Ask(std::string(kGet) + kGet);
  EXPECT_NE(answers.find("\r\nConnection: close\r\n"), std::string::npos) << answers;
  EXPECT_EQ(answers.find("HTTP/1.1", 1), std::string::npos) << answers;
}

TEST_F(HttpServerTest, PagesOfStrangersCannotReadIt) {
  Serve();
  const std::string as_name =
      "GET /known HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
  EXPECT_TRUE(Ask(as_name).starts_with("HTTP/1.1 421 "));
  EXPECT_TRUE(Ask("GET /known HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
  Serve("0.0.0.0:0");
  EXPECT_TRUE(Ask(as_name).starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, AHeadWithoutEndIsTooLarge) {
  Serve();
  const std::string start = "GET /known HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_TRUE(Ask(start + "X: " + std::string(7000, 'x') + "\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(
      Ask(start + "X: " + std::string(9000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(Ask(std::string(kMiB, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, WhoSendsABodyCanReadWhyItIsRefused) {
  Serve();
  const std::string answer =
      Ask("POST /known HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n" +
          std::string(kMiB, 'x'));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos) << answer;
}

TEST_F(HttpServerTest, ALargeAnswerComesWhole) {
  Serve();
  const std::string answer = Ask("GET /large HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(answer.ends_with(std::string(8 * kMiB, 'x')));
}

TEST_F(HttpServerTest, IdleConnectionsMakeWay) {
  Serve();
  std::vector<std::unique_ptr<Client>> idle;
  for (size_t i = 0; i < 5 * HttpServer::kMaxConnections; ++i) {
    idle.push_back(std::make_unique<Client>(Address()));
  }
  EXPECT_TRUE(Client(Address()).IsAnswered());
  EXPECT_TRUE(idle.front()->IsClosed());
}

TEST_F(HttpServerTest, TheConnectionThatWasUsedLongestAgoMakesWay) {
  Serve();
  Client used(Address());
  std::vector<std::unique_ptr<Client>> others;
  EXPECT_TRUE(used.IsAnswered());
  for (size_t i = 1; i < HttpServer::kMaxConnections; ++i) {
    others.push_back(std::make_unique<Client>(Address()));
    EXPECT_TRUE(others.back()->IsAnswered());
  }
  EXPECT_TRUE(used.IsAnswered());
  Client newcomer(Address());
  EXPECT_TRUE(newcomer.IsAnswered());
  EXPECT_TRUE(used.IsAnswered());
  EXPECT_TRUE(others.front()->IsClosed());
}

TEST_F(HttpServerTest, StopsAtOnceWhateverItsClientsDo) {
  Serve();
  Client idle(Address());
  Client halfway(Address());
  halfway.Send("GET /kno");
  Client slow(Address());
  slow.Send("GET /large HTTP/1.0\r\n\r\n");  // And does not read.
  EXPECT_TRUE(Client(Address()).IsAnswered());
  const int64_t start_ns = MonotonicNs();
  server_.reset();
  EXPECT_LT(MonotonicNs() - start_ns, kNsPerSecond);
}

TEST_F(HttpServerTest, TwoCannotServeOneAddress) {
  Serve();
  const auto second = HttpServer::Start(Address(), [](std::string_view) { return HttpResponse{}; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists) << second.status();
}

TEST_F(HttpServerTest, AUnixSocketHasNoStrangers) {
  const TempDir folder;
  Serve("unix:" + folder.File("http.sock"));
  EXPECT_TRUE(Ask("GET /known HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace tombolo::control
