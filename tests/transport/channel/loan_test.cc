#include "transport/channel/loan.h"

#include <string.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"
#include "transport/layout/service_record.h"

namespace tombolo {
namespace {

constexpr uint8_t kTag = 9;

class Keeper final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    copies.emplace_back(reinterpret_cast<const char*>(payload.data()), payload.size());
  }
  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override {
    if (keep) {
      loans.push_back(std::make_unique<Loan>(std::move(loan)));
    } else {
      ChannelHandler::OnLoan(source, tag, std::move(loan));
    }
  }
  void OnReturned(EndpointId, uint64_t cookie) override { returned.push_back(cookie); }
  void OnDeparted(EndpointId peer) override { departed.push_back(peer); }

  bool keep = true;
  std::vector<std::string> copies;
  std::vector<std::unique_ptr<Loan>> loans;
  std::vector<uint64_t> returned;
  std::vector<EndpointId> departed;
};

struct Member {
  Member(SimulatedMembers& members, std::string_view name)
      : endpoint(members.Join(name)), channel(*Channel::Create(*endpoint)) {}

  EndpointId Id() const { return endpoint->Id(); }
  void Poll() { channel->Poll(handler); }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  Keeper handler;  // Before the channel goes, its loans do.
};

class LoanTest : public testing::Test {
 protected:
  RegionBuffer Filled(Member& member, uint64_t bytes, char what) {
    const auto buffer = member.channel->Allocate(bytes);
    EXPECT_TRUE(buffer.ok());
    memset(buffer->bytes.data(), what, buffer->bytes.size());
    return *buffer;
  }

  LendResult Lend(Member& from, const Member& to, const RegionBuffer& buffer, uint64_t length,
                  uint64_t cookie) {
    EXPECT_TRUE(from.channel->Open(to.Id()).ok());
    const auto result = from.channel->TryLend(to.Id(), buffer, 0, length, kTag, cookie);
    EXPECT_TRUE(result.ok()) << result.status();
    return *result;
  }

  ExtentWord HeadOf(const RegionBuffer& buffer) {
    return UnpackExtentWord(
        members_.SharedRegion().ExtentMap()[buffer.first_extent].load(std::memory_order_relaxed));
  }

  uint64_t AckedBy(const Member& member) {
    return members_.SharedRegion()
        .Line(member.Id().index)
        .acked_epoch.load(std::memory_order_relaxed);
  }

  SimulatedMembers members_;
  Member lender_{members_, "lender"}, borrower_{members_, "borrower"};
};

TEST_F(LoanTest, IsReadInPlace) {
  const RegionBuffer buffer = Filled(lender_, 1 * kMiB, 'x');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, kMiB, 7), LendResult::kLent);
  borrower_.Poll();
  ASSERT_EQ(borrower_.handler.loans.size(), 1u);
  const Loan& loan = *borrower_.handler.loans[0];
  EXPECT_EQ(loan.Bytes().data(), buffer.bytes.data()) << "both are one process here";
  EXPECT_EQ(loan.Bytes().size(), kMiB);
  EXPECT_EQ(loan.Lender(), lender_.Id());
  EXPECT_TRUE(loan.Intact());
}

TEST_F(LoanTest, IsAMessageForWhoeverDoesNotKeepIt) {
  borrower_.handler.keep = false;
  const RegionBuffer buffer = Filled(lender_, 100, 'y');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 7), LendResult::kLent);
  borrower_.Poll();
  ASSERT_EQ(borrower_.handler.copies, std::vector<std::string>{std::string(100, 'y')});
  lender_.Poll();
  EXPECT_EQ(lender_.handler.returned, std::vector<uint64_t>{7});
}

TEST_F(LoanTest, ComesBackWhenItIsDroppedInAnyOrder) {
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  for (uint64_t cookie = 0; cookie < 3; ++cookie) {
    ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, cookie), LendResult::kLent);
  }
  borrower_.Poll();
  EXPECT_EQ(lender_.channel->LoanCount(buffer), 3u);
  borrower_.handler.loans.erase(borrower_.handler.loans.begin() + 1);
  lender_.Poll();
  EXPECT_EQ(lender_.handler.returned, std::vector<uint64_t>{1});
  borrower_.handler.loans.clear();
  lender_.Poll();
  EXPECT_EQ(lender_.handler.returned, (std::vector<uint64_t>{1, 0, 2}));
  EXPECT_EQ(lender_.channel->LoanCount(buffer), 0u);
}

