// What the checks of `tombolo doctor` say of machines that are made up.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "control/cli/doctor_text.h"
#include "control/doctor/device_checks.h"
#include "control/doctor/emulator_checks.h"
#include "control/doctor/finding.h"
#include "control/doctor/finding_json.h"
#include "control/doctor/limit_checks.h"
#include "control/doctor/machine.h"
#include "control/doctor/net_check.h"
#include "control/doctor/read_speed.h"
#include "control/doctor/side.h"
#include "tests/transport/device/vfio/fake_sysfs.h"

namespace tombolo::control {
namespace {

constexpr char kAddress[] = "0000:00:05.0";
constexpr char kOther[] = "0000:00:06.0";

namespace fs = std::filesystem;

// Both what was seen and how to mend it.
testing::AssertionResult Says(const Finding& finding, Level level, const std::string& part) {
  const std::string all = finding.text + "\n" + finding.mend;
  if (finding.level == level && all.find(part) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << Word(finding.level) << ": " << all;
}

class ChecksTest : public ::testing::Test {
 protected:
  ChecksTest() {
    machine_.system = sysfs_.Paths();
    machine_.proc = (Root() / "proc").string();
    machine_.runtime_dir = (Root() / "run").string();
    for (const char* folder : {"proc", "run", "bin"}) fs::create_directories(Root() / folder);
  }

  fs::path Root() const { return fs::path(machine_.system.sys).parent_path(); }

  static void Write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    FakeSysfs::Write(path, text);
  }

  fs::path Sys(const std::string& path) const { return fs::path(machine_.system.sys) / path; }

  // A guest in which all is well.
  void AddGoodDevice() {
    sysfs_.AddIvshmem(kAddress);
    sysfs_.AddGroup(kAddress, "7");
    fs::create_directories(Sys("kernel/iommu_groups/7/devices") / kAddress);
    sysfs_.LoadVfio();
    fs::create_directory_symlink(sysfs_.VfioDriver(), sysfs_.Device(kAddress) / "driver");
    Write(fs::path(machine_.system.dev) / "vfio/7", "");
    const fs::path memory = sysfs_.Device(kAddress) / "resource2";
    Write(memory, "");
    fs::resize_file(memory, 16 << 20);
  }

  // Of a process that has the file open, as /proc shows it.
  void AddOpenFile(const std::string& pid, int number, const fs::path& file) {
    const fs::path folder = fs::path(machine_.proc) / pid / "fd";
    fs::create_directories(folder);
    fs::create_symlink(file, folder / std::to_string(number));
  }

  // As the only program in PATH.
  void InstallProgram(const std::string& name, const std::string& script) {
    const fs::path path = Root() / "bin" / name;
    Write(path, "#!/bin/sh\n" + script);
    ASSERT_EQ(chmod(path.c_str(), 0755), 0);
    ASSERT_EQ(setenv("PATH", path.parent_path().c_str(), 1), 0);
  }

  FakeSysfs sysfs_;
  Machine machine_;
};

TEST_F(ChecksTest, AGoodGuestIsWell) {
  AddGoodDevice();
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kOk, "16 MiB of shared memory"));
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kOk, "alone in IOMMU group 7"));
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kOk, "bound to vfio-pci"));
}

TEST_F(ChecksTest, AGuestWithTheKernelModuleNeedsNoVfio) {
  sysfs_.AddIvshmem(kAddress);
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kProblem, "guest/module/README.md"));
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kProblem, "guest/module/README.md"));
  fs::create_directories(Sys("bus/pci/drivers/tombolo"));
  fs::create_directory_symlink(Sys("bus/pci/drivers/tombolo"), sysfs_.Device(kAddress) / "driver");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kOk, "needs no IOMMU"));
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kProblem, "no file of it"));
  fs::create_directories(sysfs_.Device(kAddress) / "tombolo/tombolo3");
  Write(fs::path(machine_.system.dev) / "tombolo3", "");
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kOk, "tombolo3 is there"));
}

TEST_F(ChecksTest, AGuestWithoutADeviceIsToldHowToGetOne) {
  for (auto* check : {CheckDevice, CheckIommu, CheckDriver}) {
    EXPECT_TRUE(Says(check(machine_), Level::kProblem, "tombolo vm-args SLOT"));
  }
}

TEST_F(ChecksTest, ADeviceThatCannotInterruptIsAProblem) {
  sysfs_.AddIvshmem(kAddress, /*msix=*/false);
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kProblem, "ivshmem-plain"));
}

