// A memory file with shards, and backends of workers over them, all in one process.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "kvcache/server/memory_file.h"
#include "kvcache/server/owned_shards.h"
#include "kvcache/server/server_clock.h"
#include "kvcache/server/worker_backend.h"
#include "tests/support/temp_dir.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

class ShardsTest : public testing::Test {
 protected:
  std::unique_ptr<WorkerBackend> MakeBackend() { return *WorkerBackend::Create(*shards_); }

  StoreResult Set(WorkerBackend& backend, std::string_view key, std::string_view value) {
    return backend.Put({.key = key, .value = value}).result;
  }

  // "(miss)".
  std::string Get(WorkerBackend& backend, std::string_view key) {
    StoredValue value;
    return backend.Get(key, value, GetUse::kCounts) ? value.value : "(miss)";
  }

  TempDir folder_;
  std::string path_ = folder_.File("memory");
  MemoryFile file_ = *MemoryFile::Claim({.path = path_, .file_bytes = 8 * kMiB, .shard_count = 4});
  ServerClock clock_;
  std::unique_ptr<OwnedShards> shards_ = *OwnedShards::Open(
      file_, {.limits = {.segment_bytes = 64 * kKiB, .item_max_bytes = 16 * kKiB}}, clock_);
};

}  // namespace tombolo::kvcache
