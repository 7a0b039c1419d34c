#include "control/event_loop/errands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "control/event_loop/event_loop.h"

namespace tombolo::control {
namespace {

using ::testing::ElementsAre;

class ErrandsTest : public ::testing::Test {
 protected:
  // Writes down how it was called.
  Errands::Errand Note(const std::string& name) {
    return [this, name](const absl::Status& status) {
      said_.push_back(name + (status.ok() ? "" : ": " + std::string(status.message())));
      threads_.push_back(std::this_thread::get_id());
    };
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::Create().value();
  std::unique_ptr<Errands> errands_ =
      std::make_unique<Errands>(*loop_, absl::UnavailableError("closed"));
  std::vector<std::string> said_;
  std::vector<std::thread::id> threads_;
};

TEST_F(ErrandsTest, AreDoneInTheLoopsThreadInTheirOrder) {
  std::thread([this] {
    errands_->Run(Note("a"));
    errands_->Run(Note("b"));
  }).join();
  EXPECT_TRUE(said_.empty());
  loop_->Poll();
  EXPECT_THAT(said_, ElementsAre("a", "b"));
  EXPECT_THAT(threads_, ElementsAre(std::this_thread::get_id(), std::this_thread::get_id()));
}

TEST_F(ErrandsTest, ThoseThatTheLoopDidNotComeToAreToldWhy) {
  errands_->Run(Note("a"));
  errands_->Stop();
  EXPECT_THAT(said_, ElementsAre("a: closed"));
  errands_->Run(Note("b"));
  EXPECT_THAT(said_, ElementsAre("a: closed", "b: closed"));
}

TEST_F(ErrandsTest, TheLoopMayOutliveThem) {
  errands_->Run(Note("a"));
  errands_.reset();
  loop_->Poll();
  EXPECT_THAT(said_, ElementsAre("a: closed"));
}

}  // namespace
}  // namespace tombolo::control
