// BrokerClient against a broker that is played here.
#include "transport/endpoint/broker_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <memory>
#include <span>
#include <string>
#include <thread>
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

  void Say(const BrokerReply& reply, int fd) {
    ASSERT_EQ(SendMessage(broker_.Get(), std::as_bytes(std::span(&reply, 1)), {&fd, 1}), 0);
  }

  // The client's socket keeps it, also if it was not asked for yet.
  void AnswerDoorbell(int eventfd) {
    BrokerReply reply;
    reply.op = BrokerOp::kDoorbell;
    Say(reply, eventfd);
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

// It answers what was asked before: the successor of a broker that was killed says it once more.
TEST_F(BrokerClientTest, AnAnswerToAnotherQuestionIsNotTaken) {
  const UniqueFd right(eventfd(7, EFD_CLOEXEC | EFD_NONBLOCK));
  const UniqueFd wrong(eventfd(9, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::jthread broker([&] {
    BrokerRequest request;
    if (!ReceiveMessage(broker_.Get(), std::as_writable_bytes(std::span(&request, 1))).ok()) return;
    BrokerReply reply;
    reply.op = BrokerOp::kAttach;
    Say(reply, wrong.Get());
    reply.op = BrokerOp::kDoorbell;
    Say(reply, wrong.Get());
    reply.slot = request.slot;
    reply.vector = request.vector;
    Say(reply, right.Get());
  });
  const auto doorbell = client_->FetchDoorbell(2, 3);
  ASSERT_TRUE(doorbell.ok()) << doorbell.status();
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(doorbell->Get(), &value), 0);
  EXPECT_EQ(value, 7u);
}

TEST_F(BrokerClientTest, ABrokerThatOnlyAnswersOtherQuestionsIsNone) {
  const UniqueFd wrong(eventfd(0, EFD_CLOEXEC));
  const std::jthread broker([&] {
    BrokerRequest request;
    if (!ReceiveMessage(broker_.Get(), std::as_writable_bytes(std::span(&request, 1))).ok()) return;
    for (int i = 0; i < 20; ++i) AnswerDoorbell(wrong.Get());
  });
  EXPECT_TRUE(absl::IsFailedPrecondition(client_->Detach()));
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
