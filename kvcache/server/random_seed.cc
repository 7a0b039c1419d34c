#include "kvcache/server/random_seed.h"

#include <errno.h>
#include <sys/random.h>

#include "transport/base/errno_status.h"

namespace tombolo::kvcache {

absl::StatusOr<uint64_t> RandomSeed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed)) return seed;
  return ErrnoStatus(errno, "ask for random bytes");
}

}  // namespace tombolo::kvcache
