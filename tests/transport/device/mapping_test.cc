#include "transport/device/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

using testing::HasSubstr;

constexpr uint64_t kLargePageBytes = 2 * kMiB;

bool IsMapped(std::span<std::byte> bytes) {
  return msync(bytes.data(), bytes.size(), MS_ASYNC) == 0;
}

class MappingTest : public testing::Test {
 protected:
  void SetUp() override {
    auto fd = CreateSealedMemfd("tombolo-test", kMiB);
    ASSERT_TRUE(fd.ok()) << Text(fd);
    fd_ = *std::move(fd);
  }

  Mapping MapAll() {
    auto mapping = Mapping::Map(fd_.Get(), 0, kMiB);
    EXPECT_TRUE(mapping.ok()) << Text(mapping);
    return *std::move(mapping);
  }

  UniqueFd fd_;
};

TEST_F(MappingTest, ASealedMemfdCanNotChangeItsSize) {
  EXPECT_EQ(ftruncate(fd_.Get(), 4096), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(fd_.Get(), 2 * kMiB), -1);
  EXPECT_EQ(errno, EPERM);
  const auto size = FileBytes(fd_.Get());
  ASSERT_TRUE(size.ok()) << Text(size);
  EXPECT_EQ(*size, kMiB);
}

TEST_F(MappingTest, ItsSealsCanNotBeChanged) {
  EXPECT_EQ(fcntl(fd_.Get(), F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  EXPECT_EQ(fcntl(fd_.Get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
}

TEST_F(MappingTest, ItsMemoryIsAllocatedInFullAtOnce) {
  struct stat info;
  ASSERT_EQ(fstat(fd_.Get(), &info), 0);
  EXPECT_EQ(static_cast<uint64_t>(info.st_blocks) * 512, kMiB);
}

// Small pages would do for every reader and writer; it is only slower then.
TEST_F(MappingTest, WhatHoldsALargePageBeginsWhereOneMay) {
  auto fd = CreateSealedMemfd("tombolo-test", 2 * kLargePageBytes);
  ASSERT_TRUE(fd.ok()) << Text(fd);
  for (int i = 0; i < 2; ++i) {
    auto mapping = Mapping::MapReadOnly(fd->Get(), 0, 2 * kLargePageBytes - kMiB);
    ASSERT_TRUE(mapping.ok()) << Text(mapping);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(mapping->Bytes().data()) % kLargePageBytes, 0u);
  }
}

TEST_F(MappingTest, AMemfdIsCloseOnExec) { EXPECT_TRUE(fcntl(fd_.Get(), F_GETFD) & FD_CLOEXEC); }

// Should the check ever go missing, the limit on the size of files makes this fail before the
// machine runs out of memory.
TEST_F(MappingTest, MoreMemoryThanThereIsSaysSoAndAllocatesNothing) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit net{.rlim_cur = 2 * kMiB, .rlim_max = old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &net), 0);
  const auto fd = CreateSealedMemfd("tombolo-test", uint64_t{1} << 50);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(fd.status())) << Text(fd);
  EXPECT_THAT(Text(fd), HasSubstr("needs 1125899906842624 bytes"));
}

TEST_F(MappingTest, TwoMappingsShareTheirBytes) {
  const Mapping ours = MapAll();
  const Mapping theirs = MapAll();
  ours.Bytes()[kMiB - 1] = std::byte{42};
  EXPECT_EQ(theirs.Bytes()[kMiB - 1], std::byte{42});
}

TEST_F(MappingTest, OutlivesItsDescriptor) {
  const Mapping mapping = MapAll();
  fd_.Reset();
  mapping.Bytes()[0] = std::byte{1};
  EXPECT_EQ(mapping.Bytes()[0], std::byte{1});
}

TEST_F(MappingTest, MapsFromAnOffset) {
  const Mapping whole = MapAll();
  whole.Bytes()[8192] = std::byte{7};
  const auto part = Mapping::Map(fd_.Get(), 8192, 4096);
  ASSERT_TRUE(part.ok()) << Text(part);
  EXPECT_EQ(part->Bytes().size(), 4096u);
  EXPECT_EQ(part->Bytes()[0], std::byte{7});
}

TEST_F(MappingTest, UnmapsAtTheEndOfItsLife) {
  std::span<std::byte> bytes;
  {
    const Mapping mapping = MapAll();
    bytes = mapping.Bytes();
    EXPECT_TRUE(IsMapped(bytes));
  }
  EXPECT_FALSE(IsMapped(bytes));
}

TEST_F(MappingTest, MovingMovesTheBytes) {
  Mapping first = MapAll();
  const std::span<std::byte> bytes = first.Bytes();
  Mapping second = std::move(first);
  EXPECT_TRUE(first.Bytes().empty());  // NOLINT(bugprone-use-after-move): what is tested.
  EXPECT_EQ(second.Bytes().data(), bytes.data());
  second = Mapping();
  EXPECT_FALSE(IsMapped(bytes));
}

// A child must not hold memory on behalf of an endpoint that it is not.
TEST_F(MappingTest, AChildDoesNotInheritIt) {
  const Mapping mapping = MapAll();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(IsMapped(mapping.Bytes()) ? 1 : 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(MappingTest, AReadOnlyDescriptorIsRefused) {
  const UniqueFd null(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const auto mapping = Mapping::Map(null.Get(), 0, 4096);
  EXPECT_TRUE(absl::IsPermissionDenied(mapping.status())) << Text(mapping);
  EXPECT_THAT(Text(mapping), HasSubstr("map 4096 bytes"));
}

TEST_F(MappingTest, ABadDescriptorIsAnError) {
  EXPECT_FALSE(Mapping::Map(-1, 0, 4096).ok());
  EXPECT_FALSE(FileBytes(-1).ok());
}

}  // namespace
}  // namespace tombolo
