// A folder that looks as sysfs does around PCI devices, for what only reads and writes its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo {

class FakeSysfs {
 public:
  FakeSysfs() : root_(std::filesystem::path(testing::TempDir()) / NewName()) {
    std::filesystem::create_directories(root_ / "sys/bus/pci/devices");
    std::filesystem::create_directories(root_ / "dev/vfio");
  }
  ~FakeSysfs() { std::filesystem::remove_all(root_); }

  SystemPaths Paths() const { return {(root_ / "sys").string(), (root_ / "dev").string()}; }

  std::filesystem::path Device(const std::string& address) const {
    return root_ / "sys/bus/pci/devices" / address;
  }
  std::filesystem::path VfioDriver() const { return root_ / "sys/bus/pci/drivers/vfio-pci"; }

  void AddDevice(const std::string& address, const std::string& vendor, const std::string& id,
                 uint8_t capability) {
    std::filesystem::create_directories(Device(address));
    Write(Device(address) / "vendor", vendor + "\n");
    Write(Device(address) / "device", id + "\n");
    Write(Device(address) / "driver_override", "");
    std::string config(256, '\0');
    config[0x34] = 0x40;
    config[0x40] = static_cast<char>(capability);
    Write(Device(address) / "config", config);
  }

  void AddIvshmem(const std::string& address, bool msix = true) {
    AddDevice(address, "0x1af4", "0x1110", msix ? 0x11 : 0x05);
  }

  void AddGroup(const std::string& address, const std::string& group) {
    std::filesystem::create_symlink("../../../../kernel/iommu_groups/" + group,
                                    Device(address) / "iommu_group");
  }

  void LoadVfio() {
    std::filesystem::create_directories(VfioDriver());
    Write(VfioDriver() / "bind", "");
  }

  static void Write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string Read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  static std::string NewName() {
    static int count = 0;
    return "fake_sysfs_" + std::to_string(++count);
  }

  const std::filesystem::path root_;
};

}  // namespace tombolo
