#include "transport/device/register_page.h"

#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/register_order.h"

namespace tombolo {

absl::StatusOr<RegisterPage> RegisterPage::Map(int fd, uint64_t offset_bytes) {
  const uint64_t page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t within = offset_bytes % page_bytes;
  if (within + kRegisterBytes > page_bytes || within % sizeof(uint32_t) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the device's registers (BAR0) lie at ", within, " of their page; expected ",
                     kRegisterBytes, " aligned bytes within it. Is it QEMU's ivshmem?"));
  }
  absl::StatusOr<Mapping> page = Mapping::Map(fd, offset_bytes - within, page_bytes);
  if (!page.ok()) return page.status();
  return RegisterPage(*std::move(page), within);
}

RegisterPage::RegisterPage(Mapping page, uint64_t offset_bytes)
    : page_(std::move(page)), offset_bytes_(offset_bytes) {}

void RegisterPage::Ring(uint16_t slot, uint16_t vector) const {
  if (vector > kMaxDoorbellVector) return;
  OrderBeforeRegisterStore();
  *Register(kDoorbellRegister) = DoorbellValue(slot, vector);
}

uint16_t RegisterPage::Slot() const {
  return static_cast<uint16_t>(*Register(kIvPositionRegister));
}

volatile uint32_t* RegisterPage::Register(uint64_t offset) const {
  // SAFETY: Map() has checked that all registers lie within the page, aligned to their size.
  return reinterpret_cast<volatile uint32_t*>(page_.Bytes().data() + offset_bytes_ + offset);
}

}  // namespace tombolo
