// BrokerClient against a broker that is played here.
#include "transport/endpoint/broker_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/temp_dir.h"
#include "transport/base/unix_socket.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class BrokerClientTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = ListenUnix(path_, SOCK_SEQPACKET, 0600).value();
    client_ = BrokerClient::Connect(path_).value();
    broker_ = UniqueFd(accept(listener_.Get(), nullptr, nullptr));
  }

  // Says a doorbell's answer before it is asked for: the client's socket keeps it.
  void AnswerDoorbell(int eventfd) {
    BrokerReply reply;
    reply.op = BrokerOp::kDoorbell;
    ASSERT_EQ(SendMessage(broker_.Get(), std::as_bytes(std::span(&reply, 1)), {&eventfd, 1}), 0);
  }

  TempDir folder_;
  const std::string path_ = folder_.File("broker.sock");
  UniqueFd listener_;
  std::unique_ptr<BrokerClient> client_;
  UniqueFd broker_;
};

TEST_F(BrokerClientTest, AnAnswerThatCameTooLateIsNoneToTheNextQuestion) {
  const UniqueFd late(eventfd(0, EFD_CLOEXEC));
  AnswerDoorbell(late.Get());
  AnswerDoorbell(late.Get());
  shutdown(broker_.Get(), SHUT_WR);  // There is no other answer.
  EXPECT_TRUE(absl::IsUnavailable(client_->FetchDoorbell(0, 0).status()));
}

TEST_F(BrokerClientTest, OnlyAMissingBrokerIsToBeStarted) {
  const auto nobody = BrokerClient::Connect(folder_.File("nobody.sock"));
  EXPECT_TRUE(absl::IsNotFound(nobody.status()));
  EXPECT_THAT(std::string(nobody.status().message()), HasSubstr("Start tombolod"));
  const auto other = ListenUnix(folder_.File("other.sock"), SOCK_STREAM, 0600);
  const auto wrong = BrokerClient::Connect(folder_.File("other.sock"));
  EXPECT_TRUE(absl::IsFailedPrecondition(wrong.status()));
  EXPECT_THAT(std::string(wrong.status().message()), Not(HasSubstr("Start tombolod")));
}

}  // namespace
}  // namespace tombolo
