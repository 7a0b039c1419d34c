#include "control/tunnel/tunnel_thread.h"

#include <pthread.h>

#include <cstddef>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tombolo::control {
namespace {

// More than a process can map, so that no thread gets its stack.
constexpr size_t kImpossibleStackBytes = size_t{1} << 47;

// While it lives, no thread can be had.
class WithoutThreads {
 public:
  WithoutThreads() {
    EXPECT_EQ(pthread_getattr_default_np(&usual_), 0);
    pthread_attr_t impossible;
    EXPECT_EQ(pthread_attr_init(&impossible), 0);
    EXPECT_EQ(pthread_attr_setstacksize(&impossible, kImpossibleStackBytes), 0);
    EXPECT_EQ(pthread_setattr_default_np(&impossible), 0);
    pthread_attr_destroy(&impossible);
  }
  ~WithoutThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }

 private:
  pthread_attr_t usual_;
};

TEST(TunnelThreadTest, WithoutAThreadItSaysSo) {
  const WithoutThreads none;
  const auto tunnels = TunnelThread::Start({}, [](const absl::Status&) {});
  EXPECT_TRUE(absl::IsResourceExhausted(tunnels.status())) << tunnels.status();
  EXPECT_THAT(std::string(tunnels.status().message()), testing::HasSubstr("ulimit -u"));
}

}  // namespace
}  // namespace tombolo::control