TEST_F(LoanTest, SlotsAreUsedAgainAndAgain) {
  borrower_.handler.keep = false;
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  for (uint64_t i = 0; i < 10 * kLoanSlots; ++i) {
    ASSERT_EQ(Lend(lender_, borrower_, buffer, 1, i), LendResult::kLent);
    borrower_.Poll();
    lender_.Poll();
  }
  EXPECT_EQ(lender_.handler.returned.size(), 10 * kLoanSlots);
}

TEST_F(LoanTest, NoMoreIsLentThanAnEighthOfTheRegion) {
  const uint64_t most = members_.SharedRegion().Limits().region_bytes / 8;
  const RegionBuffer buffer = Filled(lender_, most, 'x');
  EXPECT_EQ(Lend(lender_, borrower_, buffer, most - 1, 1), LendResult::kLent);
  EXPECT_EQ(Lend(lender_, borrower_, buffer, 2, 2), LendResult::kTooMuchLent);
  EXPECT_EQ(Lend(lender_, borrower_, buffer, 1, 3), LendResult::kLent);
  borrower_.Poll();
  borrower_.handler.loans.clear();
  lender_.Poll();
  EXPECT_EQ(Lend(lender_, borrower_, buffer, most, 4), LendResult::kLent);
}

TEST_F(LoanTest, OnlyPartsOfBuffersOfOnesOwnAreLent) {
  const RegionBuffer buffer = Filled(lender_, 4096, 'x');
  ASSERT_TRUE(lender_.channel->Open(borrower_.Id()).ok());
  for (const auto& [offset, length] :
       {std::pair<uint64_t, uint64_t>{0, 4097}, {4096, 1}, {4097, 0}, {1, UINT64_MAX}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        lender_.channel->TryLend(borrower_.Id(), buffer, offset, length, kTag, 0).status()));
  }
  ASSERT_TRUE(borrower_.channel->Open(lender_.Id()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      borrower_.channel->TryLend(lender_.Id(), buffer, 0, 1, kTag, 0).status()));
}

TEST_F(LoanTest, AFreedBufferWaitsInQuarantineUntilItIsBack) {
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 7), LendResult::kLent);
  borrower_.Poll();
  ASSERT_TRUE(lender_.channel->Free(buffer).ok());
  EXPECT_EQ(HeadOf(buffer).kind, ExtentKind::kQuarantine);
  EXPECT_TRUE(absl::IsNotFound(lender_.channel->Free(buffer)));
  EXPECT_TRUE(borrower_.handler.loans[0]->Intact());
  EXPECT_EQ(static_cast<char>(borrower_.handler.loans[0]->Bytes()[99]), 'x');
  borrower_.handler.loans.clear();
  lender_.Poll();
  EXPECT_EQ(HeadOf(buffer).state, ExtentState::kFree);
  EXPECT_EQ(static_cast<char>(buffer.bytes[0]), 0) << "scrubbed before somebody else gets it";
}

TEST_F(LoanTest, TheDeathOfTheBorrowerBringsEverythingBack) {
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 7), LendResult::kLent);
  ASSERT_TRUE(lender_.channel->Free(buffer).ok());
  members_.Kill(borrower_.Id());
  lender_.Poll();
  EXPECT_EQ(lender_.handler.returned, std::vector<uint64_t>{7});
  EXPECT_EQ(HeadOf(buffer).state, ExtentState::kFree);
}

TEST_F(LoanTest, WhoeverHoldsALoanOfADeadOneDoesNotAcknowledgeTheDeath) {
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 1), LendResult::kLent);
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 2), LendResult::kLent);
  members_.Kill(lender_.Id());
  borrower_.Poll();
  ASSERT_EQ(borrower_.handler.loans.size(), 2u) << "what was lent before death is delivered";
  EXPECT_EQ(borrower_.handler.departed, std::vector<EndpointId>{lender_.Id()});
  EXPECT_LT(AckedBy(borrower_), members_.Epoch());
  borrower_.handler.loans.pop_back();
  borrower_.Poll();
  EXPECT_LT(AckedBy(borrower_), members_.Epoch());
  borrower_.handler.loans.pop_back();
  EXPECT_EQ(AckedBy(borrower_), members_.Epoch());
}

TEST_F(LoanTest, IsNotIntactOnceItsMemoryIsSomebodyElses) {
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 1), LendResult::kLent);
  borrower_.Poll();
  ExtentMap map(members_.SharedRegion().ExtentMap());
  ASSERT_TRUE(map.Free(buffer.first_extent, static_cast<uint16_t>(lender_.Id().index)));
  EXPECT_FALSE(borrower_.handler.loans[0]->Intact());
  ASSERT_TRUE(map.Claim(1, static_cast<uint16_t>(lender_.Id().index), ExtentKind::kMemory));
  EXPECT_FALSE(borrower_.handler.loans[0]->Intact()) << "the generation is another one";
}

