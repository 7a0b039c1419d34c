#include "control/daemon/state_memory.h"

#include <fcntl.h>
#include <string.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::control {
namespace {

constexpr uint64_t kMagic = 0x4d45'4d53'5442'4d54;  // "TMBTSMEM".
constexpr size_t kHeadBytes = 4 * kKiB;
constexpr uint64_t kBanks = 2;
constexpr uint64_t kMostFileBytes = 256 * kMiB;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

struct Head {
  SharedU64 magic;
  SharedU64 holding;  // 1 or 2: that bank, counted from 1. 0: nothing was saved.
};

struct BankHead {
  uint64_t size_bytes;
  uint64_t checksum;
};

// SAFETY: Create() and Adopt() saw to it that the mapping has a head, and it is page-aligned.
Head& HeadOf(std::span<std::byte> memory) { return *reinterpret_cast<Head*>(memory.data()); }

// FNV-1a, by words.
uint64_t Checksum(std::span<const std::byte> bytes) {
  uint64_t sum = 0xcbf2'9ce4'8422'2325 ^ bytes.size();
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t size = std::min(bytes.size(), sizeof(word));
    memcpy(&word, bytes.data(), size);
    sum = (sum ^ word) * 0x0000'0100'0000'01b3;
    bytes = bytes.subspan(size);
  }
  return sum;
}

absl::Status Wrong(const std::string& what) {
  return absl::FailedPreconditionError(absl::StrCat("the daemon's kept memory is damaged: ", what));
}

}  // namespace

absl::StatusOr<StateMemory> StateMemory::Create(size_t most_bytes) {
  const size_t bank_pages = (sizeof(BankHead) + most_bytes + kHeadBytes - 1) / kHeadBytes;
  const uint64_t file_bytes = kHeadBytes + kBanks * bank_pages * kHeadBytes;
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("tombolo-state", file_bytes);
  if (!fd.ok()) return fd.status();
  absl::StatusOr<Mapping> mapping = Mapping::Map(fd->Get(), 0, file_bytes);
  if (!mapping.ok()) return mapping.status();
  // Relaxed, as all here: nobody else looks while this process lives.
  HeadOf(mapping->Bytes()).magic.store(kMagic, std::memory_order_relaxed);
  return StateMemory(*std::move(fd), *std::move(mapping));
}

absl::StatusOr<StateMemory> StateMemory::Adopt(UniqueFd fd) {
  const absl::StatusOr<uint64_t> file_bytes = FileBytes(fd.Get());
  if (!file_bytes.ok()) return file_bytes.status();
  if (*file_bytes > kMostFileBytes || *file_bytes % kHeadBytes != 0 ||
      *file_bytes / kHeadBytes < 1 + kBanks) {
    return Wrong(absl::StrCat("it has ", *file_bytes, " bytes; expected ", 1 + kBanks,
                              " or more pages of ", kHeadBytes, "."));
  }
  const int seals = fcntl(fd.Get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) {
    return Wrong("it is not sealed against a change of its size.");
  }
  absl::StatusOr<Mapping> mapping = Mapping::Map(fd.Get(), 0, *file_bytes);
  if (!mapping.ok()) return mapping.status();
  const uint64_t magic = HeadOf(mapping->Bytes()).magic.load(std::memory_order_relaxed);
  if (magic != kMagic) {
    return Wrong(absl::StrCat("it starts with 0x", absl::Hex(magic), "; expected 0x",
                              absl::Hex(kMagic), "."));
  }
  return StateMemory(std::move(fd), *std::move(mapping));
}

std::span<std::byte> StateMemory::Bank(uint64_t bank) const {
  const size_t bank_bytes = (mapping_.Bytes().size() - kHeadBytes) / kBanks;
  return mapping_.Bytes().subspan(kHeadBytes + bank * bank_bytes, bank_bytes);
}

size_t StateMemory::MostBytes() const { return Bank(0).size() - sizeof(BankHead); }

void StateMemory::Save(std::span<const std::byte> state) {
  SharedU64& holding = HeadOf(mapping_.Bytes()).holding;
  const uint64_t bank = holding.load(std::memory_order_relaxed) == 1 ? 1 : 0;
  const std::span<std::byte> bytes = Bank(bank);
  const BankHead head = {.size_bytes = state.size(), .checksum = Checksum(state)};
  memcpy(bytes.data(), &head, sizeof(head));
  memcpy(bytes.data() + sizeof(head), state.data(), state.size());
  // Release: all of the bank is written before it holds. Its partner is Load(), in the successor.
  holding.store(bank + 1, std::memory_order_release);
}

absl::StatusOr<std::vector<std::byte>> StateMemory::Load() const {
  // Acquire: pairs with Save().
  const uint64_t holding = HeadOf(mapping_.Bytes()).holding.load(std::memory_order_acquire);
  if (holding == 0 || holding > kBanks) {
    return Wrong(absl::StrCat("bank ", holding, " holds; expected 1 or 2."));
  }
  const std::span<std::byte> bytes = Bank(holding - 1);
  BankHead head;
  memcpy(&head, bytes.data(), sizeof(head));
  if (head.size_bytes > MostBytes()) {
    return Wrong(absl::StrCat("a state of ", head.size_bytes, " bytes; expected at most ",
                              MostBytes(), "."));
  }
  const std::span<std::byte> kept = bytes.subspan(sizeof(head), head.size_bytes);
  std::vector<std::byte> state(kept.begin(), kept.end());
  if (Checksum(state) != head.checksum) return Wrong("its checksum is not that of its bytes.");
  return state;
}

}  // namespace tombolo::control
