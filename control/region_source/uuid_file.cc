#include "control/region_source/uuid_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

std::string PathIn(const std::string& folder) { return folder + "/region.uuid"; }

}  // namespace

absl::Status WriteUuidFile(const std::string& folder, const std::string& uuid) {
  const std::string path = PathIn(folder);
  const std::string draft = path + ".new";
  errno = 0;
  std::ofstream file(draft, std::ios::trunc);
  file << uuid << "\n";
  file.close();
  if (file && rename(draft.c_str(), path.c_str()) == 0) return absl::OkStatus();
  const int error = errno;
  unlink(draft.c_str());
  return ErrnoStatus(error != 0 ? error : EIO, absl::StrCat("write ", path));
}

std::string ReadUuidFile(const std::string& folder) {
  std::ifstream file(PathIn(folder));
  std::string uuid;
  std::getline(file, uuid);
  return uuid;
}

void RemoveUuidFile(const std::string& folder) { unlink(PathIn(folder).c_str()); }

}  // namespace tombolo::control
