// StockMemcached: Debian's memcached at a Unix socket of the test's own; ended with the object.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "tests/support/temp_dir.h"

namespace tombolo::kvcache {

class StockMemcached {
 public:
  // Aborts when it does not come up.
  StockMemcached();
  StockMemcached(const StockMemcached&) = delete;
  StockMemcached& operator=(const StockMemcached&) = delete;
  ~StockMemcached();

  // Everything that it answers on a connection where `input` is all that is sent. Gives up, with
  // what there is until then, when nothing happens for long.
  std::string Talk(std::string_view input) const;

 private:
  TempDir folder_;
  std::string path_ = folder_.File("memcached.sock");
  pid_t pid_ = -1;
};

}  // namespace tombolo::kvcache
