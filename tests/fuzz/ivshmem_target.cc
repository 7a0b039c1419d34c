// The ivshmem server: clients that come, read some of the handshake, say what they should not, and
// go, in any order.
#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/holder/descriptor_store.h"
#include "control/ivshmem_server/ivshmem_server.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/unix_socket.h"

namespace tombolo::fuzz {
namespace {

using control::IvshmemServer;

constexpr int kMostSteps = 64;
constexpr uint32_t kSlots = 4;
constexpr uint32_t kVectors = 2;

class IvshmemTarget {
 public:
  explicit IvshmemTarget(Input& input) : input_(input) {
    spdlog::set_level(spdlog::level::off);
    std::filesystem::create_directories(folder_);
    control::NamedDescriptors nothing;
    server_ = *IvshmemServer::Start(*loop_, store_, nothing,
                                    {.folder = folder_,
                                     .memory_fd = memory_.Get(),
                                     .doorbells = &doorbells_,
                                     .on_join = [this](uint32_t slot) { Join(slot); },
                                     .on_leave = [this](uint32_t slot) { Leave(slot); }});
  }

  ~IvshmemTarget() { server_->RemoveSocketFiles(); }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
    clients_.clear();
    Settle();
    for (const bool joined : joined_) {
      if (joined) abort();
    }
  }

 private:
  void Step() {
    const uint32_t what = input_.Below(6);
    if (what == 0 || clients_.empty()) {
      Connect();
    } else {
      const uint32_t which = input_.Below(static_cast<uint32_t>(clients_.size()));
      Talk(what, which);
    }
    if (input_.Below(4) != 0) Settle();
  }

  void Connect() {
    const uint32_t slot = input_.Below(kSlots);
    auto client = ConnectUnix(
        slot == 0 ? IvshmemServer::AnySlotPath(folder_) : IvshmemServer::SlotPath(folder_, slot),
        SOCK_STREAM | SOCK_NONBLOCK);
    if (client.ok()) clients_.push_back(*std::move(client));
  }

  void Talk(uint32_t what, uint32_t which) {
    const int client = clients_[which].Get();
    if (what <= 2) {
      clients_.erase(clients_.begin() + which);
    } else if (what == 3) {
      const int fd = memory_.Get();
      SendMessage(client, std::as_bytes(input_.Take(input_.Below(32))),
                  std::span(&fd, input_.Below(2)));
    } else {
      std::byte word[8];
      for (uint32_t reads = input_.Below(20); reads > 0; --reads) {
        if (!ReceiveMessage(client, word).ok()) break;
      }
    }
  }

  void Settle() {
    for (int i = 0; i < 8; ++i) loop_->Poll();
  }

  void Join(uint32_t slot) {
    if (slot == 0 || joined_[slot]) abort();
    joined_[slot] = true;
  }
  void Leave(uint32_t slot) {
    if (!joined_[slot]) abort();
    joined_[slot] = false;
  }

  Input& input_;
  const std::string folder_ = "/tmp/tombolo-fuzz-ivshmem-" + std::to_string(getpid());
  const UniqueFd memory_{eventfd(0, EFD_CLOEXEC)};
  const control::DoorbellTable doorbells_ = *control::DoorbellTable::Create(kSlots, kVectors);
  const std::unique_ptr<control::EventLoop> loop_ = *control::EventLoop::Create();
  std::vector<bool> joined_ = std::vector<bool>(kSlots);
  control::NullStore store_;
  std::unique_ptr<IvshmemServer> server_;
  std::vector<UniqueFd> clients_;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  IvshmemTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      {0, 0, 1, 4, 0, 19, 1, 1, 0, 1},                         // Comes, reads, goes.
      {0, 1, 1, 0, 1, 1, 0, 0, 1, 3, 0, 4, 1, 2, 3, 4, 1},     // Two want one slot; one talks.
      {0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1},  // All slots are taken.
  };
}

}  // namespace tombolo::fuzz
