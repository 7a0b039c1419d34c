#include "transport/device/host_device.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "transport/device/simulated_device.h"

namespace tombolo {
namespace {

constexpr uint16_t kSlot = 3;
constexpr uint16_t kVector = 2;

// A host device over a simulated region, whose broker may be made to fail and whose clock stands
// still.
class HostDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto region = SimulatedRegion::Create(kMiB, 4, 4);
    ASSERT_TRUE(region.ok()) << region.status();
    region_ = *std::move(region);
    auto device = HostDevice::Map(
        region_->MemoryFd(), kMiB,
        [this](uint16_t slot, uint16_t vector) { return Resolve(slot, vector); },
        [this] { return now_ns_.load(); });
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *std::move(device);
  }

  absl::StatusOr<UniqueFd> Resolve(uint16_t slot, uint16_t vector) {
    ++fetches_;
    if (broker_gone_) return absl::UnavailableError("gone");
    const int eventfd = region_->Eventfd(slot, vector);
    if (eventfd < 0) return absl::NotFoundError("no such doorbell");
    return UniqueFd(dup(eventfd));
  }

  uint64_t Rings(uint16_t slot, uint16_t vector) {
    uint64_t count = 0;
    const ssize_t size = read(region_->Eventfd(slot, vector), &count, sizeof(count));
    return size == sizeof(count) ? count : 0;
  }

  std::shared_ptr<SimulatedRegion> region_;
  std::unique_ptr<HostDevice> device_;
  std::atomic<int> fetches_ = 0;
  std::atomic<int64_t> now_ns_ = kNsPerSecond;
  bool broker_gone_ = false;
};

TEST_F(HostDeviceTest, MapsTheWholeRegion) {
  EXPECT_EQ(device_->Memory().size(), kMiB);
  device_->Memory()[17] = std::byte{42};
  EXPECT_EQ(region_->Memory()[17], std::byte{42});
  EXPECT_EQ(device_->Type(), MemoryType::kWriteBack);
}

TEST_F(HostDeviceTest, RingReachesThatDoorbellOnly) {
  device_->Ring(kSlot, kVector);
  EXPECT_EQ(Rings(kSlot, kVector), 1u);
  EXPECT_EQ(Rings(kSlot, kVector + 1), 0u);
  EXPECT_EQ(Rings(kSlot - 1, kVector), 0u);
}

TEST_F(HostDeviceTest, FetchesEachDoorbellOnce) {
  for (int i = 0; i < 5; ++i) device_->Ring(kSlot, kVector);
  EXPECT_EQ(Rings(kSlot, kVector), 5u);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(HostDeviceTest, ManyThreadsFetchOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 100; ++j) device_->Ring(kSlot, kVector);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Rings(kSlot, kVector), 400u);
  EXPECT_EQ(fetches_, 1);
}

TEST_F(HostDeviceTest, FailedFetchIsNotRepeatedBeforeItsTime) {
  broker_gone_ = true;
  for (int i = 0; i < 100; ++i) device_->Ring(kSlot, kVector);
  EXPECT_EQ(fetches_, 1);
  broker_gone_ = false;
  device_->Ring(kSlot, kVector);
  EXPECT_EQ(Rings(kSlot, kVector), 0u);
  now_ns_ += HostDevice::kRetryNs;
  device_->Ring(kSlot, kVector);
  EXPECT_EQ(Rings(kSlot, kVector), 1u);
  EXPECT_EQ(fetches_, 2);
}

TEST_F(HostDeviceTest, IgnoresSlotsAndVectorsThatCannotExist) {
  device_->Ring(256, 0);
  device_->Ring(0, 256);
  device_->Ring(UINT16_MAX, UINT16_MAX);
  EXPECT_EQ(fetches_, 0);
}

// Nobody reads a doorbell's eventfd, so whoever fills its counter would silence it for good.
TEST_F(HostDeviceTest, AFullCounterRingsAllTheSame) {
  const int eventfd = region_->Eventfd(kSlot, kVector);
  const UniqueFd waiter(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0}};
  ASSERT_EQ(epoll_ctl(waiter.Get(), EPOLL_CTL_ADD, eventfd, &event), 0);
  ASSERT_EQ(eventfd_write(eventfd, UINT64_MAX - 1), 0);
  ASSERT_EQ(epoll_wait(waiter.Get(), &event, 1, 0), 1);
  device_->Ring(kSlot, kVector);
  EXPECT_EQ(epoll_wait(waiter.Get(), &event, 1, 0), 1);
}

}  // namespace
}  // namespace tombolo
