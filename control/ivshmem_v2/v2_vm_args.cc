#include "control/ivshmem_v2/v2_vm_args.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

std::string Quoted(const std::string& word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

// A path need not be UTF-8; what is none is replaced.
std::string Device(const std::string& socket_path) {
  const Json device = {{"driver", "vfio-user-pci"},
                       {"socket", {{"type", "unix"}, {"path", socket_path}}}};
  return device.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string V2VmArgs(const std::string& socket_path, const std::string& memory) {
  return absl::StrCat("-m ", memory, " -object memory-backend-memfd,id=ram,share=on,size=", memory,
                      " -machine q35,kernel-irqchip=split,memory-backend=ram",
                      " -device intel-iommu,intremap=on,caching-mode=on -device ",
                      Quoted(Device(socket_path)));
}

}  // namespace tombolo::control