TEST_F(ChecksTest, WhatOnlyRootMayReadIsNotCalledMissing) {
  AddGoodDevice();
  Write(sysfs_.Device(kAddress) / "config", std::string(64, '\0'));
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kWarning, "as root"));
}

TEST_F(ChecksTest, MemoryThatNoDaemonServesIsAProblem) {
  AddGoodDevice();
  fs::resize_file(sysfs_.Device(kAddress) / "resource2", 4096);
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kProblem, "socket of tombolod"));
}

TEST_F(ChecksTest, SeveralDevicesAreAWarning) {
  AddGoodDevice();
  sysfs_.AddIvshmem(kOther);
  const fs::path memory = sysfs_.Device(kOther) / "resource2";
  Write(memory, "");
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kProblem, kOther)) << "a device without memory";
  fs::resize_file(memory, 8 << 20);
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kWarning, "06.0 with 8 MiB"));
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kWarning, "05.0 with 16 MiB"));
}

TEST_F(ChecksTest, OfSeveralDevicesEachIsLookedAt) {
  AddGoodDevice();
  sysfs_.AddIvshmem(kOther);
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kProblem, "0000:00:06.0 is in no IOMMU group"));
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kProblem, "0000:00:05.0 is alone"));
  fs::create_directory_symlink(sysfs_.VfioDriver(), sysfs_.Device(kOther) / "driver");
  sysfs_.AddGroup(kOther, "8");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kOk, "0000:00:06.0 is alone"));
  EXPECT_TRUE(
      Says(CheckDriver(machine_), Level::kProblem, "no " + machine_.system.dev + "/vfio/8"));
}

TEST_F(ChecksTest, AWindowBesideTheDeviceIsNotLookedAt) {
  AddGoodDevice();
  sysfs_.AddIvshmem(kOther, /*msix=*/false);
  for (auto* check : {CheckDevice, CheckIommu, CheckDriver}) {
    EXPECT_TRUE(Says(check(machine_), Level::kOk, kAddress));
  }
}

TEST_F(ChecksTest, ADeviceThatIsUsedWithoutADriverNeedsNoVfio) {
  sysfs_.AddIvshmem(kAddress);
  AddOpenFile("17", 3, "/dev/null");
  AddOpenFile("17", 4, "/sys/devices/pci0000:00/0000:00:04.0/resource2");
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kProblem, "modprobe")) << "of another device";
  AddOpenFile("17", 5, "/sys/devices/pci0000:00/0000:00:05.0/resource2");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kOk, "needs no IOMMU"));
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kWarning, "used through sysfs"));
  AddOpenFile("17", 6, machine_.system.dev + "/mem");
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kWarning, "used through /dev/mem"));
}

TEST_F(ChecksTest, ADeviceOfIvshmemV2IsNamed) {
  sysfs_.AddDevice(kOther, "0x110a", "0x4106", 0x11);
  EXPECT_TRUE(
      Says(CheckDevice(machine_), Level::kWarning, "ivshmem v2 device found: 0000:00:06.0"));
  AddGoodDevice();
  EXPECT_TRUE(Says(CheckDevice(machine_), Level::kOk, kAddress));
}

TEST_F(ChecksTest, TheInterfaceOfANetworkIsLookedAt) {
  EXPECT_TRUE(Says(CheckNet(machine_), Level::kOk, "modprobe tun"));
  Write(fs::path(machine_.system.dev) / "net/tun", "");
  Write(Sys("class/net/eth0/flags"), "0x1002\n");
  EXPECT_TRUE(Says(CheckNet(machine_), Level::kOk, "`tombolo net up` makes it\n"));
  Write(Sys("class/net/tombolo0/tun_flags"), "0x1001\n");
  Write(Sys("class/net/tombolo0/flags"), "0x1002\n");
  Write(Sys("class/net/tombolo0/mtu"), "65520\n");
  EXPECT_TRUE(Says(CheckNet(machine_), Level::kWarning, "tombolo0 is down"));
  Write(Sys("class/net/tombolo0/flags"), "0x1003\n");
  EXPECT_TRUE(Says(CheckNet(machine_), Level::kOk, "tombolo0 with MTU 65520"));
}

TEST_F(ChecksTest, WithoutAnIommuTheKernelsCommandLineIsLookedAt) {
  sysfs_.AddIvshmem(kAddress);
  Write(fs::path(machine_.proc) / "cmdline", "quiet\n");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kProblem, "add intel_iommu=on"));
  Write(fs::path(machine_.proc) / "cmdline", "quiet intel_iommu=on\n");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kProblem, "\nstart QEMU with -M q35"));
}

