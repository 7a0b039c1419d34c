#include "tests/crash/aftermath.h"

#include <stdlib.h>

#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/crash/check_extents.h"
#include "tests/crash/forked.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/extent_word.h"

namespace tombolo::crash {
namespace {

constexpr uint64_t kOperations = 1000;
constexpr int kRounds = 64;  // Polls that any exchange may take.
constexpr unsigned kDeadlineSeconds = 60;
constexpr size_t kWordBytes = 40;

class Aftermath {
 public:
  Aftermath(Scene& scene, const Case& which, bool finished)
      : scene_(scene), which_(which), finished_(finished), region_(scene.world.SharedRegion()) {}

  Verdict Play() {
    verdict_.leak = CheckAtAnyMoment(region_);
    BeforeItIsKnown();
    links_kept_ = LinksToOthers();
    scene_.world.DeclareDead(Victim());
    HoldOn();
    Reclaim();
    if (which_.settle) which_.settle(scene_);
    CheckMemory();
    CheckDelivered();
    CarryOn();
    CheckMessages();
    End();
    return std::move(verdict_);
  }

 private:
  Member& Survivor() { return scene_.survivor; }
  EndpointId Victim() { return scene_.victim.Id(); }

  // The victim is dead, and nobody knows: what is done with it must not harm.
  void BeforeItIsKnown() {
    Survivor().channel->WakeUp();
    Survivor().Poll();
    Survivor().streams.Flush();
    for (int i = 0; i < 4; ++i) Survivor().TrySend(Victim(), kWordBytes);
    if (Survivor().channel->PrepareToSleep()) Survivor().channel->WakeUp();
  }

  uint32_t LinksToOthers() {
    const uint32_t survivor = Survivor().Id().index;
    const bool is_linked = FindLinkExtent(region_, survivor, Victim().index).has_value();
    return CountOwned(region_, survivor, ExtentKind::kLink) - (is_linked ? 1 : 0);
  }

  // What was lent stays while it is held, whoever has died.
  void HoldOn() {
    if (!Survivor().mailbox.HoldsLoans()) return;
    for (int round = 0; round < kRounds; ++round) {
      Survivor().Poll();
      if (!scene_.world.Sweep()) Blame(verdict_.torn, "memory was freed that is held as a loan");
    }
    Survivor().mailbox.CheckLoans();
    Survivor().mailbox.DropLoans();
  }

  void Reclaim() {
    for (int round = 0; round < kRounds; ++round) {
      Survivor().Poll();
      Survivor().streams.Flush();
      if (scene_.bystander.channel) scene_.bystander.Poll();
      if (!scene_.world.Sweep()) return;
    }
    Blame(verdict_.blocked, "the reaper still waits for somebody");
  }

  // The survivor keeps nothing that was for the victim only: no link, no chunks, nothing lent.
  void CheckMemory() {
    Blame(verdict_.leak, CheckAtRest(region_));
    Expect(ExtentKind::kLink, links_kept_, "links");
    Expect(ExtentKind::kPoolSegment, 0, "extents of chunks");
    Expect(ExtentKind::kMemory, 0, "extents of memory");
    Expect(ExtentKind::kQuarantine, 0, "extents in quarantine");
    if (Survivor().mailbox.Returned() == scene_.lent) return;
    Blame(verdict_.leak, absl::StrCat("loans that came back: ", Survivor().mailbox.Returned(),
                                      ", lent: ", scene_.lent));
  }

  void Expect(ExtentKind kind, uint32_t expected, const char* what) {
    const uint32_t has = CountOwned(region_, Survivor().Id().index, kind);
    if (has == expected) return;
    Blame(verdict_.leak,
          absl::StrCat("the survivor owns ", has, " ", what, ", expected ", expected));
  }

  void CheckDelivered() {
    verdict_.delivered = Survivor().mailbox.Received(Victim());
    const uint64_t most = scene_.visible + scene_.adds;
    const uint64_t least = finished_ ? most : scene_.visible;
    if (verdict_.delivered >= least && verdict_.delivered <= most) return;
    Blame(verdict_.torn, absl::StrCat("messages delivered: ", verdict_.delivered, ", expected ",
                                      least, " to ", most));
  }

