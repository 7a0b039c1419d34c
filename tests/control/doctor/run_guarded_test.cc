// Checks that hang, crash, or leave others behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "control/doctor/check.h"
#include "control/doctor/finding.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int64_t kLongNs = 20 * kNsPerSecond;
constexpr int64_t kShortNs = 50 * kNsPerMs;

[[noreturn]] void WaitForEver() {
  while (true) pause();
}

TEST(RunGuardedTest, GivesWhatTheCheckFinds) {
  const Finding finding = RunGuarded({"a",
                                      [] {
                                        return Warning("seen", "mend", {{"n", 3}});
                                      },
                                      ""},
                                     kLongNs);
  EXPECT_EQ(finding.level, Level::kWarning);
  EXPECT_EQ(finding.text, "seen");
  EXPECT_EQ(finding.mend, "mend");
  EXPECT_EQ(finding.numbers.at("n"), 3);
}

TEST(RunGuardedTest, TakesAFindingOfAnyLength) {
  const std::string text(300'000, 'x');
  EXPECT_EQ(RunGuarded({"a", [&] { return Well(text); }, ""}, kLongNs).text, text);
}

TEST(RunGuardedTest, ACheckThatHangsIsAProblemWithWhatToDo) {
  const int64_t start_ns = MonotonicNs();
  const Finding finding =
      RunGuarded({"a", []() -> Finding { WaitForEver(); }, "end the server"}, kShortNs);
  EXPECT_EQ(finding.level, Level::kProblem);
  EXPECT_EQ(finding.text, "no answer within 50 ms");
  EXPECT_EQ(finding.mend, "end the server");
  EXPECT_LT(MonotonicNs() - start_ns, kLongNs);
}

TEST(RunGuardedTest, ACheckThatIsKilledIsAProblem) {
  const Finding finding = RunGuarded({"a",
                                      []() -> Finding {
                                        kill(getpid(), SIGKILL);
                                        WaitForEver();
                                      },
                                      ""},
                                     kLongNs);
  EXPECT_EQ(finding.level, Level::kProblem);
  EXPECT_NE(finding.text.find("signal 9"), std::string::npos) << finding.text;
}

TEST(RunGuardedTest, ACheckThatEndsWithoutAWordIsAProblem) {
  const Finding finding = RunGuarded({"a", []() -> Finding { _exit(3); }, ""}, kLongNs);
  EXPECT_EQ(finding.level, Level::kProblem);
  EXPECT_NE(finding.text.find("exit code 3"), std::string::npos) << finding.text;
}

// Whether all ends of the pipe but `from` are closed, in time.
bool IsClosedByAll(int from) {
  pollfd closed{.fd = from, .events = 0, .revents = 0};
  return poll(&closed, 1, static_cast<int>(kLongNs / kNsPerMs)) == 1;
}

TEST(RunGuardedTest, WhatTheCheckHasStartedDiesWithIt) {
  for (const bool hangs : {true, false}) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const Check check = {"a",
                         [hangs] {
                           if (fork() == 0) WaitForEver();
                           if (hangs) WaitForEver();
                           return Well("started one");
                         },
                         ""};
    RunGuarded(check, hangs ? kShortNs : kLongNs);
    close(ends[1]);
    EXPECT_TRUE(IsClosedByAll(ends[0])) << "a process of the check still holds the other end";
    close(ends[0]);
  }
}

}  // namespace
}  // namespace tombolo::control
