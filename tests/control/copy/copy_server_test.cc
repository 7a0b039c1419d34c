// What takes time, or no other process, to see. The rest is in copy_test.py.
#include "control/copy/copy_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"
#include "control/copy/listing.h"
#include "tests/support/temp_dir.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr int64_t kShortNs = 20 * kNsPerMs;
constexpr int kDeadlineMs = 20'000;

class CopyServerTest : public ::testing::Test {
 protected:
  void Start(int64_t silence_limit_ns) {
    auto server = CopyServer::Start(SocketPath(), {{dir_.File(""), true}}, silence_limit_ns);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string SocketPath() const { return dir_.File("copy.sock"); }
  UniqueFd Connect() const { return ConnectUnix(SocketPath(), SOCK_STREAM).value(); }

  TempDir dir_;
  std::unique_ptr<CopyServer> server_;
};

TEST_F(CopyServerTest, WhoSaysNothingIsGivenUp) {
  Start(kShortNs);
  const UniqueFd client = Connect();
  Frame frame;
  const absl::Status said = ReceiveFrame(client.Get(), frame);
  EXPECT_EQ(said.code(), absl::StatusCode::kDeadlineExceeded) << said;
  EXPECT_TRUE(absl::IsUnavailable(ReceiveFrame(client.Get(), frame)));
}

TEST_F(CopyServerTest, WhoTakesNothingIsGivenUp) {
  std::ofstream(dir_.File("large")) << std::string(8 * kMiB, 'x');
  Start(kShortNs);
  const UniqueFd client = Connect();
  ASSERT_TRUE(SendFrame(client.Get(), FrameType::kGet, "large").ok());
  ASSERT_TRUE(
      SendFrame(client.Get(), FrameType::kHave, BodyWriter().Add(0, 8).Add(0, 8).Add(0, 8).Body())
          .ok());
  // Without that anything was read.
  pollfd wait = {.fd = client.Get(), .events = POLLRDHUP, .revents = 0};
  EXPECT_EQ(poll(&wait, 1, kDeadlineMs), 1);
  // What the kernel had taken is there, and then the end instead of the rest.
  Frame frame;
  uint64_t got_bytes = 0;
  while (ReceiveFrame(client.Get(), frame).ok()) got_bytes += frame.body.size();
  EXPECT_LT(got_bytes, 8 * kMiB);
}

TEST_F(CopyServerTest, EndsThoughSomebodyStays) {
  Start(3600 * kNsPerSecond);
  const UniqueFd client = Connect();
  ASSERT_TRUE(SendFrame(client.Get(), FrameType::kPut, "a").ok());
  Frame frame;
  ASSERT_TRUE(ReceiveFrame(client.Get(), FrameType::kHave, frame).ok());
  server_.reset();
  EXPECT_FALSE(ReceiveFrame(client.Get(), frame).ok());
  EXPECT_FALSE(std::filesystem::exists(SocketPath()));
}

TEST_F(CopyServerTest, OnlyItsOwnUserMayConnect) {
  Start(kShortNs);
  EXPECT_EQ(std::filesystem::status(SocketPath()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(CopyServerTest, FolderThatIsNotThereIsAnError) {
  const auto server = CopyServer::Start(SocketPath(), {{dir_.File("nowhere"), false}});
  EXPECT_TRUE(absl::IsNotFound(server.status())) << server.status();
}

class ListingTest : public ::testing::Test {
 protected:
  static std::vector<std::byte> Bytes(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
  }

  // What is made of an entry that somebody tells.
  absl::StatusOr<std::vector<Entry>> Received(uint64_t kind, const std::string& name,
                                              size_t length) {
    BodyWriter body;
    body.Add(kind, 1).Add(length, 2).Add(Bytes(name));
    EXPECT_TRUE(SendFrame(pair_.first.Get(), FrameType::kEntries, body.Body()).ok());
    EXPECT_TRUE(SendFrame(pair_.first.Get(), FrameType::kDone).ok());
    return ReceiveListing(pair_.second.Get());
  }

  std::pair<UniqueFd, UniqueFd> pair_ = UnixSocketPair(SOCK_STREAM).value();
};

TEST_F(ListingTest, GoodEntriesAreTaken) {
  const auto entries = Received(2, "deep", 4);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().kind, EntryKind::kFolder);
  EXPECT_EQ(entries->front().name, "deep");
}

// Nothing that the other side says leads out of the folder that is written.
TEST_F(ListingTest, NamesThatAreNoneAreRefused) {
  for (const std::string& name :
       {std::string(".."), std::string("."), std::string(), std::string("a/b"), std::string("/etc"),
        std::string("a\0b", 3), std::string(300, 'x'), std::string(".a.tombolo-part")}) {
    pair_ = UnixSocketPair(SOCK_STREAM).value();
    EXPECT_TRUE(absl::IsInvalidArgument(Received(1, name, name.size()).status())) << name;
  }
}

TEST_F(ListingTest, EntriesThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(Received(3, "a", 1).ok());
  pair_ = UnixSocketPair(SOCK_STREAM).value();
  EXPECT_FALSE(Received(1, "a", 2).ok()) << "it is shorter than it says";
}

TEST(FolderRuleTest, IsReadOnlyUnlessItSaysOtherwise) {
  EXPECT_FALSE(ParseFolderRule("/srv")->may_write);
  EXPECT_FALSE(ParseFolderRule("/srv:ro")->may_write);
  EXPECT_TRUE(ParseFolderRule("/srv:rw")->may_write);
}

TEST(FolderRuleTest, PathIsMadePlain) {
  EXPECT_EQ(ParseFolderRule("/srv/./a/../b//:rw")->path, "/srv/b");
  EXPECT_EQ(ParseFolderRule("/")->path, "/");
  EXPECT_EQ(ParseFolderRule("/srv:a")->path, "/srv:a");
}

TEST(FolderRuleTest, RelativePathIsRefused) {
  for (const char* text : {"", "srv", ":rw", "./a", "~/a:ro"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseFolderRule(text).status())) << text;
  }
}

}  // namespace
}  // namespace tombolo::control
