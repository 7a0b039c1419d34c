#include "transport/base/unique_fd.h"

#include <fcntl.h>

#include <utility>

#include "gtest/gtest.h"

namespace tombolo {
namespace {

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpenInKernel(int fd) { return fcntl(fd, F_GETFD) != -1; }

TEST(UniqueFdTest, ClosesAtTheEndOfItsLife) {
  const int fd = OpenNull();
  { const UniqueFd owner(fd); }
  EXPECT_FALSE(IsOpenInKernel(fd));
}

TEST(UniqueFdTest, MovingLeavesNothingBehind) {
  UniqueFd first(OpenNull());
  const int fd = first.Get();
  const UniqueFd second = std::move(first);
  EXPECT_EQ(second.Get(), fd);
  EXPECT_FALSE(first.IsOpen());  // NOLINT(bugprone-use-after-move): what is tested.
}

TEST(UniqueFdTest, AssignmentClosesWhatWasOwned) {
  UniqueFd owner(OpenNull());
  const int old = owner.Get();
  owner = UniqueFd(OpenNull());
  EXPECT_FALSE(IsOpenInKernel(old));
  EXPECT_TRUE(IsOpenInKernel(owner.Get()));
}

TEST(UniqueFdTest, AssignmentToItselfKeepsTheDescriptor) {
  UniqueFd owner(OpenNull());
  UniqueFd& same = owner;
  owner = std::move(same);
  EXPECT_TRUE(IsOpenInKernel(owner.Get()));
}

TEST(UniqueFdTest, ReleaseHandsTheDescriptorOver) {
  UniqueFd owner(OpenNull());
  const int fd = owner.Release();
  EXPECT_FALSE(owner.IsOpen());
  EXPECT_TRUE(IsOpenInKernel(fd));
  close(fd);
}

}  // namespace
}  // namespace tombolo
