#include "control/doctor/all_checks.h"

#include <string>
#include <utility>

#include "control/doctor/control_checks.h"
#include "control/doctor/device_checks.h"
#include "control/doctor/emulator_checks.h"
#include "control/doctor/limit_checks.h"
#include "control/doctor/net_check.h"
#include "control/doctor/open_mpi_check.h"
#include "control/doctor/region_checks.h"

namespace tombolo::control {
namespace {

constexpr char kSystemHangs[] = "the kernel does not answer; `dmesg` may tell why";
constexpr char kProgramHangs[] = "a program that it started hangs; run it by hand";

// Some checks, as they are added to all.
class Checks {
 public:
  Checks(const Machine& machine, Side side) : machine_(machine), side_(side) {}

  void OfTheSystem() {
    if (side_ == Side::kHost) {
      Add("kvm", CheckKvm, kSystemHangs);
      Add("qemu", CheckQemu, kProgramHangs);
      Add("flat", CheckFlat, kProgramHangs);
      Add("v2", CheckV2, kProgramHangs);
    } else {
      Add("device", CheckDevice, kSystemHangs);
      Add("iommu", CheckIommu, kSystemHangs);
      Add("vfio", CheckDriver, kSystemHangs);
    }
  }

  void OfLimits() {
    Add("open-files", CheckOpenFiles, kSystemHangs);
    Add("memlock", CheckLockedMemory, kSystemHangs);
    Add("hugepages", CheckHugePages, kSystemHangs);
    Add("shm", CheckSharedMemoryFolder, kSystemHangs);
  }

  void OfTheRegion() {
    const std::string server_hangs = "whoever serves the sockets in " + machine_.runtime_dir +
                                     " hangs: end it, and start it again";
    Add("control", CheckControlSocket, server_hangs);
    Add("broker", CheckBrokerSocket, server_hangs);
    if (side_ == Side::kHost) Add("peers", CheckPeers, server_hangs);
    Add("mapping", CheckMapping, server_hangs);
    Add("doorbell", CheckDoorbell, server_hangs);
  }

  void OfPrograms() {
    Add("net", CheckNet, kSystemHangs);
    Add("open-mpi", CheckOpenMpi, kProgramHangs);
  }

  std::vector<Check> Take() { return std::move(all_); }

 private:
  using OfMachine = Finding (*)(const Machine&);
  using OfSide = Finding (*)(const Machine&, Side);

  void Add(const char* name, OfMachine check, std::string mend_silence) {
    all_.push_back(
        {name, [&machine = machine_, check] { return check(machine); }, std::move(mend_silence)});
  }

  void Add(const char* name, OfSide check, std::string mend_silence) {
    all_.push_back({name,
                    [&machine = machine_, side = side_, check] { return check(machine, side); },
                    std::move(mend_silence)});
  }

  void Add(const char* name, Finding (*check)(), std::string mend_silence) {
    all_.push_back({name, check, std::move(mend_silence)});
  }

  const Machine& machine_;
  const Side side_;
  std::vector<Check> all_;
};

}  // namespace

std::vector<Check> ChecksOf(const Machine& machine, Side side) {
  Checks checks(machine, side);
  checks.OfTheSystem();
  checks.OfLimits();
  checks.OfTheRegion();
  checks.OfPrograms();
  return checks.Take();
}

}  // namespace tombolo::control