TEST_F(ChecksTest, AnIommuThatRemapsNoInterruptsIsAProblem) {
  AddGoodDevice();
  const fs::path capabilities = Sys("class/iommu/dmar0/intel-iommu/ecap");
  Write(capabilities, "f00f4a\n");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kOk, ""));
  Write(capabilities, "f00f42\n");
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kProblem, "intremap=on"));
}

TEST_F(ChecksTest, AGroupWithOthersIsAWarning) {
  AddGoodDevice();
  fs::create_directories(Sys("kernel/iommu_groups/7/devices") / kOther);
  EXPECT_TRUE(Says(CheckIommu(machine_), Level::kWarning, "slot of its own"));
}

TEST_F(ChecksTest, DriversAreToldApart) {
  sysfs_.AddIvshmem(kAddress);
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kProblem, "modprobe -a vfio-pci"));
  fs::create_directories(Sys("module/vfio_pci"));
  fs::create_directories(Sys("module/vfio_iommu_type1"));
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kOk, "no driver yet"));
  fs::create_directories(Sys("bus/pci/drivers/uio_pci_generic"));
  fs::create_directory_symlink(Sys("bus/pci/drivers/uio_pci_generic"),
                               sysfs_.Device(kAddress) / "driver");
  EXPECT_TRUE(Says(CheckDriver(machine_), Level::kWarning, "no access to the memory"));
}

TEST_F(ChecksTest, TheSideIsDecidedByWhatIsThere) {
  EXPECT_EQ(FindSide(machine_), Side::kHost);
  Write(Sys("class/dmi/id/sys_vendor"), "QEMU\n");
  EXPECT_EQ(FindSide(machine_), Side::kGuest) << "its device was forgotten";
  Write(fs::path(machine_.runtime_dir) / "ivshmem.sock", "");
  EXPECT_EQ(FindSide(machine_), Side::kHost) << "a host that is a virtual machine itself";
  AddGoodDevice();
  EXPECT_EQ(FindSide(machine_), Side::kGuest);
}

TEST_F(ChecksTest, KvmThatIsMissingOrNoneIsAWarning) {
  EXPECT_TRUE(Says(CheckKvm(machine_), Level::kWarning, "firmware"));
  Write(fs::path(machine_.system.dev) / "kvm", "");
  EXPECT_TRUE(Says(CheckKvm(machine_), Level::kWarning, "expected 12"));
}

TEST_F(ChecksTest, QemuIsAskedForVersionAndDevice) {
  const std::string name = "qemu-system-x86_64";
#ifndef __x86_64__
  GTEST_SKIP() << "it is called otherwise here";
#endif
  InstallProgram("other", "");
  EXPECT_TRUE(Says(CheckQemu(machine_), Level::kWarning, "apt install"));
  InstallProgram(name, "echo QEMU emulator version 7.2.22; echo ivshmem-doorbell options:");
  EXPECT_TRUE(Says(CheckQemu(machine_), Level::kOk, "7.2 with ivshmem-doorbell"));
  InstallProgram(name, "echo QEMU emulator version 2.12.0; echo ivshmem-doorbell options:");
  EXPECT_TRUE(Says(CheckQemu(machine_), Level::kWarning, "tested are 7.2"));
  InstallProgram(name, "echo QEMU emulator version 8.0.0; echo \"Device 'it' not found\"");
  EXPECT_TRUE(Says(CheckQemu(machine_), Level::kProblem, "no device ivshmem-doorbell"));
  InstallProgram(name, "echo hello");
  EXPECT_TRUE(Says(CheckQemu(machine_), Level::kWarning, "no version: hello"));
}

TEST_F(ChecksTest, WhatFewNeedIsToldAndIsWellWithout) {
#ifndef __x86_64__
  GTEST_SKIP() << "QEMU is called otherwise here";
#endif
  InstallProgram("other", "");
  EXPECT_TRUE(Says(CheckFlat(machine_), Level::kOk, "no qemu-system-arm"));
  EXPECT_TRUE(Says(CheckV2(machine_), Level::kOk, "no QEMU with vfio-user-pci"));
  InstallProgram("qemu-system-arm", "echo mps2-an385   ARM MPS2");
  EXPECT_TRUE(Says(CheckFlat(machine_), Level::kOk, "with mps2-an385"));
  InstallProgram("qemu-system-arm", "echo virt");
  EXPECT_TRUE(Says(CheckFlat(machine_), Level::kOk, "without mps2-an385"));
  InstallProgram("qemu-system-x86_64", "echo \"Device 'vfio-user-pci' not found\"");
  EXPECT_TRUE(Says(CheckV2(machine_), Level::kOk, "no QEMU with vfio-user-pci"));
  InstallProgram("qemu-system-x86_64", "echo vfio-user-pci options:");
  EXPECT_TRUE(Says(CheckV2(machine_), Level::kOk, "has vfio-user-pci"));
}