  void CheckMessages() {
    for (Member* member : {&scene_.survivor, &scene_.bystander, &newcomer_}) {
      if (!member->channel) continue;
      Blame(verdict_.torn, member->streams.WhatIsWrong());
      if (member->mailbox.Torn() != 0) Blame(verdict_.torn, "a message that nobody had sent so");
      const EndpointCounters& counters = region_.Counters(member->Id().index);
      for (const SharedU64* bad : {&counters.bad_headers, &counters.bad_descriptors,
                                   &counters.bad_loans, &counters.bad_credits}) {
        if (bad->load(std::memory_order_relaxed) == 0) continue;
        Blame(verdict_.torn, "words of an honest peer made no sense");
      }
    }
  }

  // Among those who are left, and with one who gets the dead one's index and memory.
  void CarryOn() {
    newcomer_ = scene_.world.Join("newcomer");
    for (uint64_t i = 0; i < kOperations; ++i) {
      Member& other = i % 2 == 0 || !scene_.bystander.channel ? newcomer_ : scene_.bystander;
      const bool done = i % 4 < 2 ? Exchange(Survivor(), other) : Exchange(other, Survivor());
      if (done) continue;
      Blame(verdict_.blocked, absl::StrCat("a message did not arrive, the ", i, "th afterwards"));
      return;
    }
  }

  // One message, sent and received.
  bool Exchange(Member& from, Member& to) {
    // Mostly small, some of many cells, few through a bulk pool.
    constexpr size_t kSizes[] = {16, 40, 60, 100, 20, 500, 40, 30, 1900, 16, 24, 2500};
    size_t bytes = kSizes[random_() % std::size(kSizes)];
    const uint64_t due = to.mailbox.Received(from.Id()) + 1;
    bool sent = false;
    for (int round = 0; round < kRounds; ++round) {
      if (!sent) sent = from.TrySend(to.Id(), bytes);
      // This region is too small for chunks for everybody.
      if (!sent && bytes > from.channel->MaxPayloadBytes(to.Id())) bytes = kWordBytes;
      to.Poll();
      if (sent && to.mailbox.Received(from.Id()) == due) return true;
      from.Poll();
    }
    return false;
  }

  // In the end nobody is there, and nobody owns anything.
  void End() {
    for (Member* member : {&scene_.survivor, &scene_.bystander, &newcomer_}) {
      if (member->channel) scene_.world.DeclareDead(member->Id());
    }
    if (scene_.world.Sweep()) Blame(verdict_.blocked, "the reaper waits, and nobody is alive");
    const uint32_t free = ExtentMap(region_.ExtentMap()).CountFree();
    if (free == region_.Parts().extent_count) return;
    Blame(verdict_.leak,
          absl::StrCat(region_.Parts().extent_count - free, " extents are left when all are dead"));
  }

  // The first is what matters; the rest follows from it.
  static void Blame(std::string& where, std::string what) {
    if (where.empty()) where = std::move(what);
  }

  Scene& scene_;
  const Case& which_;
  const bool finished_;
  Region region_;
  uint32_t links_kept_ = 0;
  Member newcomer_;
  Verdict verdict_;
  std::minstd_rand random_;
};

}  // namespace

Verdict PlayAftermath(Scene& scene, const Case& which, bool finished) {
  const std::optional<std::string> text = RunForked(kDeadlineSeconds, [&] {
    scene.world.KeepToYourself();
    const Verdict seen = Aftermath(scene, which, finished).Play();
    return absl::StrCat(seen.delivered, "\n", seen.torn, "\n", seen.leak, "\n", seen.blocked);
  });
  Verdict verdict;
  if (!text) {
    verdict.blocked = "those who were left crashed, or did not end in time";
    return verdict;
  }
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  verdict.delivered = strtoull(lines[0].c_str(), nullptr, 10);
  verdict.torn = lines[1];
  verdict.leak = lines[2];
  verdict.blocked = lines[3];
  return verdict;
}

}  // namespace tombolo::crash
