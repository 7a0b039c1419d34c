// Random operations against a std::map that knows what each must do. What the store says is
// compared exactly; that a key is missing is allowed only as often as the store evicted something.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include <map>
#include <optional>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "tests/kvcache/shard_fixture.h"

namespace tombolo::kvcache {
namespace {

struct Known {
  std::string value;
  uint32_t flags = 0;
  uint32_t expiry_s = 0;
  uint64_t cas = 0;
};

// As the C library reads it: blanks, digits, and then a blank or nothing.
std::optional<uint64_t> NumberIn(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\n\v\f\r");
  if (begin == std::string::npos || isdigit(text[begin]) == 0) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const uint64_t number = strtoull(text.c_str() + begin, &end, 10);
  const bool is_whole = end == text.c_str() + text.size() || isspace(*end) != 0;
  return is_whole && errno == 0 ? std::optional(number) : std::nullopt;
}

class ModelTest : public ShardTest {
 protected:
  explicit ModelTest(const StoreOptions& options) : ShardTest(options) {}

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  std::string RandomKey() { return "key" + std::to_string(Below(300)); }
  std::string RandomValue() {
    if (Below(4) == 0) return std::to_string(random_());
    return std::string(Below(20) == 0 ? Below(3000) : Below(150), static_cast<char>(random_()));
  }
  int64_t RandomExptime() { return Below(3) == 0 ? Below(50) : 0; }
  static uint32_t Expiry(int64_t exptime, uint32_t now_s) {
    return exptime == 0 ? 0 : now_s + static_cast<uint32_t>(exptime);
  }

  // What the model says of a key, if it has not expired.
  Known* Find(const std::string& key) {
    const auto found = model_.find(key);
    if (found == model_.end()) return nullptr;
    if (found->second.expiry_s == 0 || found->second.expiry_s > now_s_) return &found->second;
    model_.erase(found);
    return nullptr;
  }

  // The same, but what a reader misses is taken for evicted and forgotten.
  Known* Look(const std::string& key) {
    store_->Tick();
    Known* known = Find(key);
    const std::string seen = Read(key);
    if (known == nullptr) {
      EXPECT_EQ(seen, "(miss)") << key;
    } else if (seen == "(miss)") {
      ++lost_;
      model_.erase(key);
      known = nullptr;
    } else {
      EXPECT_EQ(seen, known->value) << key;
      EXPECT_EQ(found_.flags, known->flags);
      EXPECT_EQ(found_.expiry_s, known->expiry_s);
      EXPECT_EQ(found_.cas, known->cas);
    }
    return known;
  }

  void Expect(const StoreAnswer& answer, bool stored, StoreResult otherwise) {
    EXPECT_EQ(answer.result, stored ? StoreResult::kStored : otherwise);
    if (!stored) return;
    EXPECT_GT(answer.cas, last_cas_);
    last_cas_ = answer.cas;
  }

  void Store(const std::string& key) {
    const Known* known = Look(key);
    const bool exists = known != nullptr;
    const int64_t exptime = RandomExptime();
    Known next{RandomValue(), Below(1000), Expiry(exptime, now_s_), 0};
    StoreAnswer answer;
    bool stored = true;
    switch (Below(4)) {
      case 0:
        answer = store_->Add(key, next.value, next.flags, exptime);
        Expect(answer, stored = !exists, StoreResult::kNotStored);
        break;
      case 1:
        answer = store_->Replace(key, next.value, next.flags, exptime);
        Expect(answer, stored = exists, StoreResult::kNotStored);
        break;
      case 2: {
        const uint64_t cas = exists ? known->cas + Below(2) : 1;
        answer = store_->Cas(key, next.value, next.flags, exptime, cas);
        stored = exists && cas == known->cas;
        Expect(answer, stored, exists ? StoreResult::kExists : StoreResult::kNotFound);
        break;
      }
      default:
        answer = store_->Set(key, next.value, next.flags, exptime);
        Expect(answer, true, StoreResult::kStored);
    }
    next.cas = answer.cas;
    if (stored) model_[key] = next;
  }

