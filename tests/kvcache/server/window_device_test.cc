// Which device is the window of a guest, in a folder that looks as sysfs does.
#include "kvcache/server/window_device.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "transport/device/sysfs/sysfs_device.h"

namespace tombolo::kvcache {
namespace {

class FindWindowTest : public testing::Test {
 protected:
  // With the files of its regions 0, perhaps 1, and 2.
  void AddDevice(const std::string& address, const std::string& vendor, bool has_msix = false) {
    const std::filesystem::path device = sys_.File("bus/pci/devices/" + address);
    std::filesystem::create_directories(device);
    std::ofstream(device / "vendor") << vendor << "\n";
    std::ofstream(device / "device") << "0x1110\n";
    for (const char* region : {"resource0", "resource1", "resource2"}) {
      if (has_msix || std::string(region) != "resource1") std::ofstream(device / region) << "";
    }
  }

  std::string Error() const { return std::string(FindWindow(sys_.File("")).status().message()); }

  TempDir sys_;
};

TEST_F(FindWindowTest, TakesThePlainDeviceAmongOthers) {
  AddDevice("0000:00:04.0", "0x8086");
  AddDevice("0000:00:05.0", "0x1af4", /*has_msix=*/true);
  AddDevice("0000:00:06.0", "0x1af4");
  const auto found = FindWindow(sys_.File(""));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(std::filesystem::path(*found).lexically_normal(),
            sys_.File("bus/pci/devices/0000:00:06.0/") + kMemoryResource);
}

TEST_F(FindWindowTest, WithoutOneSaysWhatToDo) {
  EXPECT_NE(Error().find("there is no ivshmem-plain device"), std::string::npos) << Error();
  AddDevice("0000:00:05.0", "0x1af4", /*has_msix=*/true);
  EXPECT_TRUE(absl::IsNotFound(FindWindow(sys_.File("")).status())) << Error();
  EXPECT_NE(Error().find("memory file"), std::string::npos) << Error();
}

TEST_F(FindWindowTest, SeveralAskForAChoice) {
  AddDevice("0000:00:06.0", "0x1af4");
  AddDevice("0000:00:05.0", "0x1af4");
  EXPECT_TRUE(absl::IsFailedPrecondition(FindWindow(sys_.File("")).status())) << Error();
  EXPECT_LT(Error().find("0000:00:05.0/resource2"), Error().find("0000:00:06.0/resource2"));
}

}  // namespace
}  // namespace tombolo::kvcache
