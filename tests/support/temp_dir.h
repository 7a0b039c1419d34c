// TempDir: a folder of a test's own, removed with all that is in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace tombolo {

class TempDir {
 public:
  // Below /tmp and not below TEST_TMPDIR, whose path is longer than a socket address.
  TempDir() {
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = "/tmp/tombolo-test-XXXXXX";
};

}  // namespace tombolo