// What a lender could write instead of TryLend().
void Publish(SimulatedMembers& members, Member& liar, const Member& victim,
             const LoanDescriptor& descriptor) {
  Claim claim;
  ASSERT_TRUE(liar.channel->TryClaim(victim.Id(), sizeof(LoanDescriptor), claim));
  memcpy(claim.payload.data(), &descriptor, sizeof(descriptor));
  SmallLaneProducer::Publish(claim.cell, CellKind::kLoan, kTag, sizeof(descriptor));
  SharedU8& inbox = members.SharedRegion().InboxByte(victim.Id().index, liar.Id().index);
  inbox.store(static_cast<uint8_t>(inbox.load(std::memory_order_relaxed) + 1),
              std::memory_order_release);
}

// Nobody keeps it while it is read: its writer may free it, and lends nothing of it.
TEST_F(LoanTest, MemoryOfAServiceIsNotLent) {
  ExtentMap map(members_.SharedRegion().ExtentMap());
  const auto extent = map.Claim(1, ServiceOwner(0), ExtentKind::kMemory);
  ASSERT_TRUE(extent && lender_.channel->Open(borrower_.Id()).ok());
  Publish(members_, lender_, borrower_,
          {.offset = members_.SharedRegion().ExtentOffset(*extent).bytes,
           .length_bytes = 100,
           .first_extent = *extent,
           .generation = 0,
           .slot = 0,
           .reserved = 0});
  borrower_.Poll();
  EXPECT_TRUE(borrower_.handler.loans.empty());
  EXPECT_EQ(borrower_.handler.departed.size(), 1u);
}

TEST_F(LoanTest, DescriptorsThatMakeNoSenseGetTheLenderDropped) {
  struct Lie {
    const char* what;
    void (*tell)(LoanDescriptor&);
  };
  const Lie lies[] = {
      {"slot", [](LoanDescriptor& d) { d.slot = kLoanSlots; }},
      {"extent", [](LoanDescriptor& d) { d.first_extent = UINT32_MAX; }},
      {"somebody else's extent", [](LoanDescriptor& d) { ++d.first_extent; }},
      {"generation", [](LoanDescriptor& d) { ++d.generation; }},
      {"offset before", [](LoanDescriptor& d) { d.offset -= 1; }},
      {"offset behind", [](LoanDescriptor& d) { d.offset += 4097; }},
      {"length", [](LoanDescriptor& d) { d.length_bytes = 4097; }},
      {"length that wraps", [](LoanDescriptor& d) { d.length_bytes = UINT64_MAX; }},
  };
  for (const Lie& lie : lies) {
    SimulatedMembers members;
    Member liar(members, "liar"), victim(members, "victim");
    const auto buffer = liar.channel->Allocate(4096);
    ASSERT_TRUE(buffer.ok() && liar.channel->Open(victim.Id()).ok());
    LoanDescriptor descriptor{};
    descriptor.offset = members.SharedRegion().ExtentOffset(buffer->first_extent).bytes;
    descriptor.length_bytes = 4096;
    descriptor.first_extent = buffer->first_extent;
    lie.tell(descriptor);
    Publish(members, liar, victim, descriptor);
    victim.Poll();
    EXPECT_EQ(victim.handler.departed.size(), 1u) << lie.what;
    EXPECT_TRUE(victim.handler.loans.empty()) << lie.what;
    EXPECT_EQ(members.SharedRegion()
                  .Counters(victim.Id().index)
                  .bad_loans.load(std::memory_order_relaxed),
              1u)
        << lie.what;
  }
}

TEST_F(LoanTest, ASleepingLenderIsRungWhenALoanComesBack) {
  const RegionBuffer buffer = Filled(lender_, 100, 'x');
  ASSERT_EQ(Lend(lender_, borrower_, buffer, 100, 7), LendResult::kLent);
  borrower_.Poll();
  lender_.Poll();
  ASSERT_TRUE(lender_.channel->PrepareToSleep());
  borrower_.handler.loans.clear();
  EXPECT_EQ(members_.SharedRegion()
                .Counters(borrower_.Id().index)
                .doorbells_sent.load(std::memory_order_relaxed),
            1u);
  lender_.channel->WakeUp();
  ASSERT_FALSE(lender_.channel->PrepareToSleep()) << "it is back already";
}

}  // namespace
}  // namespace tombolo