TEST_F(ChecksTest, HugePagesAreCounted) {
  EXPECT_TRUE(Says(CheckHugePages(machine_), Level::kWarning, "meminfo"));
  const fs::path meminfo = fs::path(machine_.proc) / "meminfo";
  Write(meminfo, "HugePages_Total: 0\nHugePages_Free: 0\nHugepagesize: 2048 kB\n");
  EXPECT_TRUE(Says(CheckHugePages(machine_), Level::kOk, "none reserved"));
  Write(meminfo, "HugePages_Total: 9\nHugePages_Free: 4\nHugepagesize: 2048 kB\n");
  const Finding some = CheckHugePages(machine_);
  EXPECT_TRUE(Says(some, Level::kOk, "4 of 9 free, 8 MiB"));
  EXPECT_EQ(some.numbers.at("free"), 4);
}

TEST_F(ChecksTest, ASharedMemoryFolderThatIsMissingIsAWarning) {
  EXPECT_TRUE(Says(CheckSharedMemoryFolder(machine_), Level::kWarning, "mount -t tmpfs"));
  fs::create_directories(fs::path(machine_.system.dev) / "shm");
  EXPECT_GT(CheckSharedMemoryFolder(machine_).numbers.at("bytes"), 0);
}

TEST_F(ChecksTest, OrdinaryMemoryIsReadFast) {
  alignas(64) static std::byte memory[1 << 16];
  const double ns = NsPerLine(memory);
  EXPECT_GT(ns, 0);
  EXPECT_LT(ns, 1000) << "a busy machine is not that slow at its best";
}

TEST(DoctorTextTest, EachLevelIsTold) {
  const std::vector<NamedFinding> findings = {{"kvm", Well("there"), 0},
                                              {"shm", Warning("small", "make it larger"), 0}};
  EXPECT_EQ(FindingText(findings[0], 5, false), "ok       kvm    there\n");
  EXPECT_EQ(FindingText(findings[1], 5, false),
            "warning  shm    small\n                to mend it: make it larger\n");
  EXPECT_EQ(FindingText(findings[0], 5, true), "\033[32mok     \033[0m  kvm    there\n");
  EXPECT_EQ(FindingsSummary("host", findings), "host: 2 checks, 1 ok, 1 warning, 0 problems\n");
}

TEST(DoctorTextTest, WhatOthersCallThemselvesIsNoOrderToTheTerminal) {
  EXPECT_EQ(FindingText({"a", Well("\033[2J"), 0}, 1, false), "ok       a  ?[2J\n");
}

TEST(FindingJsonTest, ComesBackAsItWas) {
  const Finding finding = Problem("a \"b\"\n\xff", "c", {{"ns_per_line", 1.5}});
  const auto back = ParseFinding(FindingJson(finding));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->level, Level::kProblem);
  EXPECT_EQ(back->text, "a \"b\"\n\xEF\xBF\xBD");
  EXPECT_EQ(back->mend, "c");
  EXPECT_EQ(back->numbers, finding.numbers);
  for (const char* text : {"", "{", "[]", "{\"level\":\"fine\"}"}) {
    EXPECT_FALSE(ParseFinding(text).has_value()) << text;
  }
}

TEST(FindingJsonTest, TheWorstLevelIsThatOfAll) {
  EXPECT_EQ(WorstOf({}), Level::kOk);
  EXPECT_EQ(WorstOf({{"a", Problem("", ""), 0}, {"b", Warning("", ""), 0}}), Level::kProblem);
  EXPECT_EQ(DoctorJson("host", {{"kvm", Well("there", {{"n", 2}}), 0.5}}),
            "{\"schema\":1,\"side\":\"host\",\"level\":\"ok\",\"checks\":[{\"check\":\"kvm\","
            "\"level\":\"ok\",\"text\":\"there\",\"mend\":\"\",\"numbers\":{\"n\":2.0},"
            "\"seconds\":0.5}]}");
}

}  // namespace
}  // namespace tombolo::control
