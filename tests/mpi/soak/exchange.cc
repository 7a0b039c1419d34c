#include "tests/mpi/soak/exchange.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/mpi/soak/buffer.h"
#include "tests/mpi/soak/random.h"

namespace tombolo::mpi_check {
namespace {

Memory MemoryOf(bool is_in_region) { return is_in_region ? Memory::kAllocMem : Memory::kOrdinary; }
Shape ShapeOf(bool has_gaps) { return has_gaps ? Shape::kWithGaps : Shape::kOnePiece; }

// Payloads differ by number: tags come again.
Origin PayloadOf(const PlannedMessage& message) {
  return {message.source, message.number, message.bytes};
}

// A message of this rank, on its way until the end of its life.
class Sending {
 public:
  Sending(const World& world, const PlannedMessage& message)
      : buffer_(message.bytes, MemoryOf(message.is_sent_from_region),
                ShapeOf(message.is_sent_with_gaps)) {
    buffer_.Fill(PayloadOf(message));
    Call(world.comm, message);
  }
  ~Sending() { MPI_Wait(&request_, MPI_STATUS_IGNORE); }

 private:
  void Call(MPI_Comm comm, const PlannedMessage& message) {
    void* data = buffer_.data();
    const int count = buffer_.count();
    const MPI_Datatype type = buffer_.type();
    const int to = message.destination;
    switch (message.call) {
      case SendCall::kSend:
        MPI_Send(data, count, type, to, message.tag, comm);
        break;
      case SendCall::kSsend:
        MPI_Ssend(data, count, type, to, message.tag, comm);
        break;
      case SendCall::kIsend:
        MPI_Isend(data, count, type, to, message.tag, comm, &request_);
        break;
      case SendCall::kIssend:
        MPI_Issend(data, count, type, to, message.tag, comm, &request_);
        break;
    }
  }

  Buffer buffer_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

// What to ask for, and room for what comes.
class Receiving {
 public:
  // `message`: the one that has to come, or by wildcards the longest that may.
  Receiving(World& world, Matching matching, const PlannedMessage& message)
      : world_(world),
        source_(matching == Matching::kExact ? message.source : MPI_ANY_SOURCE),
        tag_(matching == Matching::kAnything ? MPI_ANY_TAG : message.tag),
        buffer_(message.bytes, MemoryOf(message.is_received_in_region),
                ShapeOf(message.is_received_with_gaps)) {}

  void Post() {
    MPI_Irecv(buffer_.data(), buffer_.count(), buffer_.type(), source_, tag_, world_.comm,
              &request_);
  }
  void Wait() { MPI_Wait(&request_, &status_); }

  void Receive() {
    MPI_Recv(buffer_.data(), buffer_.count(), buffer_.type(), source_, tag_, world_.comm, &status_);
  }
  void ProbeAndReceive() {
    MPI_Message message;
    MPI_Mprobe(source_, tag_, world_.comm, &message, &status_);
    MPI_Mrecv(buffer_.data(), buffer_.count(), buffer_.type(), &message, &status_);
  }

  int Source() const { return status_.MPI_SOURCE; }

  // Once it has come.
  void Check(const PlannedMessage& message) {
    CheckStatus(world_.checks, status_, {message.source, message.tag, message.bytes});
    buffer_.Check(world_.checks, PayloadOf(message));
  }

 private:
  World& world_;
  const int source_;
  const int tag_;
  Buffer buffer_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  MPI_Status status_{};
};

// All that this rank receives of a round.
class Inbox {
 public:
  Inbox(World& world, const RoundPlan& plan)
      : world_(world), matching_(plan.matching[static_cast<size_t>(world.rank)]) {
    for (const PlannedMessage& message : plan.messages) {
      if (message.destination == world.rank) messages_.push_back(message);
    }
    if (matching_ == Matching::kExact) Shuffle(plan.seed);
    for (const PlannedMessage& message : messages_) {
      receives_.push_back(std::make_unique<Receiving>(world, matching_, Wanted(message)));
    }
  }

  void Post() {
    for (const auto& receive : receives_) receive->Post();
  }
  void Wait() {
    for (const auto& receive : receives_) receive->Wait();
  }
  void Receive(bool probe) {
    for (const auto& receive : receives_) {
      probe ? receive->ProbeAndReceive() : receive->Receive();
    }
  }

  void Check() {
    for (size_t i = 0; i < receives_.size(); ++i) {
      const PlannedMessage* message =
          matching_ == Matching::kExact ? &messages_[i] : TakeNextFrom(receives_[i]->Source());
      if (message != nullptr) receives_[i]->Check(*message);
    }
  }

 private:
  // In another order than they are sent.
  void Shuffle(uint64_t seed) {
    Random random(seed, static_cast<uint64_t>(world_.rank));
    for (size_t i = messages_.size(); i > 1; --i)
      std::swap(messages_[i - 1], messages_[random.Below(i)]);
  }

  PlannedMessage Wanted(PlannedMessage message) const {
    if (matching_ == Matching::kExact) return message;
    for (const PlannedMessage& other : messages_)
      message.bytes = std::max(message.bytes, other.bytes);
    return message;
  }

  // Messages of one sender that the same receive takes come in the order of their sending.
  const PlannedMessage* TakeNextFrom(int source) {
    size_t& next = next_[source];
    while (next < messages_.size() && messages_[next].source != source) ++next;
    if (next < messages_.size()) return &messages_[next++];
    world_.checks.Equal("messages left that this rank could have sent", 0, 1);
    return nullptr;
  }

  World& world_;
  const Matching matching_;
  std::vector<PlannedMessage> messages_;  // In the order of the receives, if that is known.
  std::vector<std::unique_ptr<Receiving>> receives_;
  std::map<int, size_t> next_;  // By source: where to look on in messages_.
};

}  // namespace

void Exchange(World& world, const RoundPlan& plan) {
  Inbox inbox(world, plan);
  if (plan.is_posted_first) inbox.Post();
  std::vector<std::unique_ptr<Sending>> sends;
  for (const PlannedMessage& message : plan.messages) {
    if (message.source == world.rank) sends.push_back(std::make_unique<Sending>(world, message));
  }
  plan.is_posted_first ? inbox.Wait() : inbox.Receive(plan.is_probed);
  inbox.Check();
}

}  // namespace tombolo::mpi_check