  void Join(const std::string& key) {
    Known* known = Look(key);
    if (known != nullptr && known->value.size() > 1000) return;
    const std::string more = RandomValue().substr(0, 50);
    const bool appends = Below(2) == 0;
    const StoreAnswer answer = appends ? store_->Append(key, more) : store_->Prepend(key, more);
    Expect(answer, known != nullptr, StoreResult::kNotStored);
    if (known == nullptr) return;
    known->value = appends ? known->value + more : more + known->value;
    known->cas = answer.cas;
  }

  void Count(const std::string& key) {
    Known* known = Look(key);
    const uint64_t delta = Below(1000);
    const bool is_up = Below(2) == 0;
    const StoreAnswer answer = is_up ? store_->Incr(key, delta) : store_->Decr(key, delta);
    if (known == nullptr) {
      EXPECT_EQ(answer.result, StoreResult::kNotFound);
      return;
    }
    std::optional<uint64_t> number = NumberIn(known->value);
    if (known->value.size() > kMaxNumberBytes) number.reset();
    Expect(answer, number.has_value(), StoreResult::kNotANumber);
    if (!number) return;
    const uint64_t before = *number;
    const uint64_t after = is_up ? before + delta : before - std::min(before, delta);
    EXPECT_EQ(answer.number, after);
    std::string text = std::to_string(after);
    text.resize(std::max(text.size(), known->value.size()), ' ');
    known->value = text;
    known->cas = answer.cas;
  }

  void DeleteOrTouch(const std::string& key) {
    Known* known = Look(key);
    const StoreResult expected = known != nullptr ? StoreResult::kDone : StoreResult::kNotFound;
    if (Below(2) == 0) {
      EXPECT_EQ(store_->Delete(key).result, expected);
      model_.erase(key);
      return;
    }
    const int64_t exptime = RandomExptime();
    EXPECT_EQ(store_->Touch(key, exptime).result, expected);
    if (known != nullptr) known->expiry_s = Expiry(exptime, now_s_);
  }

  void GetFromOwner(const std::string& key) {
    const Known* known = Look(key);
    EXPECT_EQ(Get(key), known != nullptr ? known->value : "(miss)");
  }

  void CountEvicted() {
    evicted_ += store_->Counters().evicted_items + store_->Counters().displaced_items;
  }

  void Restart() {
    CountEvicted();
    Reopen();
    ASSERT_TRUE(store_->Report().is_warm) << store_->Report().cold_reason;
    EXPECT_EQ(store_->Report().dropped_slots, 0u);
  }

  void Step() {
    const uint32_t dice = Below(1000);
    if (dice == 0) return store_->FlushAll(0), model_.clear();
    if (dice < 3) return Restart();
    if (dice < 20) return void(now_s_ += Below(10));
    const std::string key = RandomKey();
    if (dice < 500) return Store(key);
    if (dice < 600) return Join(key);
    if (dice < 700) return Count(key);
    if (dice < 800) return DeleteOrTouch(key);
    GetFromOwner(key);
  }

  void Run(int steps) {
    for (int step = 0; step < steps && !HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      Step();
    }
    CountEvicted();
    EXPECT_LE(lost_, evicted_);
    EXPECT_EQ(reader_->Counters().fallbacks, 0u);
  }

  std::mt19937_64 random_{4711};
  std::map<std::string, Known> model_;
  uint64_t last_cas_ = 0;
  uint64_t lost_ = 0;
  uint64_t evicted_ = 0;
};

class RoomyStoreModelTest : public ModelTest {
 protected:
  RoomyStoreModelTest()
      : ModelTest({.limits = {.shard_bytes = 4 * kMiB,
                              .expected_item_bytes = 100,
                              .segment_bytes = 64 * kKiB,
                              .item_max_bytes = 64 * kKiB},
                   .hash_seed = 5}) {}
};

class CrampedStoreModelTest : public ModelTest {
 protected:
  CrampedStoreModelTest() : ModelTest(SmallShard()) {}
};

// Dead items fill the segments, but what lives is a tenth of them and written again and again.
TEST_F(RoomyStoreModelTest, DoesWhatAMapDoes) {
  Run(30'000);
  EXPECT_LE(lost_, 30u);
}

TEST_F(CrampedStoreModelTest, DoesWhatAMapDoesOrEvicts) {
  Run(60'000);
  EXPECT_GT(lost_, 100u);
}

}  // namespace
}  // namespace tombolo::kvcache
